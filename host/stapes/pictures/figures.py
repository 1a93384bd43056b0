# SPDX-License-Identifier: Apache-2.0
"""Figures of matplotlib as PNG bytes; imported only where a picture is asked for."""

from __future__ import annotations

import io
import warnings
from functools import cache
from typing import Any

import numpy as np

from stapes.errors import StapesError


def new_figure(width: float, height: float, *, dots_per_inch: int = 100) -> Any:
    """A matplotlib Figure, with its size in inches; without pyplot, which would look for a display.

    Raises:
        StapesError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise _missing(error) from error
    figure = Figure(figsize=(width, height), dpi=dots_per_inch, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png_bytes(figure: Any, *, colours: int = 0) -> bytes:
    """The picture; equal figures give equal bytes. `colours`: use a palette of so many colours, for
    small files. Labels in any script are written in fonts that have this script; if no font has it,
    as boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        use_fonts_that_fit(figure)
        return _drawn(figure, colours)


def _drawn(figure: Any, colours: int) -> bytes:
    content = io.BytesIO()
    if not colours:
        figure.savefig(content, format="png", metadata={"Software": None})
        return content.getvalue()
    image = _pillow()
    figure.canvas.draw()
    picture = image.fromarray(np.asarray(figure.canvas.buffer_rgba())[:, :, :3])
    picture.quantize(colours, dither=image.Dither.NONE).save(content, "png", optimize=True)
    return content.getvalue()


def grey_png(pixels: np.ndarray) -> bytes:
    """A bare picture of uint8 [height, width], 0 black.

    Raises:
        StapesError: matplotlib is not installed; a package that it depends on writes the picture.
    """
    content = io.BytesIO()
    _pillow().fromarray(pixels).save(content, "png")
    return content.getvalue()


def use_fonts_that_fit(figure: Any) -> None:
    """Adds fonts of this machine for characters that are missing in the usual font."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.text import Text

    figure.draw_without_rendering()  # labels of ticks get their text here
    usual = _characters_of(findfont(FontProperties(family=["sans-serif"])))
    for text in figure.findobj(Text):
        others = tuple(sorted({c for c in text.get_text() if c.isprintable()} - usual))
        if others:
            text.set_fontfamily(["sans-serif", *fonts_with(others)])


@cache
def fonts_with(characters: tuple[str, ...]) -> list[str]:
    """Names of fonts that together have most of the characters."""
    from matplotlib.font_manager import fontManager

    missing, names = set(characters), []
    for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        if font.name.startswith("Last Resort"):  # it has only boxes
            continue
        if missing & _characters_of(font.fname):
            missing -= _characters_of(font.fname)
            names.append(font.name)
    return names


@cache
def _characters_of(path: str) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):  # an unusual file among the fonts
        return frozenset()


def _pillow() -> Any:
    """The module PIL.Image: matplotlib depends on it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise _missing(error) from error
    return Image


def _missing(error: ImportError) -> StapesError:
    return StapesError(
        f"matplotlib: cannot import it ({error}), expected for pictures; "
        "run pip install 'stapes[plot]'"
    )
