# SPDX-License-Identifier: Apache-2.0
"""The pitch of a voice, of sounds whose pitch is known."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from stapes.audio.reader import read_recording
from stapes.corpus.pitch import median_pitch


def voice(hertz, rate, seconds=1.0):
    """Harmonics that get weaker, at phases of their own."""
    time = np.arange(int(seconds * rate)) / rate
    count = min(20, int(rate / 2 / hertz))
    return sum(np.sin(2 * np.pi * hertz * k * time + k * k) / k for k in range(1, count))


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
@pytest.mark.parametrize("hertz", [70, 100, 150, 220, 330, 400])
def test_it_is_that_of_the_harmonics(hertz, rate):
    assert median_pitch(voice(hertz, rate), sample_rate=rate) == pytest.approx(hertz, rel=0.015)


def test_the_fundamental_itself_may_be_missing():
    """As on a telephone."""
    rate = 16000
    fundamental = np.sin(2 * np.pi * 120 * np.arange(rate) / rate + 1)
    sound = voice(120, rate) - fundamental
    assert median_pitch(sound, sample_rate=rate) == pytest.approx(120, rel=0.015)


def test_quiet_parts_do_not_count():
    rate = 16000
    hum = 0.05 * voice(100, rate, 3.0)
    sound = np.concatenate([hum, voice(200, rate, 0.5), hum])
    assert median_pitch(sound, sample_rate=rate) == pytest.approx(200, rel=0.015)


@pytest.mark.parametrize("length", [0, 100, 16000])
def test_there_is_none_in_noise_silence_or_next_to_nothing(length):
    noise = np.random.default_rng(1).standard_normal(length)
    assert median_pitch(noise, sample_rate=16000) is None
    assert median_pitch(0 * noise, sample_rate=16000) is None


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_a_synthetic_voice_is_as_high_as_it_was_asked_to_be(tmp_path):
    heights = []
    for pitch in (20, 50, 80):
        path = tmp_path / f"{pitch}.wav"
        subprocess.run(["espeak-ng", f"-p{pitch}", "-w", path, "seven hours are over"], check=True)
        said = read_recording(path)
        heights.append(median_pitch(said.samples, sample_rate=said.sample_rate))
    assert 60 < heights[0] < heights[1] < heights[2] < 200
