# SPDX-License-Identifier: Apache-2.0
"""Clips as a device hears them in a room: with noise at given ratios, and at other levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stapes.corpus.augment import to_int16
from stapes.corpus.effects import add_noise, apply_gain, power
from stapes.corpus.long_recordings import LongRecordings

_SEED = 59185
_ATTEMPTS = 50


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`samples`: int16 [clips, samples], the same clips under the condition that `name` names."""

    name: str
    samples: np.ndarray


def conditions(
    clips: np.ndarray,
    *,
    noises: Sequence[np.ndarray] = (),
    snr_db: Sequence[float] = (),
    level_db: Sequence[float] = (),
) -> Iterator[Condition]:
    """The clips as they are, then under each condition; always the same for the same recordings.

    Args:
        clips: int16 [clips, samples].
        noises: recordings that are mixed in, int16 [samples] each; every place that is not a pause
            is equally likely. A clip gets the same piece at every ratio.
        snr_db: ratios of powers of clip and noise, over the whole clip.
        level_db: gains.
    """
    yield Condition(name="as recorded", samples=clips)
    if snr_db:
        noise = _pieces(noises, len(clips), clips.shape[1])
        for ratio in snr_db:
            noisy = add_noise(clips, noise, np.full(len(clips), ratio))
            yield Condition(name=f"noise at {ratio:g} dB", samples=to_int16(noisy))
    for level in level_db:
        quiet = apply_gain(clips, np.full(len(clips), level))
        yield Condition(name=f"level {level:+g} dB", samples=to_int16(quiet))


def _pieces(noises: Sequence[np.ndarray], count: int, samples: int) -> np.ndarray:
    generator = np.random.default_rng(_SEED)
    recordings = LongRecordings(noises, samples=samples)
    usual = np.median([power(recording) for recording in recordings.recordings])
    return np.stack([_loud_piece(recordings, usual, generator) for _ in range(count)])


def _loud_piece(
    recordings: LongRecordings, usual: float, generator: np.random.Generator
) -> np.ndarray:
    """A piece at most 20 dB below the usual power; after some attempts, any piece. A pause that is
    scaled up to the level of a word would be an unrealistic noise."""
    for _ in range(_ATTEMPTS):
        piece = recordings.clip(generator).astype(np.float32)
        if power(piece) >= usual / 100:
            break
    return piece
