# SPDX-License-Identifier: Apache-2.0
"""The front end as a stream: the size of the pieces of audio makes no difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from stapes import _native
from stapes.device.front_end import FrontEnd
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings

AUDIO = np.random.default_rng(3).integers(-9000, 9000, 3000).astype(np.int16)
SMALL = FrontEndSettings(
    sample_rate=8000,
    window_size_ms=8,
    window_stride_ms=5,
    channel_count=10,
    dct_coefficient_count=6,
)


def front_end(settings: FrontEndSettings = SMALL) -> FrontEnd:
    return FrontEnd(settings, scale=0.5, zero_point=20)


@given(
    cuts=st.lists(st.integers(0, 3000), max_size=30),
    window=st.integers(16, 300),
    stride=st.integers(1, 700),
    channels=st.integers(2, 24),
)
@hypothesis_settings(max_examples=150)
def test_frames_do_not_depend_on_the_cuts(
    cuts: list[int], window: int, stride: int, channels: int
) -> None:
    settings = FrontEndSettings(
        sample_rate=8000,
        window_size_ms=(window + 0.01) / 8,
        window_stride_ms=(stride + 0.01) / 8,
        channel_count=channels,
        dct_coefficient_count=0,
    )
    assert (settings.window_samples, settings.stride_samples) == (window, stride)
    whole = front_end(settings).process(AUDIO)
    assert whole.shape == (settings.frame_count(len(AUDIO)), channels)
    stream = front_end(settings)
    pieces = [stream.process(piece) for piece in np.split(AUDIO, sorted(cuts))]
    assert np.array_equal(np.concatenate(pieces), whole)


def test_each_frame_is_that_of_its_own_samples_alone() -> None:
    whole = front_end().process(AUDIO)
    for index in (0, 1, 17, len(whole) - 1):
        start = index * SMALL.stride_samples
        alone = front_end().process(AUDIO[start : start + SMALL.window_samples])
        assert np.array_equal(alone, whole[index : index + 1])


def test_reset_starts_a_new_stream() -> None:
    stream = front_end()
    first = stream.process(AUDIO)
    stream.process(AUDIO[:777])
    stream.reset()
    assert np.array_equal(stream.process(AUDIO), first)


def test_int8_features_are_the_unrounded_ones_rounded() -> None:
    rounded = front_end().process(AUDIO).astype(int)
    exact = front_end().process_float(AUDIO) / 0.5 + 20
    inside = (exact > -128) & (exact < 127)
    assert inside.mean() > 0.9
    assert np.abs(rounded - exact)[inside].max() <= 0.5 + 1e-6
    assert np.all(rounded[exact >= 127] == 127)
    assert np.all(rounded[exact <= -128] == -128)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_clips_in_bulk_equal_clips_one_by_one(threads: int) -> None:
    clips = AUDIO.reshape(6, 500)
    stream = front_end()
    stream.process(AUDIO[:100])  # bulk work does not see the stream's state
    bulk = stream.compute_features(clips, threads=threads)
    assert np.array_equal(bulk, np.stack([front_end().process(clip) for clip in clips]))


def extreme_clips(samples: int, seed: int) -> np.ndarray:
    """int16 [9, samples]: noise at all levels, square waves at full scale, clicks, silence."""
    generator = np.random.default_rng(seed)
    time = np.arange(samples)
    clips = [
        *(generator.normal(0, level, samples) for level in (0.6, 30, 3000, 30000)),
        np.where(time % 97 < 50, 32767, -32768),
        np.where(time % 2, 32767, -32768),
        np.full(samples, -32768),
        np.where(time == samples // 2, -32768, 0),
        np.zeros(samples),
    ]
    return np.clip(clips, -32768, 32767).astype(np.int16)


@given(
    window=st.integers(16, 4096),
    stride=st.integers(100, 5000),
    channels=st.integers(2, 128),
    coefficients=st.integers(0, 128),
    scale=st.floats(0.001, 2),
    zero_point=st.integers(-128, 127),
)
@hypothesis_settings(max_examples=60)
@example(window=480, stride=160, channels=40, coefficients=40, scale=0.1, zero_point=0)
def test_eight_frames_at_a_time_have_the_bits_of_the_firmware(
    window: int, stride: int, channels: int, coefficients: int, scale: float, zero_point: int
) -> None:
    settings = FrontEndSettings(
        window_size_ms=(window + 0.01) / 16,
        window_stride_ms=(stride + 0.01) / 16,
        upper_edge_hertz=8000,
        channel_count=channels,
        dct_coefficient_count=min(coefficients, channels),
    )
    assume(has_bins(settings))
    tables = FrontEnd(settings, scale=scale, zero_point=zero_point).tables
    clips = extreme_clips(window + 2 * stride, seed=window)
    bulk = _native.compute_features(tables, clips, 2)
    assert np.array_equal(bulk, _native.compute_features(tables, clips, 1, lanes=False))
    streamed = [_native.FrontEnd(tables).process(clip) for clip in clips]
    assert np.array_equal(bulk, streamed)


def has_bins(settings: FrontEndSettings) -> bool:
    try:
        FrontEnd(settings, scale=1, zero_point=0)
    except StapesError:  # too many channels for so short a window
        return False
    return True


def test_clips_shorter_than_a_window_have_no_frames() -> None:
    assert front_end().compute_features(AUDIO[:60].reshape(2, 30)).shape == (2, 0, 6)
    frames = SMALL.frame_count(500)
    assert front_end().compute_features(np.zeros((0, 500), np.int16)).shape == (0, frames, 6)
    assert front_end().process(AUDIO[:0]).shape == (0, 6)


def test_audio_of_another_type_is_refused_with_a_hint() -> None:
    with pytest.raises(StapesError, match="float64 with 1 dimensions: expected int16"):
        front_end().process(AUDIO / 32768)
    with pytest.raises(StapesError, match="expected int16 with 2"):
        front_end().compute_features(AUDIO)


def test_a_strided_view_is_read_correctly() -> None:
    stereo = np.stack([AUDIO, -AUDIO], axis=1)
    assert np.array_equal(front_end().process(stereo[:, 0]), front_end().process(AUDIO))
