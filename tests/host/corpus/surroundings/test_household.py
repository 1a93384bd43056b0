# SPDX-License-Identifier: Apache-2.0
"""What is struck at home begins at once and dies away; clocks keep time."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.corpus.surroundings.household import clock, dishes, keys, knocks
from stapes.corpus.surroundings.parts import RATE


def drawn(kind, seed, seconds=6):
    return kind(seconds * RATE, np.random.default_rng(seed))


def energy(sound, milliseconds=5):
    """Of pieces."""
    size = RATE * milliseconds // 1000
    return (sound[: len(sound) // size * size].reshape(-1, size) ** 2).sum(axis=1)


def centre(sound):
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / power.sum())


@pytest.mark.parametrize("kind", [knocks, dishes, keys])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_struck_is_loud_for_a_short_part_of_the_time(kind, seed):
    found = np.sort(energy(drawn(kind, seed)))[::-1]
    assert found[: len(found) // 4].sum() > 0.9 * found.sum()


def test_dishes_and_keys_ring_higher_than_doors():
    means = [
        np.median([centre(drawn(kind, seed)) for seed in range(9)])
        for kind in (knocks, dishes, keys)
    ]
    assert means[0] < 0.6 * min(means[1:])


@pytest.mark.parametrize("seed", range(6))
def test_a_clock_ticks_at_an_even_pace(seed):
    random = np.random.default_rng(seed)
    found = energy(clock(20 * RATE, random))
    spectrum = np.abs(np.fft.rfft(np.log(found + 1e-9 * found.max()) - np.log(found.mean())))
    rates = np.fft.rfftfreq(len(found), 0.005)
    ticking = spectrum[(rates > 0.4) & (rates < 30)]
    assert ticking.max() > 4 * np.median(ticking)
