# SPDX-License-Identifier: Apache-2.0
"""Whose recordings a model is trained on, and on what terms: a text file in the folders of data,
which travels into the model."""

from __future__ import annotations

import os
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import read_text

FILE_NAME = "ATTRIBUTION.txt"
MAX_CHARACTERS = 2000


def attribution_of(*folders: str | os.PathLike[str]) -> str:
    """What the ATTRIBUTION.txt of each folder says, and of its folders of other sounds
    (_background_noise_ and the like): a line each, none twice.

    Raises:
        StapesError: one cannot be read, or is too long to travel in a model.
    """
    lines: dict[str, None] = {}
    for folder in map(Path, folders):
        for place in (folder, *sorted(folder.glob("_*_"))):
            path = place / FILE_NAME
            if path.is_file():
                lines[_line(path)] = None
    return "\n".join(line for line in lines if line)


def together(*told: str) -> str:
    """Texts of `attribution_of` as one: a line each, none twice."""
    lines = dict.fromkeys(line for text in told for line in text.splitlines())
    return "\n".join(lines)


def _line(path: Path) -> str:
    text = " ".join(read_text(path, what="whose data this is, and on what terms").split())
    if len(text) > MAX_CHARACTERS:
        raise StapesError(
            f"{path}: found {len(text)} characters, expected {MAX_CHARACTERS} at most: they travel "
            "in the model; name authors and licences, and where their texts are"
        )
    return text
