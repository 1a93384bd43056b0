# SPDX-License-Identifier: Apache-2.0
"""Clips under noise and at other levels."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.evaluation.conditions import conditions


@pytest.fixture
def clips():
    return np.random.default_rng(1).integers(-3000, 3000, (6, 4000)).astype(np.int16)


@pytest.fixture
def noises():
    generator = np.random.default_rng(2)
    return [generator.integers(-9000, 9000, size).astype(np.int16) for size in (5000, 20000)]


def found(clips, **settings):
    return {condition.name: condition.samples for condition in conditions(clips, **settings)}


def decibels(ratio):
    return 10 * np.log10(ratio)


def powers(samples):
    return (samples.astype(np.float64) ** 2).mean(axis=1)


def test_the_clips_come_first_as_they_are(clips):
    assert list(found(clips)) == ["as recorded"]
    np.testing.assert_array_equal(found(clips)["as recorded"], clips)


def test_noise_has_the_ratio_that_its_name_says(clips, noises):
    noisy = found(clips, noises=noises, snr_db=(20, 0))
    assert list(noisy) == ["as recorded", "noise at 20 dB", "noise at 0 dB"]
    for ratio in (20, 0):
        added = noisy[f"noise at {ratio} dB"].astype(np.int32) - clips
        np.testing.assert_allclose(decibels(powers(clips) / powers(added)), ratio, atol=0.05)


def test_a_clip_meets_the_same_noise_at_every_ratio_and_in_every_run(clips, noises):
    first, again = (found(clips, noises=noises, snr_db=(0, 6)) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    loud, soft = (first[f"noise at {ratio} dB"].astype(float) - clips for ratio in (0, 6))
    assert min(np.corrcoef(a, b)[0, 1] for a, b in zip(loud, soft, strict=True)) > 0.999


def test_pauses_between_noises_are_passed_over(clips):
    noise = np.zeros(400_000, np.int16)
    noise[200_000:220_000] = np.random.default_rng(4).integers(-9000, 9000, 20_000)
    noisy = found(clips, noises=[noise], snr_db=(0,))["noise at 0 dB"]
    assert (powers(noisy.astype(np.int32) - clips) > 0).all()


def test_one_loud_recording_does_not_displace_the_others(clips):
    noises = [np.full(20_000, level, np.int16) for level in (100, 100, -20_000)]
    noisy = found(np.tile(clips, (4, 1)), noises=noises, snr_db=(0,))["noise at 0 dB"]
    signs = np.sign((noisy.astype(np.int32) - np.tile(clips, (4, 1))).sum(axis=1))
    assert set(signs) == {-1, 1}


def test_a_level_is_a_gain(clips):
    quiet = found(clips, level_db=(-20,))["level -20 dB"]
    np.testing.assert_array_equal(quiet, np.rint(clips / 10))
