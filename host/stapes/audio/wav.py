# SPDX-License-Identifier: Apache-2.0
"""Strict WAV files: 16-bit PCM, mono, whole; anything else is refused in one line.

Format: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, WAVE). One rule
says which sizes are believed: `_find_samples`. boards/host/wav.cc and boards/web/page/riff.js
follow the same rule.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.errors import StapesError
from stapes.files import check_no_pointer, read_bytes, write_bytes
from stapes.progress import note

_PCM = 1
_EXTENSIBLE = 0xFFFE
# The sub-format GUID of WAVE_FORMAT_EXTENSIBLE is the plain format code followed by these bytes.
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_CONVERT = "convert it with: sox IN.wav -b 16 -c 1"
TO_WAV = "ffmpeg -i IN -ac 1 -ar 16000 -c:a pcm_s16le OUT.wav"  # of any format
_OPEN_SIZE = (
    0x7FFFF000  # such a size or a larger one means "until the end": writers to a pipe leave it so
)
_TAG_BYTES = 4096  # at most so many bytes may follow that no header counts
_MOST_CHUNKS = 1000  # more are not looked at
_MAP_FROM_BYTES = 1 << 24  # larger files are not read at once

Content = bytes | mmap.mmap


class FormatMismatch(StapesError):
    """A valid WAV file, but with other samples, channels or another rate than wanted."""


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
    """Like `read_wav`; also returns the file's sample rate in Hz."""
    body, rate = _samples(path, _content(path), sample_rate)
    return body.astype(np.int16), rate


def parse_wav(content: bytes, *, source: str) -> tuple[np.ndarray, int]:
    """Like `read_wav_with_rate`, for bytes that came from elsewhere; `source` names them in
    messages."""
    body, rate = _samples(source, content, None)
    return body.astype(np.int16), rate


def map_wav(
    path: str | os.PathLike[str], *, sample_rate: int | None = None
) -> tuple[np.ndarray, int]:
    """Like `read_wav_with_rate`, but the samples stay in the file and are read when they are used:
    hours of audio take no memory."""
    return _samples(path, _content(path, map_from=0), sample_rate)


def whole_wav(path: str | os.PathLike[str]) -> bytes | None:
    """Checks the sizes in a WAV file of any sample format. If they say nothing (a recorder wrote
    into a pipe), returns the file's bytes with the right sizes; otherwise None.

    Raises:
        StapesError: the file is cut short, holds more than its header says, or is no WAV file.
    """
    data = _content(path)
    found = _find_samples(path, data)
    if not found.open_ended:
        return None
    _tell(path)
    size = found.stop - found.start
    body = data[: found.start - 4] + struct.pack("<I", size) + data[found.start : found.stop]
    body += bytes(size % 2)
    return body[:4] + struct.pack("<I", len(body) - 8) + body[8:]


def is_open_ended(path: str | os.PathLike[str]) -> bool:
    """True for a WAV file whose header does not say where the samples end.

    Raises:
        StapesError: as `whole_wav`.
    """
    return _find_samples(path, _content(path)).open_ended


def _content(path: str | os.PathLike[str], *, map_from: int = _MAP_FROM_BYTES) -> Content:
    """A file's bytes; a large file is mapped and not read into memory."""
    try:
        if not Path(path).is_file() or Path(path).stat().st_size < max(map_from, 1):
            raise OSError(path)
        with Path(path).open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return read_bytes(path, what="a WAV file")  # says what is wrong with it


def _samples(
    path: str | os.PathLike[str], content: Content, sample_rate: int | None
) -> tuple[np.ndarray, int]:
    """A view of the samples in a file's content, and their rate in Hz."""
    found = _find_samples(path, content)
    rate = _check_format(path, found.form, sample_rate)
    size = found.stop - found.start
    if not size:
        raise StapesError(f"{path}: found no samples, expected at least one; record it again")
    if size % 2:
        raise _cut_short(path, "whole 16-bit samples", f"{size} bytes")
    if found.open_ended:
        _tell(path)
    return np.frombuffer(content, "<i2", size // 2, found.start), rate


@dataclass(frozen=True, kw_only=True)
class _Found:
    """The body of the 'fmt ' chunk, and where the samples are. `open_ended`: the header does not
    say how many samples there are."""

    form: bytes
    start: int
    stop: int
    open_ended: bool


def _find_samples(path: str | os.PathLike[str], data: Content) -> _Found:
    """Compares the sizes in the header with the file's length, for any sample format.

    Recorders that could not go back leave one of two sizes: a size from `_OPEN_SIZE` on that does
    not fit the file, or 0 with more than whole chunks after it. Then the samples reach to the
    file's end. Otherwise all promised bytes must be there, and after them only whole chunks and,
    after the end of the RIFF, up to `_TAG_BYTES` of tags.
    """
    _check_riff(path, data)
    form = None
    for name, start, size in _chunks(data):
        if name == b"fmt ":
            form = bytes(data[start : min(start + size, start + 40)])
        elif name == b"data":
            if form is None:
                raise StapesError(
                    f"{path}: found samples before any 'fmt ' chunk, expected 'fmt ' first; "
                    f"{_CONVERT} OUT.wav"
                )
            return _judge(path, data, form, start, size)
    missing = "'data'" if form is not None else "'fmt '"
    raise StapesError(
        f"{path}: found no {missing} chunk, expected one; the file is damaged, record it again"
    )


def _judge(
    path: str | os.PathLike[str], data: Content, form: bytes, start: int, size: int
) -> _Found:
    """`_find_samples` for the 'data' chunk whose body of `size` bytes begins at `start`."""
    length = len(data)
    left = length - start
    if _is_open(data, start, size):
        block = struct.unpack_from("<H", form, 12)[0] if len(form) >= 16 else 1
        stop = start + left // max(block, 1) * max(block, 1)
        return _Found(form=form, start=start, stop=stop, open_ended=True)
    promised = struct.unpack_from("<I", data, 4)[0]
    if promised + 8 > length + 1 and promised < _OPEN_SIZE:  # the last pad byte is often left out
        raise _cut_short(path, f"{promised + 8} bytes of RIFF", f"{length}")
    if size > left:
        raise _cut_short(path, f"{size} bytes of samples", f"{left}")
    end = _end_of_chunks(data, start + size + size % 2)
    inside = promised < _OPEN_SIZE and end + 1 < promised + 8
    if inside or length - end > _TAG_BYTES:
        raise StapesError(
            f"{path}: found {length} bytes, expected {min(end, length)} as its header says: its "
            "sizes wrapped at 4 GiB, or more was added; write the header anew with: sox "
            "--ignore-length IN.wav OUT.wav"
        )
    return _Found(form=form, start=start, stop=start + size, open_ended=False)


def _is_open(data: Content, start: int, size: int) -> bool:
    """Whether `size` does not say where the samples end; they begin at `start`."""
    left = len(data) - start
    if size == 0:
        return left > 0 and not _is_chunk(data, start)
    more = len(data) - _end_of_chunks(data, start + size + size % 2)
    return size >= _OPEN_SIZE and (size > left or more > _TAG_BYTES)


def _check_riff(path: str | os.PathLike[str], data: Content) -> None:
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        check_no_pointer(bytes(data[:64]), source=path, what="a WAV file")
        remedy = f"convert it with: {TO_WAV}" if data else "record it again"
        raise StapesError(f"{path}: found {_kind(data)}, expected a RIFF/WAVE file; {remedy}")


def _kind(data: Content) -> str:
    """What a file is that is no WAV, by its first bytes."""
    start = bytes(data[:12])
    if not start:
        return "an empty file"
    if start[4:8] == b"ftyp":
        return "MPEG-4 (.m4a, .mp4)"
    if start[:3] == b"ID3" or (len(start) > 1 and start[0] == 0xFF and start[1] >= 0xE0):
        return "MP3"
    names = {b"OggS": "Ogg (.ogg, .opus)", b"fLaC": "FLAC", b"FORM": "AIFF", b"RF64": "RF64"}
    return names.get(start[:4], f"{start[:4]!r} at its start")


def _chunks(data: Content) -> Iterator[tuple[bytes, int, int]]:
    """Name, place of the body and promised size of the first chunks."""
    position = 12
    for _ in range(_MOST_CHUNKS):
        if position + 8 > len(data):
            return
        name, size = struct.unpack_from("<4sI", data, position)
        yield name, position + 8, size
        position += 8 + size + size % 2  # chunks start at even positions


def _is_chunk(data: Content, position: int) -> bool:
    """Whether a whole chunk with a readable name begins at `position`."""
    if position + 8 > len(data):
        return False
    name, size = struct.unpack_from("<4sI", data, position)
    return all(0x20 <= letter < 0x7F for letter in name) and position + 8 + size <= len(data)


def _end_of_chunks(data: Content, position: int) -> int:
    """The end of the series of whole chunks that begins at `position`."""
    for _ in range(_MOST_CHUNKS):
        if not _is_chunk(data, position):
            break
        size = struct.unpack_from("<I", data, position + 4)[0]
        position += 8 + size + size % 2
    return position


def _tell(path: str | os.PathLike[str]) -> None:
    note(
        f"{path}: its header does not say how long it is (written into a pipe, or never finished); "
        "read to the end of the file",
        kind="open_ended",
    )


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


def _check_format(path: str | os.PathLike[str], body: bytes, expected_rate: int | None) -> int:
    """Checks the body of the 'fmt ' chunk; returns the sample rate in Hz."""
    if len(body) < 16:
        raise _cut_short(path, "16 bytes of format", f"{len(body)}")
    code, channels, rate, byte_rate, block, bits = struct.unpack_from("<HHIIHH", body)
    if code == _EXTENSIBLE and body[26:40] == _GUID_TAIL:
        code = struct.unpack_from("<H", body, 24)[0]
    convert = f"{_CONVERT} -r {expected_rate or rate} OUT.wav"
    if code != _PCM or bits != 16:
        raise FormatMismatch(
            f"{path}: found format {code} with {bits} bits, expected 16-bit PCM; {convert}"
        )
    if channels != 1:
        raise FormatMismatch(f"{path}: found {channels} channels, expected mono; {convert}")
    if rate == 0:
        raise StapesError(f"{path}: found 0 Hz, expected a positive rate; record it again")
    if block != 2 or byte_rate != 2 * rate:
        raise StapesError(
            f"{path}: found a header that contradicts itself ({rate} Hz, {byte_rate} bytes/s, "
            f"{block} bytes a sample), expected {2 * rate} bytes/s and 2; {convert}"
        )
    if expected_rate is not None and rate != expected_rate:
        raise FormatMismatch(f"{path}: found {rate} Hz, expected {expected_rate} Hz; {convert}")
    return rate


def _cut_short(path: str | os.PathLike[str], promised: str, found: str) -> StapesError:
    return StapesError(
        f"{path}: cut short, or its header is wrong: found {found}, expected {promised}; "
        "copy or record it again"
    )
