# SPDX-License-Identifier: Apache-2.0
"""Tables of noises and rooms. They are made once and are always the same; for each clip, pieces are
drawn, cut and mixed, which costs little."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from stapes.corpus.effects import coloured_noise, echoes, room_size

NUMBERS = 5  # random numbers for a piece of noise
_SECONDS = 16
_MOST_ROOMS = 256
_ROOM_POINTS = 1 << 23  # of all rooms together: 32 MB
_EXPONENTS = np.linspace(0, 2, 9)


@lru_cache(maxsize=2)
def noise_table(sample_rate: int, samples: int) -> np.ndarray:
    """Noises of power 1, from white to brown: float32 [9, several times `samples`]; always the
    same."""
    generator = np.random.default_rng(0)
    length = max(_SECONDS * sample_rate, 2 * samples)
    return np.stack(
        [
            coloured_noise(length, exponent, sample_rate=sample_rate, generator=generator)
            for exponent in _EXPONENTS
        ]
    )


def noise_piece(table: np.ndarray, samples: int, numbers: np.ndarray) -> np.ndarray:
    """float32 [samples]: one of the noises plus another one at up to the same volume, both cut at
    any place.

    Args:
        numbers: [NUMBERS] from 0 to 1: which two noises, their two places, the second's volume.
    """
    first, second = (numbers[:2] * len(table)).astype(int)
    starts = (numbers[2:4] * (table.shape[1] - samples + 1)).astype(int)
    noise = np.float32(numbers[4]) * table[second, starts[1] : starts[1] + samples]
    noise += table[first, starts[0] : starts[0] + samples]
    return noise


@lru_cache(maxsize=2)
def room_table(sample_rate: int, samples: int, shortest_ms: float, longest_ms: float) -> np.ndarray:
    """Echoes of rooms, from short to long ones, for clips of so many samples: complex64 [rooms,
    room_size // 2 + 1] for `reverberate`; 256 rooms for clips of a second, fewer for long clips.
    """
    size = room_size(samples, sample_rate, longest_ms)
    count = min(_MOST_ROOMS, max(16, _ROOM_POINTS // size))
    generator = np.random.default_rng(0)
    rooms = np.empty((count, size // 2 + 1), np.complex64)
    for room, rt60_ms in zip(rooms, np.linspace(shortest_ms, longest_ms, count), strict=True):
        white = generator.standard_normal(size, np.float32)
        room[:] = scipy.fft.rfft(echoes(white, rt60_ms=rt60_ms, sample_rate=sample_rate), size)
    return rooms
