# SPDX-License-Identifier: Apache-2.0
"""Figures of matplotlib as PNG bytes; imported only where a picture is asked for."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from stapes.errors import StapesError


def new_figure(width: float, height: float, *, dots_per_inch: int = 100) -> Any:
    """A matplotlib Figure of so many inches; no pyplot, which would look for a display.

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
    """The picture; equal figures give equal bytes. `colours`: a palette of so many, for small
    files."""
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
        StapesError: matplotlib, which brings what writes it, is not installed.
    """
    content = io.BytesIO()
    _pillow().fromarray(pixels).save(content, "png")
    return content.getvalue()


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
