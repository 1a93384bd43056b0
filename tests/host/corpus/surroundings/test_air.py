# SPDX-License-Identifier: Apache-2.0
"""Noises of air and water sound as they are named."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.corpus.surroundings.air import coloured, crackle, fan, hiss, rain, water, wind
from stapes.corpus.surroundings.parts import RATE

SEEDS = range(5)


def levels(sound, seconds=0.02):
    """In dB, of pieces."""
    size = int(RATE * seconds)
    pieces = sound[: len(sound) // size * size].reshape(-1, size)
    return 20 * np.log10(np.sqrt((pieces**2).mean(axis=1)) + 1e-9)


def centre(sound):
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / power.sum())


def drawn(kind, seed, seconds=5):
    return kind(seconds * RATE, np.random.default_rng(seed))


def test_noise_is_the_darker_the_higher_its_exponent():
    random = np.random.default_rng(0)
    centres = [centre(coloured(RATE, random, exponent)) for exponent in (0, 1, 2)]
    assert centres[0] > 3500 > 1500 > centres[1] > 2 * centres[2]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_level_of_a_hiss_wanders(seed):
    found = levels(drawn(hiss, seed), seconds=0.2)
    assert found.max() - found.min() > 2


@pytest.mark.parametrize("seed", SEEDS)
def test_wind_is_low_and_comes_in_gusts(seed):
    sound = drawn(wind, seed)
    found = levels(sound, seconds=0.2)
    assert centre(sound) < 1500 and found.max() - found.min() > 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fan_runs_evenly(seed):
    assert levels(drawn(fan, seed), seconds=0.2).std() < 1.5


@pytest.mark.parametrize("seed", SEEDS)
def test_drops_stand_out_of_rain_and_cracks_even_more(seed):
    """By the fourth moment: 3 for even noise."""
    for kind, least in ((rain, 3.1), (crackle, 6)):
        sound = drawn(kind, seed)
        assert (sound**4).mean() / (sound**2).mean() ** 2 > least


@pytest.mark.parametrize("seed", SEEDS)
def test_water_has_bubbles_that_are_heard_singly(seed):
    assert levels(drawn(water, seed)).std() > 1
