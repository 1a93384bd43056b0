# SPDX-License-Identifier: Apache-2.0
"""Downloads that go on where they were cut, and appear under their name only when whole.

Ranges: RFC 9110, section 14.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO, Any

from stapes.errors import StapesError
from stapes.files import writing

PART_SUFFIX = ".part"
_CHUNK_BYTES = 1 << 18
_CUT_OFF = (http.client.HTTPException, ConnectionError, TimeoutError)

Progress = Callable[[int, int], None]  # bytes done, bytes in all (0 if the server does not say)


def download(
    url: str,
    path: str | os.PathLike[str],
    *,
    sha256: str,
    progress: Progress = lambda done, total: None,
    tries: int = 5,
    pause_seconds: float = 2.0,
    timeout_seconds: float = 60.0,
) -> None:
    """Downloads `url` to `path`; what has arrived waits beside it as `<path>.part`.

    Args:
        sha256: of the whole file, in hexadecimal digits.
        tries: the download fails after so many attempts in a row that bring nothing.

    Raises:
        StapesError: no such address, no connection, no room, or other bytes than `sha256` says.
    """
    path = Path(path)
    part = path.with_name(path.name + PART_SUFFIX)
    failures = 0
    while True:
        before = _size(part)
        try:
            _continue(url, part, progress, timeout_seconds)
            break
        except (*_CUT_OFF, urllib.error.URLError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                raise StapesError(
                    f"{url}: found HTTP status {error.code} ({cause(error)}), expected the file; "
                    "check the address"
                ) from error
            failures = 1 if _size(part) > before else failures + 1
            if failures >= tries:
                raise StapesError(
                    f"{url}: the connection failed {failures} times ({cause(error)}); check the "
                    "network and give the same command again: it continues after "
                    f"{_size(part)} bytes"
                ) from error
            time.sleep(pause_seconds * failures)
    check_sha256(part, sha256, source=url, remove=True)
    with writing(path):
        part.replace(path)


def check_sha256(path: Path, expected: str, *, source: str = "", remove: bool = False) -> None:
    """Checks a file's content. With `remove`, deletes the file if the content is wrong.

    Raises:
        StapesError: other content; `source` is named instead of the file.
    """
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found == expected.lower():
        return
    if remove:
        path.unlink()
    raise StapesError(
        f"{source or path}: found SHA-256 {found}, expected {expected}; the file is damaged, or "
        "it is another one: download it again"
    )


def _continue(url: str, part: Path, progress: Progress, timeout_seconds: float) -> None:
    """One connection: appends to `part` the bytes that are still missing."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"User-Agent": "stapes"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=timeout_seconds)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing after `have`: `part` is whole, or of another file
            return
        raise
    with answer:
        if answer.status != 206:
            have = 0  # the server takes no ranges: from the start
        length = _length(answer.headers)
        total = have + length if length else 0
        _check_room(part, length)
        with writing(part), part.open("r+b" if have else "wb") as out:
            out.seek(have)
            _copy(answer, out, have, total, progress)
    if total and _size(part) < total:
        raise ConnectionError(f"cut off after {_size(part)} of {total} bytes")


def _length(headers: Message) -> int:
    """Bytes to come, or 0 where the server does not say."""
    text = headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def cause(error: Exception) -> str:
    """The error in one line of printable characters: a server may send any text."""
    text = " ".join(str(getattr(error, "reason", None) or error).split())
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _copy(answer: Any, out: IO[bytes], done: int, total: int, progress: Progress) -> None:
    """Errors of the connection leave here as ConnectionError, those of the disk as OSError."""
    while True:
        try:
            data = answer.read(_CHUNK_BYTES)
        except OSError as error:
            raise _Cut(str(error) or type(error).__name__) from error
        if not data:
            return
        out.write(data)
        done += len(data)
        progress(done, total)


class _Cut(http.client.HTTPException):
    """The connection ended early."""


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise StapesError(
            f"{part.parent}: found {free >> 20} MB free, expected {needed >> 20} MB and more for "
            "the download; make room or choose another folder"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
