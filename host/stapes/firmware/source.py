# SPDX-License-Identifier: Apache-2.0
"""Stapes' source tree, which every build of the firmware needs."""

from __future__ import annotations

from pathlib import Path

from stapes.errors import StapesError
from stapes.installed import installed_tree


def find_source(folder: Path | None) -> Path:
    """The source tree: `folder`, the current one, or the one of this package.

    Raises:
        StapesError: there is none.
    """
    candidates = [folder] if folder else [Path.cwd(), installed_tree()]
    for candidate in candidates:
        if (candidate / "firmware").is_dir() and (candidate / "CMakeLists.txt").is_file():
            return candidate
    raise StapesError(
        f"{candidates[0]}: found no firmware/ in it, expected Stapes' source tree; "
        "run this in a checkout or pass --source_dir"
    )
