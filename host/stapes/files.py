"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stapes.errors import StapesError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it becomes `path`, on error it is removed.

    Raises:
        StapesError: the folder of `path` does not exist or cannot be written.
    """
    final = Path(path)
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{final.name}.", suffix=final.suffix, dir=final.parent
        )
    except OSError as error:
        raise StapesError(
            f"{final}: cannot be written ({error.strerror}); "
            "choose a folder that exists and is yours"
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes `data` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` to `path` atomically, UTF-8 with Unix line ends."""
    write_bytes(path, text.encode("utf-8"))


def read_bytes(path: str | os.PathLike[str], *, what: str) -> bytes:
    """Reads a whole file; `what` names its kind in the error message.

    Raises:
        StapesError: the file is missing or cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise StapesError(
            f"{path}: cannot be read ({error.strerror}); expected {what}; check the path"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
