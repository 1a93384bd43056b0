"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import writing

MARKER = "stapes_model.h"  # in every folder that `stapes emit` wrote


def write_folder(folder: str | os.PathLike[str], files: Mapping[str, str]) -> None:
    """Writes `files` (name: text) as the only content of `folder`.

    An existing folder is replaced only if it is empty or an earlier generated one.

    Raises:
        StapesError: the folder holds other files, or cannot be written.
    """
    # Symbolic links, "." and ".." are no names to rename.
    final = Path(os.path.realpath(folder))
    with writing(final):
        _check_replaceable(final, files)
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".stapes.", dir=final.parent))
        try:
            _replace(final, files, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _replace(final: Path, files: Mapping[str, str], temporary: Path) -> None:
    try:
        for name, text in files.items():
            (temporary / "new" / name).parent.mkdir(exist_ok=True)
            (temporary / "new" / name).write_text(text, encoding="utf-8", newline="\n")
        if final.exists():
            final.rename(temporary / "old")
        (temporary / "new").rename(final)
    except BaseException:
        if (temporary / "old").exists() and not final.exists():
            (temporary / "old").rename(final)
        raise


def _check_replaceable(folder: Path, files: Mapping[str, str]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise StapesError(f"{folder}: found a file, expected a folder; choose another --output_dir")
    found = {entry.name for entry in folder.iterdir()}
    if found and (MARKER not in found or found - set(files)):
        stranger = sorted(found - set(files))[:1] or [f"no {MARKER}"]
        raise StapesError(
            f"{folder}: found {stranger[0]}, expected a new folder or one that "
            "`stapes emit` wrote; choose another --output_dir"
        )
