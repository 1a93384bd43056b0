# SPDX-License-Identifier: Apache-2.0
"""DET curves as PNG; needs matplotlib, which the extra `plot` brings."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stapes.files import write_bytes
from stapes.pictures.figures import new_figure, png_bytes
from stapes.stream.curve import CurvePoint

_DPI = 120
_LEAST_RATE = 0.01  # the least rate on a scale; smaller rates are shown like 0


def check_plotting() -> None:
    """Checks, before the work starts, that curves can be drawn.

    Raises:
        StapesError: matplotlib is not installed.
    """
    new_figure(1, 1)


def lower_envelope(points: Sequence[CurvePoint]) -> list[CurvePoint]:
    """The points for which no other point is better in both rates: with more false accepts, there
    are fewer false rejects.

    At low thresholds, words run into each other and both rates grow: nobody would choose such
    points, so they are not drawn.
    """
    ordered = sorted(points, key=lambda p: (p.false_accepts_per_hour, p.false_reject_rate))
    envelope: list[CurvePoint] = []
    for point in ordered:
        if not envelope or point.false_reject_rate < envelope[-1].false_reject_rate:
            envelope.append(point)
    return envelope


def draw_curves(
    path: str | Path,
    curves: Mapping[str, Sequence[CurvePoint]],
    *,
    title: str,
    chosen: Mapping[str, CurvePoint] | None = None,
) -> None:
    """Draws the words that are not detected against false accepts per hour, atomically; the curves
    fill the frame. Equal curves give equal files.

    Args:
        path: the PNG to write.
        curves: points by the name of their curve; the lower envelope of each is drawn.
        title: the text above the curves.
        chosen: operating points to mark and to explain, by curve.

    Raises:
        StapesError: matplotlib is missing, or the file cannot be written.
    """
    figure = new_figure(8, 5.5, dots_per_inch=_DPI)
    axes, shown = figure.subplots(), dict(chosen or {})
    drawn = {name: lower_envelope(points) for name, points in curves.items()}
    for name, points in drawn.items():
        rejects = [100 * point.false_reject_rate for point in points]
        rates = [point.false_accepts_per_hour for point in points]
        (line,) = axes.plot(rates, rejects, marker=".", label=f"{name}, at every threshold")
        if name in shown:
            _mark(axes, shown[name], line.get_color())
    everything = [*itertools.chain(*drawn.values()), *shown.values()]
    _scale(axes, [point.false_accepts_per_hour for point in everything])
    axes.set(ylabel="words not detected, % (lower is better)", title=title)
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(loc="upper right")
    write_bytes(path, png_bytes(figure))


def _mark(axes: Any, point: CurvePoint, colour: str) -> None:
    """Marks the point at which the model works. Its thresholds may differ from word to word, so the
    point may lie beside the curve, which has one threshold for all words."""
    rate, reject = point.false_accepts_per_hour, 100 * point.false_reject_rate
    axes.plot(
        *([rate], [reject]),
        marker="o",
        markersize=10,
        markeredgewidth=2,
        linestyle="none",
        markerfacecolor="none",
        color=colour,
        zorder=3,
        label=f"as the model is set: {rate:.1f} an hour, {reject:.1f}% not detected",
    )


def _scale(axes: Any, rates: Sequence[float]) -> None:
    """Logarithmic from the smallest rate above 0 on, with ticks that people read."""
    above = [rate for rate in rates if rate >= _LEAST_RATE]
    least, most = min(above, default=0.1), max(above, default=1.0)
    axes.set_xscale("symlog", linthresh=least, linscale=0.4)
    steps = [digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5)]
    ticks = [0.0, *(step for step in steps if least <= step <= most * 1.1)]
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    margin = 1.15
    axes.set_xlim(-least / 4 if min(rates, default=0) < least else least / margin, most * margin)
    axes.set_xlabel("false accepts per hour")
