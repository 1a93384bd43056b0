# SPDX-License-Identifier: Apache-2.0
"""The seconds around each detection, kept as WAV files: a week in a room becomes training data.

The folder has the form of hard examples (stapes.corpus.hard_examples): clips, and a list from which
a person deletes the lines of words that were really said.
"""

from __future__ import annotations

import datetime
import os
from contextlib import closing
from pathlib import Path

import numpy as np

from stapes.audio.wav import write_wav
from stapes.corpus.hard_examples import CLIPS_NAME, LIST_NAME, list_text
from stapes.errors import StapesError
from stapes.files import LineFile, check_output, writing
from stapes.link.protocol import Event
from stapes.link.wav_capture import pcm_of
from stapes.model.settings import NOT_WORDS

BEFORE_MS, AFTER_MS = 1500, 500  # before and after the detection's time
_MOST_WAITING = 100  # detections; a damaged or hostile board may send more
_NEAR_MS = 10_000  # a detection can be at most so far from the newest audio
_TIMES = 1 << 32  # after so many milliseconds, a board's times start at 0 again


class DetectionClips:
    """Takes `audio` and `detection` events in the order in which a board sends them.

    Audio that was lost is silence in a clip. `kept` counts clips, `left_out` detections without
    audio around them, and those beyond `most`.
    """

    def __init__(self, folder: str | os.PathLike[str], *, most: int = 10_000) -> None:
        """
        Raises:
            StapesError: the folder cannot be made, or its list cannot be written.
        """
        self.folder, self._most = Path(folder), most
        self.kept = self.left_out = 0
        self._waiting: list[tuple[int, str, float]] = []  # last sample, label, score
        with writing(self.folder):
            (self.folder / CLIPS_NAME).mkdir(parents=True, exist_ok=True)
        check_output(self.folder / LIST_NAME)
        self._rate = 0
        self.forget_place()

    def start(self, sample_rate: int) -> None:
        """`sample_rate` comes from the board's hello, which the link has checked."""
        if sample_rate != self._rate:
            self.forget_place()
            self._rate = sample_rate

    def forget_place(self) -> None:
        """The board restarted, or the connection broke: its samples are numbered from 0 again."""
        self._heard: list[tuple[int, np.ndarray]] = []  # number of the first sample, samples
        self._end = 0  # number of the sample after the newest one
        self.left_out += len(self._waiting)
        self._waiting = []

    def hear(self, event: Event) -> None:
        """Takes one piece of audio, and writes the clips that it completes.

        Raises:
            StapesError: a clip cannot be written.
        """
        samples = np.frombuffer(pcm_of(event), "<i2")
        if not self._rate or not len(samples):
            return
        first = event.number("sample")
        if first < self._end:
            self.forget_place()  # the board counts from 0 again
        self._heard.append((first, samples))
        self._end = end = first + len(samples)
        due = [entry for entry in self._waiting if entry[0] <= end]
        self._waiting = [entry for entry in self._waiting if entry[0] > end]
        for last, label, score in due:
            self._keep(last, label, score)
        oldest = end - (BEFORE_MS + 2 * AFTER_MS) * self._rate // 1000
        self._heard = [piece for piece in self._heard if piece[0] + len(piece[1]) > oldest]

    def detect(self, event: Event) -> None:
        """Takes one detection: its clip is written once its audio is there."""
        label = str(event.values().get("label"))
        if not self._rate or label in NOT_WORDS:
            return
        time_ms = self._time_of(event)
        if time_ms is None or len(self._waiting) >= _MOST_WAITING:
            self.left_out += 1
            return
        last = (time_ms + AFTER_MS) * self._rate // 1000
        score = event.values().get("score")
        self._waiting.append((last, label, score if isinstance(score, float) else 0.0))

    def _time_of(self, event: Event) -> int | None:
        """The time of a detection in milliseconds, counted like the samples; None if no audio is
        near. A board's milliseconds start at 0 again after 49.7 days, its samples do not."""
        heard_ms = self._end * 1000 // self._rate
        since_ms = (event.number("time_ms") - heard_ms + _TIMES // 2) % _TIMES - _TIMES // 2
        return heard_ms + since_ms if abs(since_ms) <= _NEAR_MS else None

    def close(self) -> None:
        """Writes the clips whose last audio will not come any more."""
        for last, label, score in self._waiting:
            self._keep(last, label, score)
        self._waiting = []

    def _keep(self, last: int, label: str, score: float) -> None:
        clip = self._between(last - (BEFORE_MS + AFTER_MS) * self._rate // 1000, last)
        if not clip.any() or self.kept >= self._most:
            self.left_out += 1
            return
        now = datetime.datetime.now().astimezone()
        path = self._free_path(f"{now:%Y%m%d-%H%M%S}_{_safe(label)}")
        write_wav(path, clip, sample_rate=self._rate)
        about = f"{_safe(label)} {score:.2f}, {now.isoformat(timespec='seconds')}"
        self._list(f"{CLIPS_NAME}/{path.name}", about)
        self.kept += 1

    def _between(self, first: int, last: int) -> np.ndarray:
        clip = np.zeros(last - first, np.int16)
        for start, samples in self._heard:
            low, high = max(start, first), min(start + len(samples), last)
            if low < high:
                clip[low - first : high - first] = samples[low - start : high - start]
        return clip

    def _free_path(self, stem: str) -> Path:
        names = (stem, *(f"{stem}-{number}" for number in range(2, 10_000)))
        for name in names:
            path = self.folder / CLIPS_NAME / f"{name}.wav"
            if not path.exists():
                return path
        raise StapesError(f"{self.folder / CLIPS_NAME}: found no free name for {stem}.wav")

    def _list(self, name: str, about: str) -> None:
        with closing(LineFile(self.folder / LIST_NAME)) as out:
            whole = list_text([(name, about)])
            out.add(whole.splitlines(keepends=True)[-1] if out.size else whole)


def _safe(label: str) -> str:
    """A label as a part of a file name: a label comes from a board, and may be anything."""
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in label)[:40]
