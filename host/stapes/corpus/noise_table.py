"""Noise by the table: made once, then cut and mixed, which costs next to nothing for each clip."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stapes.corpus.effects import coloured_noise

NUMBERS = 5  # that a piece of noise takes
_SECONDS = 16
_EXPONENTS = np.linspace(0, 2, 9)


@lru_cache(maxsize=2)
def noise_table(sample_rate: int, samples: int) -> np.ndarray:
    """Noises of power 1, from white to brown: float32 [9, several times `samples`]; always the
    same."""
    generator = np.random.default_rng(0)
    length = max(_SECONDS * sample_rate, 4 * samples)
    return np.stack(
        [
            coloured_noise(length, exponent, sample_rate=sample_rate, generator=generator)
            for exponent in _EXPONENTS
        ]
    )


def noise_piece(table: np.ndarray, samples: int, numbers: np.ndarray) -> np.ndarray:
    """float32 [samples]: one of the noises, and another at up to its volume, from any places.

    Args:
        numbers: [NUMBERS] from 0 to 1, which say which.
    """
    first, second = (numbers[:2] * len(table)).astype(int)
    starts = (numbers[2:4] * (table.shape[1] - samples + 1)).astype(int)
    noise = np.float32(numbers[4]) * table[second, starts[1] : starts[1] + samples]
    noise += table[first, starts[0] : starts[0] + samples]
    return noise


def white_noise(table: np.ndarray, samples: int, number: float) -> np.ndarray:
    """float32 [samples] of the table's white noise, from a place that `number` (0 to 1) says."""
    start = int(number * (table.shape[1] - samples + 1))
    return table[0, start : start + samples]
