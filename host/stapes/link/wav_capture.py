# SPDX-License-Identifier: Apache-2.0
"""What a board hears, as WAV files; each appears whole when it is full or the capture ends."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
from pathlib import Path

from stapes.audio.wav import wav_header
from stapes.errors import StapesError
from stapes.files import atomic_path, check_output
from stapes.link.protocol import Event

MAX_GAP_SECONDS = 10
# Below the sizes (0x7FFFF000 and up) that stand for "not known", and 18 hours at 16 kHz.
MAX_SAMPLES = (0x7FFFF000 - 4096) // 2
MOST_FILES = 1000  # two years of audio; or a board changes its sample rate all the time


class WavCapture:
    """Takes `audio` events; missing samples become silence, if their number is known.

    A file takes `max_samples`; then, or when a board with another sample rate speaks, the next file
    begins: x.wav, x-2.wav and so on. After the first file, names that exist already are not used.

    Raises:
        StapesError: the file cannot be written. What was heard until then is kept.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_samples: int = MAX_SAMPLES) -> None:
        check_output(path)
        self.path = Path(path)
        self.paths: list[Path] = []  # of the files that are in place
        self.samples = 0  # all samples, with those of silence
        self.missing = 0  # samples of silence among them
        self._max_samples = max_samples
        self._rate = 0
        self._next: int | None = None  # number of the sample that should come
        self._part: _Part | None = None
        self._parts = 0

    def start(self, sample_rate: int) -> None:
        """`sample_rate` comes from the board's hello, which the link has checked."""
        if sample_rate != self._rate:
            self.close()
            self._rate = sample_rate

    def hear(self, event: Event) -> None:
        """Takes one event; ignores it if it is no audio, or comes before the rate is known."""
        pcm = pcm_of(event)
        if not self._rate or not pcm:
            return
        first, count = event.number("sample"), len(pcm) // 2
        gap = 0 if self._next is None else first - self._next
        if 0 < gap <= MAX_GAP_SECONDS * self._rate:
            self._add(gap)
            self.missing += gap
        self._add(count, pcm)
        self._next = first + count

    def forget_place(self) -> None:
        """The board restarted, or the connection broke: nobody knows how much is missing."""
        self._next = None

    def close(self) -> None:
        """Puts the last file into place, if anything was heard. May be called twice."""
        part, self._part = self._part, None
        if part is not None:
            part.close()
            self.paths.append(part.path)

    def _add(self, count: int, pcm: bytes | None = None) -> None:
        """Adds samples, or silence; begins another file when a file is full."""
        done = 0
        while done < count:
            if self._part is None:
                self._part = _Part(self._next_path(), self._rate)
            step = min(count - done, self._max_samples - self._part.samples)
            try:
                self._part.add(step, None if pcm is None else pcm[2 * done : 2 * (done + step)])
            except OSError as error:
                raise self._full(error) from error
            done += step
            self.samples += step
            if self._part.samples == self._max_samples:
                self.close()

    def _next_path(self) -> Path:
        if len(self.paths) >= MOST_FILES:
            raise StapesError(
                f"{self.path}: found a board that has filled {MOST_FILES} files, expected fewer; "
                "check its sample rate, or move them and start again"
            )
        self._parts += 1
        path = self._numbered()
        while self._parts > 1 and os.path.lexists(path):
            self._parts += 1
            path = self._numbered()
        return path

    def _numbered(self) -> Path:
        number = f"-{self._parts}" if self._parts > 1 else ""
        return self.path.with_name(f"{self.path.stem}{number}{self.path.suffix}")

    def _full(self, error: OSError) -> StapesError:
        """Keeps the samples so far; returns the error that says why no more can be written."""
        assert self._part is not None
        part, self._part = self._part, None
        kept = f"; what was heard until then is in it, {part.samples} samples"
        if part.samples:
            part.close()
            self.paths.append(part.path)
        else:
            part.discard()
        return StapesError(
            f"{part.path}: cannot be written ({error.strerror or error})"
            f"{kept if part.samples else ''}; make room, or choose another disk"
        )


class _Part:
    """One file. Until it is closed, it has another name, and no sizes in its header: programs then
    read it to its end."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        self.path = path
        self.samples = 0
        self._rate = sample_rate
        with contextlib.ExitStack() as files:
            temporary = files.enter_context(atomic_path(path))
            self._file = files.enter_context(io.FileIO(temporary, "wb"))
            self._header_bytes = self._write(wav_header(0, sample_rate=sample_rate))
            self._files = files.pop_all()

    def add(self, count: int, pcm: bytes | None) -> None:
        """`count` samples; None is silence, of which most file systems store nothing.

        Raises:
            OSError: the samples cannot be written; none of them count as written.
        """
        end = self._header_bytes + 2 * (self.samples + count)
        if pcm is None:
            self._file.truncate(end)
            self._file.seek(end)
        else:
            self._write(pcm)
        self.samples += count

    def close(self) -> None:
        """Puts the file into place."""
        data_bytes = 2 * self.samples
        with self._files:
            self._file.truncate(self._header_bytes + data_bytes)
            self._file.seek(0)
            self._write(wav_header(data_bytes, sample_rate=self._rate))

    def discard(self) -> None:
        """Takes the file away."""
        with contextlib.suppress(_Nothing), self._files:
            raise _Nothing

    def _write(self, data: bytes) -> int:
        """Writes all of `data`: a disk that is almost full may take only a part at once."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(data)


class _Nothing(StapesError):
    """Raised only to remove a temporary file."""


def pcm_of(event: Event) -> bytes:
    """The whole samples of an `audio` event, 16 bits each, low byte first; empty if the event is
    damaged."""
    text = event.fields.get("pcm", "")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data[: len(data) // 2 * 2]
