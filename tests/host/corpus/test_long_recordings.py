# SPDX-License-Identifier: Apache-2.0
"""Clips that are cut out of long recordings."""

from __future__ import annotations

import numpy as np

from stapes.corpus.long_recordings import LongRecordings


def test_every_place_of_every_recording_is_as_likely():
    recordings = LongRecordings([np.zeros(11, np.int16), np.ones(31, np.int16)], samples=2)
    generator = np.random.default_rng(5)
    share = np.mean([recordings.clip(generator)[0] for _ in range(4000)])
    assert abs(share - 30 / 40) < 0.03


def test_short_recordings_are_padded_to_a_clip():
    clip = LongRecordings([np.ones(3, np.int16)], samples=5).clip(np.random.default_rng(0))
    assert clip.tolist() == [1, 1, 1, 0, 0]
