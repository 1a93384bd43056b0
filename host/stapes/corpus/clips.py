"""Clips in memory: fixed sets for evaluation, endless batches for training."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from stapes.audio.reader import read_audio
from stapes.corpus.augment import random_silence, random_variation
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.index import RANDOM_SEED, SILENCE_INDEX, UNKNOWN_INDEX, CorpusIndex
from stapes.corpus.partition import PARTITIONS
from stapes.errors import StapesError

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class LabelledClips:
    """`samples`: int16 [clips, samples]; `labels`: int32 [clips]."""

    samples: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def load_clips(
    paths: Sequence[Path],
    *,
    sample_rate: int,
    samples: int,
    resample: bool = False,
    progress: Progress | None = None,
) -> np.ndarray:
    """Reads clips, cut or padded with zeros at their end: int16 [clips, samples].

    Raises:
        StapesError: one of them is not mono at `sample_rate` (unless `resample`), or damaged.
    """
    clips = np.zeros((len(paths), samples), np.int16)
    for number, path in enumerate(paths):
        clip = read_audio(path, sample_rate=sample_rate, resample=resample)[:samples]
        clips[number, : len(clip)] = clip
        if progress and (number + 1 == len(paths) or number % 500 == 499):
            progress(number + 1, len(paths))
    return clips


def load_background(index: CorpusIndex, *, sample_rate: int, samples: int) -> list[np.ndarray]:
    """The background recordings, int16 each.

    Raises:
        StapesError: one is not mono at `sample_rate`, or is shorter than a clip.
    """
    noises = []
    for path in index.background:
        noise = read_audio(path, sample_rate=sample_rate, resample=index.settings.resample)
        if len(noise) < samples:
            raise StapesError(
                f"{path}: found {len(noise)} samples, expected at least {samples} (one clip); "
                "join it with others or remove it"
            )
        noises.append(noise)
    return noises


def evaluation_clips(
    index: CorpusIndex,
    partition: str,
    *,
    sample_rate: int,
    samples: int,
    noises: list[np.ndarray],
    limit: int = 0,
) -> LabelledClips:
    """The fixed clips of a partition: wanted, unknown, then silence; the same at every call.

    Args:
        limit: take about so many spoken clips, evenly from all; 0 takes them all.

    Raises:
        StapesError: a wanted word has no clip in the partition, or a clip cannot be read.
    """
    index.require(partition)
    unknown = index.unknown[partition][: index.unknown_count(partition)]
    entries = index.wanted[partition] + [(path, UNKNOWN_INDEX) for path in unknown]
    entries = entries[:: max(1, len(entries) // limit)] if limit else entries
    spoken = load_clips(
        [path for path, _ in entries],
        sample_rate=sample_rate,
        samples=samples,
        resample=index.settings.resample,
    )
    generator = np.random.default_rng([RANDOM_SEED, PARTITIONS.index(partition)])
    silence = [
        random_silence(samples, noises, generator) for _ in range(index.silence_count(partition))
    ]
    labels = [label for _, label in entries] + [SILENCE_INDEX] * len(silence)
    return LabelledClips(
        samples=np.concatenate([spoken, np.array(silence, np.int16).reshape(-1, samples)]),
        labels=np.array(labels, np.int32),
    )


class TrainingClips:
    """Batches of varied training clips; batch n depends on the seed and n alone.

    An epoch holds every wanted clip once, and its share of silence and of unknown words. The
    tutorial trains with one fixed subset of the unknown words; here each epoch draws its own from
    all of them.
    """

    def __init__(
        self,
        index: CorpusIndex,
        *,
        sample_rate: int,
        samples: int,
        noises: list[np.ndarray],
        augmentation: AugmentSettings,
        batch_size: int,
        seed: int,
        progress: Progress | None = None,
    ) -> None:
        """Reads all training clips into memory (32 KB each at 16 kHz and one second: 2.7 GB
        for all of Speech Commands).

        Raises:
            StapesError: a wanted word has no training clip, or a clip cannot be read.
        """
        index.require("training")
        wanted = index.wanted["training"]
        unknown = index.unknown["training"] if index.unknown_count("training") else []
        self._clips = load_clips(
            [path for path, _ in wanted] + unknown,
            sample_rate=sample_rate,
            samples=samples,
            resample=index.settings.resample,
            progress=progress,
        )
        self._wanted_labels = np.array([label for _, label in wanted], np.int32)
        self._unknown_count = index.unknown_count("training")
        self._silence_count = index.silence_count("training")
        self._noises = noises
        self._augmentation = augmentation
        self._sample_rate = sample_rate
        self._batch_size = batch_size
        self._seed = seed
        self._epoch: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))
        self._map: Callable[..., Iterator[tuple[np.ndarray, int]]] = map
        if augmentation.varies_sound:  # much of it computes outside of Python's lock
            self._map = ThreadPoolExecutor(min(os.cpu_count() or 1, 8)).map

    @cached_property
    def epoch_size(self) -> int:
        """Clips in an epoch."""
        return len(self._wanted_labels) + self._unknown_count + self._silence_count

    def batch(self, number: int) -> LabelledClips:
        """Batch `number` (from 0)."""
        positions = range(number * self._batch_size, (number + 1) * self._batch_size)
        clips, labels = zip(*self._map(self._varied, self._drawn(positions)), strict=True)
        return LabelledClips(samples=np.stack(clips), labels=np.array(labels, np.int32))

    def _drawn(self, positions: range) -> list[tuple[int, int]]:
        """Positions in the endless row of clips, each with the number of its clip."""
        size = self.epoch_size
        return [
            (position, self._order(position // size)[position % size]) for position in positions
        ]

    def _varied(self, drawn: tuple[int, int]) -> tuple[np.ndarray, int]:
        position, number = drawn
        generator = np.random.default_rng([self._seed, 1, position])
        if number < 0:
            coloured_at = self._sample_rate if self._augmentation.noise_snr_db else 0
            silence = random_silence(
                self._clips.shape[1], self._noises, generator, coloured_at=coloured_at
            )
            return silence, SILENCE_INDEX
        clip = random_variation(
            self._clips[number],
            self._noises,
            self._augmentation,
            sample_rate=self._sample_rate,
            generator=generator,
        )
        wanted = number < len(self._wanted_labels)
        return clip, int(self._wanted_labels[number]) if wanted else UNKNOWN_INDEX

    def _order(self, epoch: int) -> np.ndarray:
        """Clip numbers of an epoch in their order; -1 stands for silence."""
        if self._epoch[0] != epoch:
            generator = np.random.default_rng([self._seed, 0, epoch])
            wanted = len(self._wanted_labels)
            pool = np.arange(wanted, len(self._clips))
            unknown = generator.choice(pool, self._unknown_count, replace=False)
            silence = np.full(self._silence_count, -1)
            order = generator.permutation(np.concatenate([np.arange(wanted), unknown, silence]))
            self._epoch = (epoch, order)
        return self._epoch[1]
