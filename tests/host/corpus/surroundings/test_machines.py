# SPDX-License-Identifier: Apache-2.0
"""Machines turn, and alarms have tones."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.corpus.surroundings.machines import alarm, engine, hum, motor
from stapes.corpus.surroundings.parts import RATE


def drawn(kind, seed, seconds=5):
    return kind(seconds * RATE, np.random.default_rng(seed))


def tonality(sound):
    """How much of the power is in the strongest hundredth of all frequencies, in pieces of 0.25 s;
    the most of all pieces."""
    pieces = sound[: len(sound) // 4000 * 4000].reshape(-1, 4000) * np.hanning(4000)
    power = np.sort(np.abs(np.fft.rfft(pieces)) ** 2)[:, ::-1]
    return (power[:, :20].sum(axis=1) / (power.sum(axis=1) + 1e-9)).max()


@pytest.mark.parametrize("seed", range(5))
def test_hum_has_harmonics_of_the_mains(seed):
    sound = drawn(hum, seed, seconds=10)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    strongest = np.argmax(power) / 10
    mains = [strongest % base for base in (50, 60)]
    assert min(min(rest, base - rest) for rest, base in zip(mains, (50, 60), strict=True)) < (
        0.3 + 0.003 * strongest
    )


@pytest.mark.parametrize("seed", range(5))
def test_tones_stand_out_of_alarms_motors_and_engines(seed):
    noise = np.random.default_rng(0).standard_normal(5 * RATE)
    assert tonality(noise) < 0.15
    assert tonality(drawn(alarm, seed)) > 0.8
    assert tonality(drawn(motor, seed)) > 0.2 and tonality(drawn(engine, seed)) > 0.2


def test_some_alarms_pause_and_some_motors_stop():
    for kind in (alarm, motor):
        quiet = [np.abs(drawn(kind, seed).reshape(-1, 1600)).max(axis=1).min() for seed in range(8)]
        assert min(quiet) < 0.01 * np.abs(drawn(kind, int(np.argmin(quiet)))).max()
