# SPDX-License-Identifier: Apache-2.0
"""The DET curve as a picture."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.stream import plot
from stapes.stream.curve import CurvePoint


def point(rate: float, reject: float) -> CurvePoint:
    return CurvePoint(
        threshold=0.5,
        words=100,
        correct=round(100 * (1 - reject)),
        wrong=0,
        false_accepts=round(rate),
        false_reject_rate=reject,
        false_accepts_per_hour=rate,
        median_latency_ms=None,
        labels={},
    )


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws curves; returns the figure's one picture."""
    figures = []
    draw = plot.png_bytes
    monkeypatch.setattr(plot, "png_bytes", lambda figure: figures.append(figure) or draw(figure))

    def axes(curves, **options):
        plot.draw_curves(tmp_path / "det.png", curves, title="a test", **options)
        assert (tmp_path / "det.png").read_bytes().startswith(b"\x89PNG")
        (found,) = figures[-1].axes
        return found

    return axes


def spans(axes, points) -> np.ndarray:
    """float [2]: how much of the frame's width and height the points take."""
    values = [(p.false_accepts_per_hour, 100 * p.false_reject_rate) for p in points]
    places = axes.transAxes.inverted().transform(axes.transData.transform(values))
    assert places.min() >= 0 and places.max() <= 1
    return places.max(axis=0) - places.min(axis=0)


CURVES = {
    "rare": [point(0, 0.22), point(0.33, 0.21), point(2.3, 0.158), point(40, 0.09)],
    "many": [point(3, 0.95), point(900, 0.4), point(70_000, 0.001)],
    "none": [point(0, 0.5)],
}


@pytest.mark.parametrize("name", ["rare", "many"])
def test_the_curve_fills_the_frame(drawn, name):
    assert (spans(drawn({name: CURVES[name]}), CURVES[name]) > 0.8).all()


@pytest.mark.parametrize("name", CURVES)
def test_ticks_are_plain_numbers_that_do_not_crowd(drawn, name):
    axes = drawn({name: CURVES[name]})
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names[0] == "0" and len(names) < 18
    assert all("$" not in text and float(text) >= 0 for text in names)


def test_the_operating_point_is_marked_and_explained(drawn):
    chosen = point(2.25, 0.151)
    axes = drawn({"rare": CURVES["rare"]}, chosen={"rare": chosen})
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[0] == "rare, at every threshold"
    assert texts[1] == "as the model is set: 2.2 an hour, 15.1% not detected"
    (mark,) = (line for line in axes.lines if line.get_marker() == "o")
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (2.25, pytest.approx(15.1))


def test_an_operating_point_beyond_the_curve_is_inside_the_frame(drawn):
    chosen = point(300, 0.6)
    spans(drawn({"rare": CURVES["rare"]}, chosen={"rare": chosen}), [*CURVES["rare"], chosen])
