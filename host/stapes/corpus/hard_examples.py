# SPDX-License-Identifier: Apache-2.0
"""The folder of hard examples: sounds that a model took for words, to train with as `_unknown_`.

    HARD_DIR/list.txt       a line for each clip; if you delete a line, its clip is not used
    HARD_DIR/clips/*.wav
    HARD_DIR/index.html     the same with pictures, to look and listen through

`stapes data mine` writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import read_text
from stapes.plain import plain

LIST_NAME = "list.txt"
CLIPS_NAME = "clips"
_HEAD = """\
# Clips that a model took for words. Delete the lines of those in which the word is really said;
# stapes train --hard_dir takes the rest as unknown words.
"""


def list_text(rows: Iterable[tuple[str, str]]) -> str:
    """The text of the list; a row is (file below the folder, remark about it). Remarks contain the
    names of recordings: a line end in such a name must not begin a new line of the list."""
    return _HEAD + "".join(f"{name}\t{plain(about)}\n" for name, about in rows)


def hard_recordings(folder: str | os.PathLike[str]) -> list[Path]:
    """The clips of a folder that its list still names.

    Raises:
        StapesError: no such folder or list, a line that names no clip, or nothing is left.
    """
    folder = Path(folder)
    path = folder / LIST_NAME
    lines = read_text(path, what="the list in a --hard_dir of stapes data mine").split("\n")
    names = [line.split("\t")[0].strip() for line in lines if not line.startswith("#")]
    found = [folder / name for name in names if name]
    for recording in found:
        if not recording.is_file():
            raise StapesError(
                f"{path}: names {recording.relative_to(folder)}, which is not there; delete its "
                "line, or put the clip back"
            )
    if not found:
        raise StapesError(f"{path}: found no clips, expected some; leave out --hard_dir")
    return found
