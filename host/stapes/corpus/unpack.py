# SPDX-License-Identifier: Apache-2.0
"""Unpacks archives of clips from the network: files and folders only, and only below the target."""

from __future__ import annotations

import errno
import gzip
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from stapes.errors import StapesError
from stapes.files import new_folder

MAX_FILES = 2_000_000
MAX_RATIO = 50  # unpacked to packed bytes; audio reaches 2
_MIN_LIMIT = 64 << 20


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Unpacks a tar archive (plain, gzip, bzip2 or xz) into a new folder; returns how many files.

    The folder appears whole or not at all. `progress` is called with packed bytes done and in all.
    Owners, permissions and times of the archive are not taken over.

    Raises:
        StapesError: the folder exists, the archive is damaged, or a member would leave the folder,
            is a link or a device, or there is no room.
    """
    archive, folder = Path(archive), Path(folder)
    with new_folder(folder) as temporary:
        return _unpack_into(archive, temporary, progress)


def _unpack_into(archive: Path, folder: Path, progress: Callable[[int, int], None]) -> int:
    size = archive.stat().st_size
    limit = max(MAX_RATIO * size, _MIN_LIMIT)
    count = unpacked = 0
    try:
        with archive.open("rb") as packed, tarfile.open(fileobj=packed, mode="r|*") as tar:
            for member in tar:
                target = _target(archive, folder, member)
                if member.isdir():
                    with _placing(archive, member):
                        target.mkdir(parents=True, exist_ok=True)
                    continue
                count, unpacked = count + 1, unpacked + member.size
                if count > MAX_FILES or unpacked > limit:
                    raise StapesError(
                        f"{archive}: found more than {MAX_FILES} files or {limit >> 20} MB inside, "
                        "expected a corpus of clips; check its source"
                    )
                with _placing(archive, member):
                    _write(tar, member, target)
                progress(packed.tell(), size)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise StapesError(
            f"{archive}: found damage after {count} files ({error}), expected a whole tar archive; "
            "download it again"
        ) from error
    if not count:
        raise StapesError(f"{archive}: found no files in it, expected a corpus; check the file")
    return count


@contextmanager
def _placing(archive: Path, member: tarfile.TarInfo) -> Iterator[None]:
    """Turns errors that the name of a member causes into a StapesError that names the member."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise
        raise StapesError(
            f"{archive}: found a member {member.name!a:.80} that cannot be there "
            f"({error.strerror}), expected files in folders; check its source"
        ) from error


def _target(archive: Path, folder: Path, member: tarfile.TarInfo) -> Path:
    """Where a member goes.

    Raises:
        StapesError: the place is outside the folder, or the member is neither file nor folder.
    """
    place = PurePosixPath(member.name)
    if place.is_absolute() or ".." in place.parts or "\\" in member.name or "\0" in member.name:
        raise StapesError(
            f"{archive}: found a member {member.name!r} that would leave the folder, expected "
            "paths inside; do not trust this archive"
        )
    if not (member.isfile() or member.isdir()):
        raise StapesError(
            f"{archive}: found a link or device {member.name!r}, expected files and folders only; "
            "do not trust this archive"
        )
    return folder / place


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None, "a regular file"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        shutil.copyfileobj(content, out, 1 << 18)
    if target.stat().st_size != member.size:
        raise tarfile.ReadError(f"{member.name} is cut short")
