# SPDX-License-Identifier: Apache-2.0
"""Stapes' source tree, which every build of the firmware needs."""

from __future__ import annotations

from pathlib import Path

from stapes.errors import StapesError
from stapes.installed import installed_tree

MARKER = "stapes_tree.txt"
_MARK = b"The source tree of Stapes."


def find_source(folder: Path | None) -> Path:
    """The source tree: `folder`; if none is given, this package's tree, or else the current folder.

    A build runs what is in the tree. So a folder counts only with the file that marks a tree of
    Stapes, and the current folder, which may be anybody's, comes last.

    Raises:
        StapesError: there is no source tree.
    """
    candidates = [folder] if folder else [installed_tree(), Path.cwd()]
    for candidate in candidates:
        if _is_marked(candidate):
            return candidate
    raise StapesError(
        f"{candidates[-1]}: found no {MARKER} in it, expected Stapes' source tree; "
        "run this in a checkout or pass --source_dir"
    )


def _is_marked(folder: Path) -> bool:
    try:
        return (folder / MARKER).read_bytes().startswith(_MARK)
    except OSError:
        return False
