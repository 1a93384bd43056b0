# SPDX-License-Identifier: Apache-2.0
"""Clips in memory: fixed sets for evaluation, endless batches for training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from stapes.audio.reader import read_audio
from stapes.corpus.augment import random_silence, random_variations
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.index import RANDOM_SEED, SILENCE_INDEX, UNKNOWN_INDEX, CorpusIndex
from stapes.corpus.long_recordings import LongRecordings
from stapes.corpus.partition import PARTITIONS
from stapes.corpus.running_speech import SPEECH_FOLDER
from stapes.errors import StapesError

Progress = Callable[[int, int], None]
LONG = 1.05  # times a clip's length: up to here, the cut is not worth a warning
_CLIPS_AT_ONCE = 16  # varied together: more would not fit the caches
# In place of a clip number: a clip that is made anew each time it is drawn.
_SILENCE, _SPEECH, _HARD = -1, -2, -3


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
    long: list[Path] | None = None,
) -> np.ndarray:
    """Reads clips, cut or padded with zeros at their end: int16 [clips, samples].

    Args:
        long: gets the paths of those that are cut by more than a little.

    Raises:
        StapesError: one of them is not mono at `sample_rate` (unless `resample`), or damaged.
    """
    clips = np.zeros((len(paths), samples), np.int16)
    for number, path in enumerate(paths):
        clip = read_audio(path, sample_rate=sample_rate, resample=resample)
        if long is not None and len(clip) > LONG * samples:
            long.append(path)
        clips[number, : len(clip)] = clip[:samples]
        if progress and (number + 1 == len(paths) or number % 500 == 499):
            progress(number + 1, len(paths))
    return clips


def about_long(paths: Sequence[Path], *, milliseconds: float) -> str:
    """Says what is lost if clips are longer than the model's clips, and what helps."""
    one = len(paths) == 1
    return (
        f"{len(paths)} clip{'' if one else 's'} longer than {milliseconds:g} ms, such as "
        f"{paths[0]}: only the beginning of {'it' if one else 'each'} is used, with or without the "
        "word; stapes data trim cuts out the loudest part"
    )


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
                "join it with others or move it elsewhere"
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
    long: list[Path] | None = None,
) -> LabelledClips:
    """The fixed clips of a partition: wanted, unknown, running speech, then silence; the same at
    every call.

    Args:
        limit: take about so many spoken clips, evenly from all; 0 takes them all.
        long: as in `load_clips`.

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
        long=long,
    )
    generator = np.random.default_rng([RANDOM_SEED, PARTITIONS.index(partition)])
    silence = [
        random_silence(samples, noises, generator) for _ in range(index.silence_count(partition))
    ]
    talk = _fixed_speech(index, partition, sample_rate=sample_rate, samples=samples)
    made = np.array(talk + silence, np.int16).reshape(-1, samples)
    labels = [label for _, label in entries]
    labels += [UNKNOWN_INDEX] * len(talk) + [SILENCE_INDEX] * len(silence)
    return LabelledClips(samples=np.concatenate([spoken, made]), labels=np.array(labels, np.int32))


def _fixed_speech(
    index: CorpusIndex, partition: str, *, sample_rate: int, samples: int
) -> list[np.ndarray]:
    count = index.speech_count(partition)
    if not count:
        return []
    speech = LongRecordings.read(
        index.speech[partition],
        sample_rate=sample_rate,
        samples=samples,
        resample=index.settings.resample,
    )
    generator = np.random.default_rng([RANDOM_SEED, PARTITIONS.index(partition), 1])
    return [speech.clip(generator) for _ in range(count)]


class TrainingClips:
    """Batches of varied training clips; batch n depends on the seed and n alone. Several threads
    may ask for batches at once.

    An epoch holds every wanted clip once, and its share of silence, of unknown words, of running
    speech and of hard examples; running speech and hard examples are cut anew each time. The
    tutorial trains with one fixed subset of the unknown words; here each epoch draws its own subset
    of all unknown words. With `balance`, an epoch holds the same number of wanted clips, but clips
    of rare words come more than once, and of frequent words only some, drawn anew.
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
        margin_samples: int = 0,
        lead_samples: int = 0,
        progress: Progress | None = None,
        long: list[Path] | None = None,
    ) -> None:
        """Reads all training clips into memory (32 KB each at 16 kHz and one second: 2.7 GB
        for all of Speech Commands).

        Args:
            margin_samples: by how much the varied clips are longer than `samples`; the words stay
                in their middle.
            lead_samples: by how much they are longer before that: background, noise and running
                speech fill this part as well; words do not.
            long: as in `load_clips`.

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
            long=long,
        )
        self._wanted_labels = np.array([label for _, label in wanted], np.int32)
        self._balance = index.settings.balance
        self._unknown_count = index.unknown_count("training")
        self._silence_count = index.silence_count("training")
        self._speech_count = index.speech_count("training")
        self._hard_count = index.hard_count()
        self._noises = [noise.astype(np.float32) for noise in noises]  # to be mixed cheaply
        self._augmentation = augmentation
        self._sample_rate = sample_rate
        self._samples = lead_samples + samples + margin_samples
        self._speech = self._read_speech(index)
        self._hard = self._read(index, index.hard if self._hard_count else [])
        before = margin_samples // 2
        self._margins = (lead_samples + before, margin_samples - before)
        self._batch_size = batch_size
        self._seed = seed
        self._order = lru_cache(maxsize=4)(self._shuffled)

    def _read_speech(self, index: CorpusIndex) -> LongRecordings:
        used = self._speech_count or self._augmentation.chatter_snr_db
        if used and not index.speech["training"]:
            raise StapesError(
                f"{index.folder / SPEECH_FOLDER}: found no recordings of running speech to train "
                "with, expected <speaker>/*.wav inside; add some, or leave out --speech_percentage "
                "and --chatter_snr_db"
            )
        return self._read(index, index.speech["training"] if used else [])

    def _read(self, index: CorpusIndex, paths: Sequence[Path]) -> LongRecordings:
        return LongRecordings.read(
            paths,
            sample_rate=self._sample_rate,
            samples=self._samples,
            resample=index.settings.resample,
        )

    @cached_property
    def epoch_size(self) -> int:
        """Clips in an epoch."""
        made = self._silence_count + self._speech_count + self._hard_count
        return len(self._wanted_labels) + self._unknown_count + made

    def batch(self, number: int) -> LabelledClips:
        """Batch `number` (from 0)."""
        first = number * self._batch_size
        drawn = self._drawn(range(first, first + self._batch_size))
        samples = np.empty((len(drawn), self._samples), np.int16)
        for row in np.flatnonzero(drawn == _SILENCE):
            samples[row] = self._silence(self._generator(first + int(row)))
        spoken = np.flatnonzero(drawn != _SILENCE)
        for start in range(0, len(spoken), _CLIPS_AT_ONCE):
            rows = spoken[start : start + _CLIPS_AT_ONCE]
            generators = [self._generator(first + row) for row in rows]
            samples[rows] = random_variations(
                self._sound(drawn[rows], generators),
                self._noises,
                self._augmentation,
                sample_rate=self._sample_rate,
                generators=generators,
                chatter=self._speech,
            )
        return LabelledClips(samples=samples, labels=self._labels(drawn))

    def _sound(self, drawn: np.ndarray, generators: list[np.random.Generator]) -> np.ndarray:
        """int16 [clips, samples] before their variations: words, or pieces of running speech."""
        sound = np.pad(self._clips[np.maximum(drawn, 0)], ((0, 0), self._margins))
        for kind, recordings in ((_SPEECH, self._speech), (_HARD, self._hard)):
            for row in np.flatnonzero(drawn == kind):
                sound[row] = recordings.clip(generators[row])
        return sound

    def _drawn(self, positions: range) -> np.ndarray:
        """The numbers of the clips at `positions`, counted through all epochs without end."""
        size = self.epoch_size
        return np.array(
            [self._order(position // size)[position % size] for position in positions], np.int64
        )

    def _generator(self, position: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, 1, position])

    def _silence(self, generator: np.random.Generator) -> np.ndarray:
        coloured_at = self._sample_rate if self._augmentation.noise_snr_db else 0
        return random_silence(self._samples, self._noises, generator, coloured_at=coloured_at)

    def _labels(self, drawn: np.ndarray) -> np.ndarray:
        wanted = np.append(self._wanted_labels, UNKNOWN_INDEX)  # for all other clips
        labels = wanted[np.clip(drawn, 0, len(self._wanted_labels))]
        labels[drawn == _SILENCE] = SILENCE_INDEX
        labels[drawn < _SILENCE] = UNKNOWN_INDEX
        return labels.astype(np.int32)

    def _shuffled(self, epoch: int) -> np.ndarray:
        """Clip numbers of an epoch in their order, _SILENCE, _SPEECH and _HARD among them."""
        generator = np.random.default_rng([self._seed, 0, epoch])
        wanted = len(self._wanted_labels)
        pool = np.arange(wanted, len(self._clips))
        unknown = generator.choice(pool, self._unknown_count, replace=False)
        counts = [self._silence_count, self._speech_count, self._hard_count]
        made = np.repeat([_SILENCE, _SPEECH, _HARD], counts)
        drawn = np.arange(wanted)
        if self._balance:
            drawn = balanced(self._wanted_labels, self._balance, generator.spawn(1)[0])
        return generator.permutation(np.concatenate([drawn, unknown, made]))


def balanced(labels: np.ndarray, balance: float, generator: np.random.Generator) -> np.ndarray:
    """Draws as many clip numbers as there are `labels`, int [clips]. The share of a label with n
    clips is in proportion to n ** (1 - balance): each of its clips comes equally often, and clips
    for the remainder are drawn at random."""
    found, counts = np.unique(labels, return_counts=True)
    shares = np.cumsum(counts ** (1.0 - balance))
    quotas = np.diff(np.rint(shares * (len(labels) / shares[-1])).astype(np.int64), prepend=0)
    drawn = []
    for label, quota in zip(found, quotas, strict=True):
        clips = np.flatnonzero(labels == label)
        drawn += [clips] * (quota // len(clips))
        drawn.append(generator.choice(clips, quota % len(clips), replace=False))
    return np.concatenate(drawn)
