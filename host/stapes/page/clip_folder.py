# SPDX-License-Identifier: Apache-2.0
"""Clips that arrive from a page: checked, and written into a corpus folder, each whole or not."""

from __future__ import annotations

import threading
from pathlib import Path

from stapes.audio.wav import parse_wav
from stapes.corpus.record import CLIP_NAME, check_word
from stapes.errors import StapesError
from stapes.files import write_bytes

MAX_CLIP_BYTES = 44 + 2 * 48000 * 60  # a minute at the highest rate of a model
MAX_CLIPS = 100_000  # in one folder: a page that has gone wild fills no disk


class ClipFolder:
    """The folder that a page records into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def counts(self) -> dict[str, int]:
        """Clips of each word."""
        words = [entry for entry in self.folder.iterdir() if entry.is_dir()]
        counts = {word.name: len(list(word.glob("*_nohash_*.wav"))) for word in words}
        return {word: count for word, count in sorted(counts.items()) if count}

    def take(self, word: str, name: str, body: bytes) -> None:
        """Writes a clip to `word`/`name`; the same clip again changes nothing.

        Raises:
            StapesError: a word or a name that cannot be used, another clip of that name, no WAV,
                too many clips, or a place outside the folder.
        """
        check_word(word)
        if not CLIP_NAME.fullmatch(name):
            raise StapesError(f"found {name[:80]!r}, expected SPEAKER_nohash_NUMBER.wav")
        parse_wav(body, source=name)
        with self._lock:
            target = self.folder / word / name
            if not target.parent.resolve().is_relative_to(self.folder.resolve()):
                raise StapesError(
                    f"{word}: found a link out of the folder, expected a folder in it"
                )
            if target.exists():
                if target.read_bytes() != body:
                    raise StapesError(f"{word}/{name}: found another clip of that name")
                return
            if sum(self.counts().values()) >= MAX_CLIPS:
                raise StapesError(f"found {MAX_CLIPS} clips, expected fewer; empty the folder")
            target.parent.mkdir(exist_ok=True)
            write_bytes(target, body)
