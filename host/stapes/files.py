# SPDX-License-Identifier: Apache-2.0
"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stapes.errors import StapesError


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns an OSError inside into a StapesError that says `path` cannot be written."""
    try:
        yield
    except OSError as error:
        raise StapesError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose a folder that exists, is yours and has room"
        ) from error


def check_output(
    path: str | os.PathLike[str], *, inputs: Iterable[str | os.PathLike[str]] = ()
) -> Path:
    """Checks, before the work starts, that a file can be written to `path`; leaves nothing behind.

    Returns:
        `path`, or the file that it is a symbolic link to.

    Raises:
        StapesError: `path` is a folder, a device or a pipe, its folder cannot be written, or it is
            one of `inputs`, which would be lost.
    """
    final = Path(os.path.realpath(path))
    if str(final) in {os.path.realpath(name) for name in inputs}:
        raise StapesError(
            f"{path}: found an input of this command, expected a file to write; choose another"
        )
    with writing(path):
        try:
            mode = Path(path).stat().st_mode
        except FileNotFoundError:
            mode = stat.S_IFREG
        if not stat.S_ISREG(mode):
            found = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
            raise StapesError(f"{path}: found {found}, expected a file to write; choose another")
        tempfile.TemporaryFile(dir=final.parent).close()
    return final


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it becomes `path`, on error it is removed.

    Raises:
        StapesError: as `check_output`, or writing failed, such as on a full disk.
    """
    final = check_output(path)
    with writing(path):
        handle, name = tempfile.mkstemp(prefix=".stapes.", suffix=final.suffix, dir=final.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(final)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def kept_folder(path: str | os.PathLike[str], *, shared: bool = False) -> Iterator[Path]:
    """Yields the folder `path`, made with its parents. If the work inside fails before it has
    written anything, the folders that were made are removed.

    Args:
        shared: another process will write there: the folder stays.

    Raises:
        StapesError: the folder cannot be made.
    """
    final = Path(path)
    made = [folder for folder in (final, *final.parents) if not folder.exists()]
    try:
        with writing(path):
            if final.exists() and not final.is_dir():
                raise StapesError(f"{path}: found a file, expected a folder; choose another")
            final.mkdir(parents=True, exist_ok=True)
        yield final
    except BaseException:
        with suppress(OSError):  # a folder that is not empty stays, and so do its parents
            for folder in () if shared else made:
                folder.rmdir()
        raise


@contextmanager
def held_alone(path: str | os.PathLike[str], *, what: str, wait: bool = False) -> Iterator[None]:
    """Keeps other processes out of this block with the same `path`, a hidden file that exists
    while the block runs. `what` says in the error message what the other process does. The lock of
    a process that has died is taken over. Windows has no such locks: there, no process is kept out.

    Args:
        wait: wait until no other process is in the block; for blocks that take no time.

    Raises:
        StapesError: another process is in the block; the message names its id.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    while True:
        with writing(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            # Children do not inherit it.
            fcntl.lockf(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except (BlockingIOError, PermissionError):
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
            os.close(handle)
            raise StapesError(
                f"{Path(path).parent}: found {what} under way here, process {holder or '?'}, "
                "expected none; wait until it has ended, or choose another folder"
            ) from None
        except OSError:
            pass  # a file system without locks
        if _is_at(handle, path):
            break
        os.close(handle)  # the process before has just deleted its file
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        Path(path).unlink(missing_ok=True)
        os.close(handle)


def _is_at(handle: int, path: str | os.PathLike[str]) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), Path(path).stat())
    except FileNotFoundError:
        return False


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary folder beside `path`; on success it becomes `path`, on error it is
    removed.

    Raises:
        StapesError: `path` exists already and is not an empty folder, or writing failed.
    """
    final = Path(path)
    with writing(path):
        empty = final.is_dir() and not final.is_symlink() and not any(final.iterdir())
    if not empty and os.path.lexists(final):
        raise StapesError(f"{path}: exists already, expected a new folder; choose another")
    with writing(path):
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".stapes.", dir=final.parent))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            _appear(temporary, final)
        except StapesError as error:  # the message must name the final folder
            raise StapesError(str(error).replace(str(temporary), str(final))) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def addition(
    target: Path, *, before: Callable[[Path], None] = lambda folder: None
) -> Iterator[Path]:
    """Yields a temporary folder; then moves its clips into `target`, even after an error: each clip
    is whole. `before` is called with the folder just before the move."""
    with writing(target):
        folder = Path(tempfile.mkdtemp(prefix=".stapes.", dir=target.parent))
        try:
            yield folder
        finally:
            try:
                before(folder)
                for path in visible_files(folder, "*.wav"):
                    path.replace(target / path.name)
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def _appear(temporary: Path, final: Path) -> None:
    try:
        temporary.rename(final)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise StapesError(
                f"{final}: another process has made it meanwhile, expected a new folder; choose "
                "another"
            ) from error
        raise


class LineFile:
    """A file that grows by lines: each line is there whole, or not at all. If the last line was cut
    short by a power failure, it gets its line end first.

    Raises:
        StapesError: the file cannot be written; the lines before are whole.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        with writing(path):
            self._file = io.FileIO(path, "a+")
            self.size = self._file.seek(0, os.SEEK_END)
            is_cut = self.size > 0 and os.pread(self._file.fileno(), 1, self.size - 1) != b"\n"
        if is_cut:
            self.add("\n")

    def add(self, lines: str) -> None:
        """Adds `lines`, which include their line ends."""
        data = lines.encode("utf-8", "backslashreplace")
        rest = memoryview(data)
        with writing(self._path):
            try:
                while rest:  # a disk that is almost full takes a part
                    rest = rest[self._file.write(rest) :]
            except OSError:
                self._file.truncate(self.size)
                raise
        self.size += len(data)

    def close(self) -> None:
        """May be called twice."""
        self._file.close()


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes `data` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` to `path` atomically, in UTF-8 with Unix line ends. Bytes of file names that
    are not UTF-8 are written as escapes."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def check_no_pointer(start: bytes, *, source: str | os.PathLike[str], what: str) -> None:
    """Refuses a pointer that Git LFS leaves in place of a file until the file is fetched. `start`:
    the beginning of the file; `what` as in `read_bytes`.

    Raises:
        StapesError: the file is such a pointer.
    """
    if start.startswith(_LFS_POINTER):
        raise StapesError(
            f"{source}: found a Git LFS pointer, not the file itself, expected {what}; "
            "fetch it with: git lfs pull"
        )


def read_bytes(path: str | os.PathLike[str], *, what: str) -> bytes:
    """Reads a whole file; `what` names its kind in the error message.

    Raises:
        StapesError: the file is missing, a device, a Git LFS pointer, larger than memory, or
            cannot be read.
    """
    try:
        with _reading(path, what):
            data = Path(path).read_bytes()
        check_no_pointer(data, source=path, what=what)
        return data
    except MemoryError as error:
        raise StapesError(
            f"{path}: found more bytes than memory holds; expected {what}; check the path"
        ) from error


def check_file(path: str | os.PathLike[str], *, what: str) -> None:
    """Checks that a file can be read, but reads only its start; `what` as in `read_bytes`.

    Raises:
        StapesError: the file is missing, a device, a Git LFS pointer, or cannot be read.
    """
    with _reading(path, what), Path(path).open("rb") as file:
        start = file.read(len(_LFS_POINTER))
    check_no_pointer(start, source=path, what=what)


@contextmanager
def _reading(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    try:
        if Path(path).is_char_device() or Path(path).is_block_device():
            raise StapesError(
                f"{path}: found a device, which has no end; expected {what}; check the path"
            )
        yield
    except OSError as error:
        raise StapesError(
            f"{path}: cannot be read ({error.strerror}); expected {what}; check the path"
        ) from error


_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_MARKS = {  # a text's first bytes; the longer ones first
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def read_text(path: str | os.PathLike[str], *, what: str) -> str:
    """Reads a text that a person wrote: UTF-8 with or without a byte order mark, with the line ends
    of any system. In the result, lines end with "\\n". `what` names its kind in the error message.

    Raises:
        StapesError: the file cannot be read (as `read_bytes`), is no text, or is text in another
            encoding.
    """
    data = read_bytes(path, what=what)
    try:
        text = data.decode("utf-8-sig")
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        pass
    raise StapesError(
        f"{path}: found {_encoding(data)}, expected {what} in UTF-8; save it as UTF-8"
    )


def _encoding(data: bytes) -> str:
    """What data that is no text in UTF-8 seems to be."""
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return f"{name} text"
    if b"\0" in data:
        zeros = [data[start::2].count(0) * 2 / len(data) for start in (0, 1)]
        return "UTF-16 text" if max(zeros) > 0.5 > 2 * min(zeros) else "no text"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return (
            f"text in an encoding of one byte a letter, such as Latin-1 or Windows-1252 (line "
            f"{line}, byte 0x{data[error.start]:02X})"
        )
    return "no text"


def visible_files(folder: Path, pattern: str) -> list[Path]:
    """Files below `folder`, sorted, without hidden files and files in hidden folders: these are
    half-written clips, and what macOS puts beside every file. Links to folders are followed, with
    `**/` too."""
    deep = pattern.startswith("**/")
    found = _all_below(folder, frozenset()) if deep else folder.glob(pattern)
    return sorted(
        path
        for path in found
        if path.match(pattern.removeprefix("**/"))
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _all_below(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    """Everything below `folder`. A link to a folder `above` is not followed: it would never end."""
    place = os.path.realpath(folder)
    if place in above:
        return
    for path in folder.iterdir():
        yield path
        if path.is_dir():
            yield from _all_below(path, above | {place})


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
