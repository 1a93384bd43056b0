# SPDX-License-Identifier: Apache-2.0
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


def write_folder(
    folder: str | os.PathLike[str],
    files: Mapping[str, str | bytes],
    *,
    marker: str = MARKER,
    command: str = "stapes emit",
) -> None:
    """Writes `files` (path: content) as the only content of `folder`.

    An existing folder is replaced only if it is empty, or if the same `command` wrote it earlier:
    this command always writes the file `marker`.

    Raises:
        StapesError: the folder holds other files, or cannot be written.
    """
    # Symbolic links, "." and ".." cannot be renamed.
    final = Path(os.path.realpath(folder))
    with writing(final):
        _check_replaceable(final, files, marker=marker, command=command)
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".stapes.", dir=final.parent))
        try:
            _replace(final, files, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _replace(final: Path, files: Mapping[str, str | bytes], temporary: Path) -> None:
    try:
        for name, text in files.items():
            (temporary / "new" / name).parent.mkdir(parents=True, exist_ok=True)
            data = text if isinstance(text, bytes) else text.encode()
            (temporary / "new" / name).write_bytes(data)
        if final.exists():
            final.rename(temporary / "old")
        (temporary / "new").rename(final)
    except BaseException:
        if (temporary / "old").exists() and not final.exists():
            (temporary / "old").rename(final)
        raise


def _check_replaceable(
    folder: Path, files: Mapping[str, str | bytes], *, marker: str, command: str
) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise StapesError(f"{folder}: found a file, expected a folder; choose another --output_dir")
    found = {entry.name for entry in folder.iterdir()}
    ours = {Path(name).parts[0] for name in files}
    if found and (marker not in found or found - ours):
        stranger = sorted(found - ours)[:1] or [f"no {marker}"]
        raise StapesError(
            f"{folder}: found {stranger[0]}, expected a new folder or one that "
            f"`{command}` wrote; choose another --output_dir"
        )
