# SPDX-License-Identifier: Apache-2.0
"""Strict WAV files: 16-bit PCM, mono, whole; anything else is refused in one line.

Format: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, WAVE).
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stapes.errors import StapesError
from stapes.files import read_bytes, write_bytes

_PCM = 1
_EXTENSIBLE = 0xFFFE
# The sub-format GUID of WAVE_FORMAT_EXTENSIBLE is the plain format code followed by these bytes.
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_CONVERT = "convert it with: sox IN.wav -b 16 -c 1"


class FormatMismatch(StapesError):
    """A sound WAV file, but of other samples, channels or rate than wanted."""


def read_wav(path: str | os.PathLike[str], *, sample_rate: int | None = None) -> np.ndarray:
    """Reads the samples of a 16-bit PCM mono WAV file.

    Args:
        path: the file.
        sample_rate: the rate it must have, in Hz; None accepts any.

    Returns:
        int16 [samples], at least one sample.

    Raises:
        StapesError: not such a file; the message says what was found and how to fix it.
    """
    return read_wav_with_rate(path, sample_rate=sample_rate)[0]


def read_wav_with_rate(
    path: str | os.PathLike[str], *, sample_rate: int | None = None
) -> tuple[np.ndarray, int]:
    """As `read_wav`, and the file's sample rate in Hz."""
    body, rate = _locate(path, read_bytes(path, what="a WAV file"), sample_rate)
    return body.astype(np.int16), rate


def parse_wav(content: bytes, *, source: str) -> tuple[np.ndarray, int]:
    """As `read_wav_with_rate`, of bytes that came from elsewhere; `source` names them."""
    body, rate = _locate(source, content, None)
    return body.astype(np.int16), rate


def map_wav(
    path: str | os.PathLike[str], *, sample_rate: int | None = None
) -> tuple[np.ndarray, int]:
    """As `read_wav_with_rate`, but the samples stay in the file and are read when they are used:
    hours of audio take no memory."""
    try:
        if not Path(path).is_file():
            raise OSError(path)
        with Path(path).open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return read_wav_with_rate(path, sample_rate=sample_rate)  # says what is wrong with it
    return _locate(path, data, sample_rate)


def _locate(
    path: str | os.PathLike[str], content: bytes | mmap.mmap, sample_rate: int | None
) -> tuple[np.ndarray, int]:
    """A view of the samples in a file's content, and their rate in Hz."""
    data = _whole_riff(path, content)
    rate = None
    chunks = _chunks(memoryview(data))
    for name, body, size, _ in chunks:
        if name == b"fmt ":
            rate = _check_format(path, body, sample_rate)
        elif name == b"data":
            if rate is None:
                raise StapesError(
                    f"{path}: found samples before any 'fmt ' chunk, expected 'fmt ' first; "
                    f"{_CONVERT} OUT.wav"
                )
            if size > len(body):
                raise _cut_short(path, f"{size} bytes of samples", f"{len(body)}")
            _check_rest(path, chunks, struct.unpack_from("<I", data, 4)[0] + 8)
            return _view(path, body), rate
    missing = "'data'" if rate is not None else "'fmt '"
    raise StapesError(
        f"{path}: found no {missing} chunk, expected one; the file is damaged, record it again"
    )


def check_chunks(path: str | os.PathLike[str]) -> None:
    """Checks that a WAV file of any format holds all bytes that its headers promise.

    Raises:
        StapesError: it is cut short, or no WAV file.
    """
    data = _whole_riff(path, read_bytes(path, what="a WAV file"))
    for name, body, size, _ in _chunks(memoryview(data)):
        if size > len(body):
            raise _cut_short(path, f"{size} bytes of {name!r}", f"{len(body)}")


def _check_rest(
    path: str | os.PathLike[str], chunks: Iterator[tuple[bytes, memoryview, int, int]], end: int
) -> None:
    """What follows the samples, up to the `end` of the RIFF, must be whole chunks: it is not where
    there are more samples than their header says."""
    for name, body, size, start in chunks:
        if start < end and size > len(body):
            raise _cut_short(path, "whole chunks after the samples", f"{name!r} of {size} bytes")


def _whole_riff(path: str | os.PathLike[str], data: bytes | mmap.mmap) -> bytes | mmap.mmap:
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        found = "an empty file" if not data else f"{data[:4]!r} at its start"
        raise StapesError(f"{path}: found {found}, expected a RIFF/WAVE file; {_CONVERT} OUT.wav")
    promised = struct.unpack_from("<I", data, 4)[0] + 8
    if promised > len(data) + 1:  # one pad byte at the very end is often left out
        raise _cut_short(path, f"{promised} bytes of RIFF", f"{len(data)}")
    return data


def write_wav(path: str | os.PathLike[str], samples: np.ndarray, *, sample_rate: int) -> None:
    """Writes int16 [samples] as a 16-bit PCM mono WAV file, atomically."""
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise TypeError(f"expected int16 [samples], found {samples.dtype} {samples.shape}")
    body = samples.astype("<i2").tobytes()
    write_bytes(path, wav_header(len(body), sample_rate=sample_rate) + body)


def wav_header(data_bytes: int, *, sample_rate: int) -> bytes:
    """The 44 bytes before the `data_bytes` of a 16-bit PCM mono WAV file."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, _PCM, 1, sample_rate, 2 * sample_rate, 2, 16)
    riff_bytes = len(b"WAVE") + len(form) + 8 + data_bytes
    riff = struct.pack("<4sI", b"RIFF", riff_bytes)
    return riff + b"WAVE" + form + struct.pack("<4sI", b"data", data_bytes)


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview, int, int]]:
    """Name, body as far as the file holds it, promised size and place of each chunk."""
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        yield name, data[position + 8 : position + 8 + size], size, position
        position += 8 + size + size % 2  # chunks start at even positions


def _check_format(path: str | os.PathLike[str], body: memoryview, expected_rate: int | None) -> int:
    """Checks the body of the 'fmt ' chunk; returns the sample rate in Hz."""
    if len(body) < 16:
        raise _cut_short(path, "16 bytes of format", f"{len(body)}")
    code, channels, rate, byte_rate, block, bits = struct.unpack_from("<HHIIHH", body)
    if code == _EXTENSIBLE and body[26:40] == _GUID_TAIL:
        code = struct.unpack_from("<H", body, 24)[0]
    if code != _PCM or bits != 16:
        raise FormatMismatch(
            f"{path}: found format {code} with {bits} bits, expected 16-bit PCM; {_CONVERT} OUT.wav"
        )
    if channels != 1:
        raise FormatMismatch(
            f"{path}: found {channels} channels, expected mono; {_CONVERT} OUT.wav"
        )
    if rate == 0:
        raise StapesError(f"{path}: found 0 Hz, expected a positive rate; record it again")
    if block != 2 or byte_rate != 2 * rate:
        raise StapesError(
            f"{path}: found a header that contradicts itself ({rate} Hz, {byte_rate} bytes/s, "
            f"{block} bytes a sample), expected {2 * rate} bytes/s and 2; {_CONVERT} OUT.wav"
        )
    if expected_rate is not None and rate != expected_rate:
        raise FormatMismatch(
            f"{path}: found {rate} Hz, expected {expected_rate} Hz; "
            f"{_CONVERT} -r {expected_rate} OUT.wav"
        )
    return rate


def _view(path: str | os.PathLike[str], body: memoryview) -> np.ndarray:
    if not body:
        raise StapesError(f"{path}: found no samples, expected at least one; remove the file")
    if len(body) % 2:
        raise _cut_short(path, "whole 16-bit samples", f"{len(body)} bytes")
    return np.frombuffer(body, dtype="<i2")


def _cut_short(path: str | os.PathLike[str], promised: str, found: str) -> StapesError:
    return StapesError(
        f"{path}: cut short, or its header is wrong: found {found}, expected {promised}; "
        "copy or record it again"
    )
