# SPDX-License-Identifier: Apache-2.0
"""DET and ROC curves as PNG; needs matplotlib, which the extra `plot` brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stapes.files import write_bytes
from stapes.pictures.figures import new_figure, png_bytes
from stapes.stream.curve import CurvePoint

_DPI = 120


def check_plotting() -> None:
    """Checks, before the work starts, that curves can be drawn.

    Raises:
        StapesError: matplotlib is not installed.
    """
    new_figure(1, 1)


def lower_envelope(points: Sequence[CurvePoint]) -> list[CurvePoint]:
    """The points that no other one betters in both rates: more false accepts, fewer false rejects.

    At low thresholds words run into one another and both rates grow; that is no choice to draw.
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
    """Draws false rejects (DET, left) and detected words (ROC, right) against false accepts per
    hour, atomically; equal curves give equal files.

    Args:
        path: the PNG to write.
        curves: points by the name of their curve, of which the lower envelope is drawn.
        title: over both.
        chosen: operating points to mark, by curve.

    Raises:
        StapesError: matplotlib is missing, or the file cannot be written.
    """
    figure = new_figure(10, 5.5, dots_per_inch=_DPI)
    det, roc = figure.subplots(1, 2)
    for name, points in curves.items():
        ordered = lower_envelope(points)
        rates = [point.false_accepts_per_hour for point in ordered]
        rejects = [100 * point.false_reject_rate for point in ordered]
        (line,) = det.plot(rates, rejects, marker=".", label=name)
        roc.plot(rates, [100 - reject for reject in rejects], marker=".", label=name)
        if chosen and name in chosen:
            rate, reject = (
                chosen[name].false_accepts_per_hour,
                100 * chosen[name].false_reject_rate,
            )
            form = {"marker": "o", "markersize": 9, "fillstyle": "none", "color": line.get_color()}
            det.plot([rate], [reject], **form)
            roc.plot([rate], [100 - reject], **form)
    for axes, what in ((det, "words not detected, %"), (roc, "words detected, %")):
        axes.set_xscale("symlog", linthresh=0.1)
        axes.set_xlim(left=0)
        axes.set_xlabel("false accepts per hour")
        axes.set_ylabel(what)
        axes.set_ylim(-2, 102)
        axes.grid(True, which="both", alpha=0.3)
    figure.suptitle(title)
    figure.legend(*det.get_legend_handles_labels(), loc="outside lower center")
    write_bytes(path, png_bytes(figure))
