# SPDX-License-Identifier: Apache-2.0
"""People cough, cry and talk all at once, and say no word."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.corpus.surroundings.parts import RATE
from stapes.corpus.surroundings.people import babble, coughs, cries
from stapes.errors import StapesError


def loud(sound):
    level = np.abs(sound[: len(sound) // 160 * 160]).reshape(-1, 160).max(axis=1)
    return level > 0.05 * level.max()


@pytest.mark.parametrize("kind", [coughs, cries])
@pytest.mark.parametrize("seed", range(8))
def test_they_are_heard_and_are_quiet_again(kind, seed):
    sound = kind(10 * RATE, np.random.default_rng(seed))
    assert len(sound) == 10 * RATE and 0.03 < loud(sound).mean() < 0.97


def test_babble_is_many_voices_at_once(tmp_path):
    """Each voice is a tone here; several of twenty are in every half second."""
    talk = []
    for number in range(20):
        time = np.arange(RATE // 2) / RATE
        wave = 5000 * np.sin(2 * np.pi * (300 + 200 * number) * time)
        talk.append(tmp_path / f"{number}.wav")
        write_wav(talk[-1], wave.astype(np.int16), sample_rate=16000)
    sound = babble(4 * RATE, np.random.default_rng(0), talk=talk)
    assert len(sound) == 4 * RATE
    for piece in sound.reshape(-1, RATE // 2):
        power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
        tones = power[150 + 100 * np.arange(20)]
        assert np.count_nonzero(tones > 0.05 * tones.max()) >= 3


def test_talk_that_cannot_be_read_is_named(tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    with pytest.raises(StapesError, match=r"bad\.wav"):
        babble(RATE, np.random.default_rng(0), talk=[bad])
