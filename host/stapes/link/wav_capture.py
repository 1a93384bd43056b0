# SPDX-License-Identifier: Apache-2.0
"""What a board hears, as a WAV file that appears whole when the capture ends."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import wave

from stapes.errors import StapesError
from stapes.files import atomic_path, writing
from stapes.link.protocol import Event

MAX_GAP_SECONDS = 10
MAX_SAMPLES = (1 << 31) - 64  # a WAV file counts its bytes in 32 bits


class WavCapture:
    """Takes `audio` events; missing samples become silence, as far as they can be told.

    Raises:
        StapesError: the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self.samples = 0  # written, silence among them
        self.missing = 0  # of them silence
        self._next: int | None = None  # number of the sample that should come
        self._files = contextlib.ExitStack()
        self._temporary = self._files.enter_context(atomic_path(path))
        self._wav: wave.Wave_write | None = None

    def start(self, sample_rate: int) -> None:
        """The rate is that of the board's first hello."""
        if self._wav is None and sample_rate > 0:
            with writing(self.path):
                self._wav = self._files.enter_context(wave.Wave_write(str(self._temporary)))
            self._wav.setnchannels(1)
            self._wav.setsampwidth(2)
            self._wav.setframerate(sample_rate)
            self._max_gap = MAX_GAP_SECONDS * sample_rate

    def hear(self, event: Event) -> None:
        """Takes one event; what is no audio, or comes before the rate is known, is left out."""
        pcm = pcm_of(event)
        if self._wav is None or not pcm or self.samples >= MAX_SAMPLES:
            return
        first, count = event.number("sample"), len(pcm) // 2
        gap = 0 if self._next is None else first - self._next
        if 0 < gap <= self._max_gap:
            self._write(bytes(2 * gap))
            self.missing += gap
        self._write(pcm)
        self._next = first + count

    def forget_place(self) -> None:
        """The board restarted, or the connection broke: nobody knows how much is missing."""
        self._next = None

    def close(self) -> None:
        """Puts the file into place, if anything was heard."""
        if self.samples == 0:
            with contextlib.suppress(_Nothing):
                self._files.__exit__(_Nothing, _Nothing(), None)
        else:
            self._files.close()

    def _write(self, data: bytes) -> None:
        with writing(self.path):
            assert self._wav is not None  # open until close
            self._wav.writeframesraw(data)
        self.samples += len(data) // 2


class _Nothing(StapesError):
    """Takes the temporary file away."""


def pcm_of(event: Event) -> bytes:
    """The whole samples of an `audio` event, 16 bits each, low byte first; none where it is
    damaged."""
    text = event.fields.get("pcm", "")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data[: len(data) // 2 * 2]
