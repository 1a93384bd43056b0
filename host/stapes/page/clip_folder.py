# SPDX-License-Identifier: Apache-2.0
"""Clips that arrive from a page: checked, and written into a corpus folder, each whole or not."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from stapes.audio.wav import parse_wav, read_wav_with_rate
from stapes.corpus.record import CLIP_NAME, check_word, next_number
from stapes.errors import StapesError
from stapes.files import write_bytes

MAX_CLIP_SECONDS = 60
MAX_SESSION_SECONDS = 24 * 3600  # of audio, for one start of the server: no page fills the disk
MAX_SESSION_CLIPS = 100_000
_HEADER_BYTES = 4096  # of a clip, at most


class NameTaken(StapesError):
    """Another clip has that name already; `free` is a number that no clip of the speaker has."""

    def __init__(self, message: str, free: int) -> None:
        super().__init__(message)
        self.free = free


class FolderFault(StapesError):
    """The folder cannot be read or written: no fault of the clip. `reason` names no path."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ClipFolder:
    """The folder that a page records into.

    Args:
        folder: must exist.
        rates: in Hz, those of the page's models. If the folder has a clip already, only the rate
            of this clip is allowed.

    Raises:
        StapesError: the folder has clips of another rate, or cannot be read.
    """

    def __init__(self, folder: Path, *, rates: Iterable[int]) -> None:
        self.folder = folder
        self._rates = set(rates)
        self._lock = threading.Lock()
        self._samples_left = MAX_SESSION_SECONDS * max(self._rates)
        self._clips_left = MAX_SESSION_CLIPS
        self._closed = False
        if clip := next(self._clips(), None):
            self._keep_rate(read_wav_with_rate(clip)[1], f"--record {folder}: {clip.name}")

    @property
    def max_clip_bytes(self) -> int:
        return _HEADER_BYTES + 2 * MAX_CLIP_SECONDS * max(self._rates)

    def counts(self) -> dict[str, int]:
        """Clips of each word.

        Raises:
            FolderFault: the folder has gone, or cannot be read.
        """
        try:
            return dict(sorted(Counter(clip.parent.name for clip in self._clips()).items()))
        except OSError as error:
            raise self._fault("read", error) from error

    def take(self, word: str, name: str, body: bytes) -> None:
        """Writes a clip to `word`/`name`; the same clip again changes nothing.

        Raises:
            NameTaken: another clip has that name.
            FolderFault: the clip cannot be written.
            StapesError: a word or a name that cannot be used, no WAV, a WAV of another rate or
                longer than a minute, too many clips, or a place outside the folder.
        """
        check_word(word)
        if not CLIP_NAME.fullmatch(name):
            raise StapesError(f"found {name[:80]!r}, expected SPEAKER_nohash_NUMBER.wav")
        samples, rate = parse_wav(body, source=name)
        seconds = len(samples) / rate
        if seconds > MAX_CLIP_SECONDS:
            raise StapesError(
                f"{name}: found {seconds:.1f} s, expected at most {MAX_CLIP_SECONDS} s"
            )
        with self._lock:
            try:
                self._keep(self.folder / word / name, body, rate=rate, samples=len(samples))
            except OSError as error:
                raise self._fault("written", error) from error

    def close(self) -> None:
        """Waits for the clip that is being written; takes no other."""
        with self._lock:
            self._closed = True

    def _keep(self, target: Path, body: bytes, *, rate: int, samples: int) -> None:
        if self._closed:
            raise StapesError("the server is stopping")
        if not target.resolve().is_relative_to(self.folder.resolve()):
            raise StapesError(
                f"{target.parent.name}: found a link out of the folder, expected a folder in it"
            )
        if target.exists():
            if target.read_bytes() != body:
                message = f"{target.parent.name}/{target.name}: found another clip of that name"
                speaker = target.name.partition("_nohash_")[0]
                raise NameTaken(message, next_number(target.parent, speaker))
            return
        self._keep_rate(rate, target.name)
        if self._clips_left < 1 or self._samples_left < samples:
            raise StapesError(
                f"found {MAX_SESSION_CLIPS} clips or {MAX_SESSION_SECONDS // 3600} hours of audio "
                "since the server was started, expected fewer; start it again"
            )
        target.parent.mkdir(exist_ok=True)
        self._write(target, body)
        self._clips_left -= 1
        self._samples_left -= samples

    def _keep_rate(self, rate: int, source: str) -> None:
        if rate not in self._rates:
            wanted = " or ".join(map(str, sorted(self._rates)))
            raise StapesError(
                f"{source}: found {rate} Hz, expected {wanted} Hz: one rate for the model and for "
                "all clips of a folder"
            )
        self._rates = {rate}

    def _write(self, target: Path, body: bytes) -> None:
        try:
            write_bytes(target, body)
        except StapesError as error:  # names the whole path; its cause says why
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            raise

    def _clips(self) -> Iterator[Path]:
        for word in self.folder.iterdir():
            if word.is_dir():
                yield from (clip for clip in word.iterdir() if CLIP_NAME.fullmatch(clip.name))

    def _fault(self, what: str, error: OSError) -> FolderFault:
        reason = error.strerror or type(error).__name__
        return FolderFault(
            f"{self.folder}: cannot be {what} ({reason}); make room or give the right to do it",
            f"its folder cannot be {what}: {reason}",
        )
