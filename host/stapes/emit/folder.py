"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stapes.errors import StapesError

MARKER = "stapes_model.h"  # in every folder that `stapes emit` wrote


def write_folder(folder: str | os.PathLike[str], files: Mapping[str, str]) -> None:
    """Writes `files` (name: text) as the only content of `folder`.

    An existing folder is replaced only if it is empty or an earlier generated one.

    Raises:
        StapesError: the folder holds other files, or cannot be written.
    """
    # A trailing "." or ".." has no name of its own to rename.
    final = Path(os.path.abspath(folder))  # noqa: PTH100 (keeps symbolic links)
    _check_replaceable(final, files)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    except OSError as error:
        raise StapesError(
            f"{final}: cannot be written ({error.strerror}); choose another --output_dir"
        ) from error
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
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
