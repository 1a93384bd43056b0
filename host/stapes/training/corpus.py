# SPDX-License-Identifier: Apache-2.0
"""The clips that a training's settings ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from stapes.corpus.clips import (
    LabelledClips,
    Progress,
    TrainingClips,
    about_long,
    evaluation_clips,
    load_background,
)
from stapes.corpus.index import CorpusIndex, scan_corpus
from stapes.training.settings import TrainingSettings


class Corpus:
    """The clips of one training, in memory."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        settings: TrainingSettings,
        *,
        hard_dir: str | os.PathLike[str] = "",
    ) -> None:
        """Raises:
        StapesError: words, clips or background recordings that do not fit the settings.
        """
        self._settings = settings
        self._format = {
            "sample_rate": settings.front_end.sample_rate,
            "samples": settings.clip_samples,
        }
        self._long: list[Path] = []
        self.index: CorpusIndex = scan_corpus(folder, settings.corpus, hard_dir=hard_dir)
        self._noises = load_background(self.index, **self._format)

    def notices(self) -> Iterator[str]:
        """What the user should know before training, one line each."""
        if not self.index.background:
            yield (
                f"{self.index.folder}: no _background_noise_/*.wav: _silence_ is trained with "
                "digital silence, and nothing is mixed into the words"
            )
        if not self.index.unknown_count("training"):
            yield (
                f"{self.index.folder}: no clips of other words: _unknown_ is never trained, and "
                "any word may be taken for a wanted one"
            )

    def about_long(self) -> str:
        """What the user should know about clips, of those read so far, that are cut; "" if none
        is."""
        paths = list(dict.fromkeys(self._long))
        return about_long(paths, milliseconds=self._settings.clip_duration_ms) if paths else ""

    def training(self, *, progress: Progress | None = None) -> TrainingClips:
        return TrainingClips(
            self.index,
            **self._format,
            margin_samples=self._settings.training_samples - self._settings.clip_samples,
            lead_samples=self._settings.lead_samples,
            noises=self._noises,
            augmentation=self._settings.augmentation,
            batch_size=self._settings.batch_size,
            seed=self._settings.seed,
            progress=progress,
            long=self._long,
        )

    def evaluation(self, partition: str, *, limit: int = 0) -> LabelledClips:
        return evaluation_clips(
            self.index,
            partition,
            **self._format,
            noises=self._noises,
            limit=limit,
            long=self._long,
        )
