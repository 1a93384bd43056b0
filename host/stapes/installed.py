# SPDX-License-Identifier: Apache-2.0
"""Where the sources for builds are, and where builds go.

A checkout builds from itself, in its own folder build/. A package that was installed from a wheel
contains the same files (cmake/package.cmake), and builds in a folder of the user.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import stapes

# This package's commands in another process. -P: nothing is imported from the current folder.
OWN_PYTHON = (sys.executable, "-P")
_PACKAGE = Path(stapes.__file__).resolve().parent
PACKAGED = _PACKAGE / "tree"  # the source tree in a wheel


def installed_tree() -> Path:
    """The source tree of this package: the checkout it runs from, or what its wheel brought."""
    checkout = _PACKAGE.parents[1]
    return checkout if (checkout / "host" / "stapes").is_dir() else PACKAGED


def build_folder(source: Path) -> Path:
    """Where images of the firmware in `source` are built."""
    if source.resolve() != PACKAGED:
        return source / "build"
    return cache_folder() / _digest(source)


def cache_folder() -> Path:
    """The user's folder for files that can be made again. This call does not make the folder."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "stapes"


def _digest(source: Path) -> str:
    """A name for the path and the content of a tree. CMake remembers the path, and may not notice
    that an installed file has changed, because its time can be any."""
    digest = hashlib.sha256(str(source).encode())
    for path in sorted(source.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(source)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
