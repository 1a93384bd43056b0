# SPDX-License-Identifier: Apache-2.0
"""Long recordings in memory, out of which clips are cut: running speech, hard examples, noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stapes.audio.reader import read_audio


class LongRecordings:
    """Recordings in memory, and clips cut out of them."""

    def __init__(self, recordings: Sequence[np.ndarray], *, samples: int) -> None:
        """
        Args:
            recordings: int16 or float32 [samples] each, in int16 steps.
            samples: of the clips; shorter recordings are padded with zeros to that length.
        """
        self._samples = samples
        self.recordings = [
            np.pad(recording, (0, max(0, samples - len(recording)))) for recording in recordings
        ]
        places = [len(recording) - samples + 1 for recording in self.recordings]
        self._ends = np.cumsum(places, dtype=np.int64)

    @classmethod
    def read(
        cls, paths: Sequence[Path], *, sample_rate: int, samples: int, resample: bool = False
    ) -> LongRecordings:
        """Reads all `paths`.

        Raises:
            StapesError: one is not mono at `sample_rate` (unless `resample`), or damaged.
        """
        recordings = [
            read_audio(path, sample_rate=sample_rate, resample=resample) for path in paths
        ]
        return cls(recordings, samples=samples)

    def __bool__(self) -> bool:
        return bool(self.recordings)

    def clip(self, generator: np.random.Generator) -> np.ndarray:
        """int16 [samples] from a random place, every place of all recordings being as likely."""
        place = int(generator.integers(self._ends[-1]))
        number = int(np.searchsorted(self._ends, place, side="right"))
        start = place - (int(self._ends[number - 1]) if number else 0)
        return self.recordings[number][start : start + self._samples]
