# SPDX-License-Identifier: Apache-2.0
"""The page of hard examples: a picture and a player for each clip."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from stapes.pictures.figures import grey_png

_ZOOM = 4
_STYLE = (
    "body{font-family:sans-serif;display:flex;flex-wrap:wrap;gap:1em}"
    "h1,p.about{width:100%;margin:0}figure{margin:0}figcaption{font-size:80%;max-width:22em}"
    "img,audio{display:block;width:22em}"
)


def features_png(features: np.ndarray) -> bytes:
    """int8 [frames, features] as the network gets them, low channels at the bottom.

    Raises:
        StapesError: matplotlib is not installed; a package that it depends on writes the picture.
    """
    shown = (features.T[::-1].astype(np.int16) + 128).astype(np.uint8)
    return grey_png(np.kron(shown, np.ones((_ZOOM, _ZOOM), np.uint8)))


def finds_page(title: str, about: str, finds: Sequence[tuple[str, str, str]]) -> str:
    """HTML of all finds; each is (file of the clip, file of its picture, caption)."""
    figures = "\n".join(
        f'<figure><img src="{html.escape(picture)}" alt=""><audio controls preload="none" '
        f'src="{html.escape(clip)}"></audio><figcaption>{html.escape(caption)}</figcaption></figure>'
        for clip, picture, caption in finds
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>\n"
        f'<h1>{html.escape(title)}</h1>\n<p class="about">{html.escape(about)}</p>\n{figures}\n'
        "</html>\n"
    )
