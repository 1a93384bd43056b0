# SPDX-License-Identifier: Apache-2.0
"""Music has tones of a scale, in time."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.corpus.surroundings.music import Instrument, music
from stapes.corpus.surroundings.parts import RATE


def test_an_instrument_plays_the_pitch_it_is_given_and_ends():
    for seed in range(6):
        random = np.random.default_rng(seed)
        instrument = Instrument.draw(random)
        note = instrument.play(250.0, 1.0, random)
        power = np.abs(np.fft.rfft(note * np.hanning(len(note)))) ** 2
        harmonic = np.argmax(power) / 250
        assert len(note) == RATE and harmonic == pytest.approx(round(harmonic), abs=0.06 * harmonic)
        assert abs(note[-1]) < 0.05 * np.abs(note).max()


def test_what_is_held_is_even_and_what_is_plucked_dies_away():
    random = np.random.default_rng(0)
    form = {"weights": (1.0,), "decay_seconds": 0.1, "vibrato": 0.0}
    held, plucked = (
        Instrument(**form, is_held=is_held).play(440.0, 1.0, random) for is_held in (True, False)
    )
    shares = [np.abs(note[9600:10400]).max() / np.abs(note).max() for note in (held, plucked)]
    assert shares[0] > 0.9 and shares[1] < 0.05


@pytest.mark.parametrize("seed", range(6))
def test_a_piece_is_tonal_and_sounds_nearly_all_the_time(seed):
    sound = music(8 * RATE, np.random.default_rng(seed))
    assert len(sound) == 8 * RATE
    pieces = sound.reshape(-1, 4000)
    power = np.sort(np.abs(np.fft.rfft(pieces * np.hanning(4000))) ** 2)[:, ::-1]
    tonality = power[:, :40].sum(axis=1) / (power.sum(axis=1) + 1e-9)
    assert np.median(tonality) > 0.5
    assert ((pieces**2).mean(axis=1) > 1e-4 * (sound**2).mean()).mean() > 0.7
