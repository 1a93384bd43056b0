# SPDX-License-Identifier: Apache-2.0
"""Augmentation: small functions whose results can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.corpus.augment import (
    background_segment,
    mask_randomly,
    mix_background,
    random_silence,
    random_variation,
    shift_in_time,
    to_int16,
)
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.effects import apply_gain
from stapes.errors import StapesError

CLIP = np.array([1, 2, 3, 4], np.int16)


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (0, [1, 2, 3, 4]),
        (1, [0, 1, 2, 3]),
        (-1, [2, 3, 4, 0]),
        (4, [0, 0, 0, 0]),
        (-9, [0, 0, 0, 0]),
    ],
)
def test_a_shift_moves_the_clip_and_zeros_in(shift, expected):
    assert shift_in_time(CLIP, shift).tolist() == expected


def test_background_is_added_at_its_volume():
    noise = np.array([10, -10, 20, 0], np.int16)
    assert mix_background(CLIP, noise, 0.5).tolist() == [6, -3, 13, 4]


def test_six_decibels_double_a_clip():
    np.testing.assert_allclose(apply_gain(CLIP, 6.0206), 2 * CLIP, rtol=1e-5)


def test_what_is_too_loud_is_clipped_not_wrapped():
    loud = np.array([40000.0, -40000.0, 0.5, 1.5])
    assert to_int16(loud).tolist() == [32767, -32768, 0, 2]


def test_random_masks_are_no_wider_than_allowed_and_hide_behind_the_mean():
    features = np.random.default_rng(0).normal(0, 1, (50, 20, 10)).astype(np.float32)
    masked, mean = features.copy(), np.float32(features.mean())
    settings = AugmentSettings(time_mask_frames=4, frequency_mask_channels=2)
    mask_randomly(masked, settings, np.random.default_rng(1))
    hidden = masked != features
    assert np.all(masked[hidden] == mean)
    frames, channels = hidden.all(axis=2).sum(axis=1), hidden.all(axis=1).sum(axis=1)
    assert set(frames) == set(range(5)) and set(channels) == set(range(3))
    expected = 20 * 10 - (20 - frames) * (10 - channels)
    assert hidden.sum(axis=(1, 2)).tolist() == expected.tolist(), "nothing else"


def test_background_reaches_both_ends_of_a_recording():
    noise = np.arange(6, dtype=np.int16)
    generator = np.random.default_rng(0)
    starts = {int(background_segment([noise], 4, generator)[0]) for _ in range(50)}
    assert starts == {0, 1, 2}
    assert background_segment([], 4, generator).tolist() == [0, 0, 0, 0]


def test_with_everything_off_a_variation_is_the_clip_itself():
    off = AugmentSettings(time_shift_ms=0, background_volume=0, background_frequency=0)
    noise = np.full(9, 1000, np.int16)
    varied = random_variation(
        CLIP, [noise], off, sample_rate=16000, generator=np.random.default_rng(0)
    )
    assert varied.tolist() == CLIP.tolist()


def test_variations_follow_their_seed_and_their_limits():
    settings = AugmentSettings(time_shift_ms=1, background_volume=0, gain_db=0)
    clip = np.zeros(100, np.int16)
    clip[50] = 1000

    def places(seed):
        generator = np.random.default_rng(seed)
        clips = [
            random_variation(clip, [], settings, sample_rate=8000, generator=generator)
            for _ in range(200)
        ]
        return [int(np.argmax(varied)) for varied in clips]

    assert places(1) == places(1) != places(2)
    assert set(places(1)) == set(range(42, 59))  # 1 ms is 8 samples to either side


def test_silence_is_background_at_any_volume():
    noise = np.full(100, 10000, np.int16)
    generator = np.random.default_rng(0)
    levels = [int(random_silence(10, [noise], generator)[0]) for _ in range(100)]
    assert min(levels) < 1000 and max(levels) > 9000


@pytest.mark.parametrize("flag", ["time_shift_ms", "background_volume", "gain_db"])
def test_negative_amounts_are_refused(flag):
    with pytest.raises(StapesError, match=f"--{flag}=-1: expected 0 to"):
        AugmentSettings(**{flag: -1})
