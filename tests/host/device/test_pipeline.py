# SPDX-License-Identifier: Apache-2.0
"""The firmware's pipeline in Python: times, cutting, and detections by hand."""

import numpy as np
import pytest

from stapes import _native
from stapes.device.decoder import Decoder, frame_capacity, threshold_q16
from stapes.device.front_end import FrontEnd
from stapes.device.pipeline import Pipeline, inference_times
from stapes.errors import StapesError
from stapes.link.protocol import crc16
from stapes.model.metadata import write_settings
from stapes.model.settings import DecoderSettings, FrontEndSettings, ModelSettings
from stapes.replay import open_player
from window_model import window_model

LABELS = ("_silence_", "_unknown_", "yes", "no")


@pytest.fixture
def model(tmp_path, small_model):
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return path


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).integers(-9000, 9000, samples).astype(np.int16)


def frames_of(settings: ModelSettings, audio: np.ndarray) -> np.ndarray:
    """The front end alone, for the inputs of the small models: scale 0.1, zero point -5."""
    return FrontEnd(settings.front_end, scale=0.1, zero_point=-5).process(audio)


def test_frames_end_where_their_last_sample_does(model):
    trace = Pipeline.from_file(model).process(np.zeros(16000, np.int16))
    assert trace.scores.shape == (49, 4) and trace.inputs.shape == (49, 40)
    assert trace.times_ms[:3].tolist() == [30, 50, 70]
    assert trace.times_ms[-1] == 990


def test_how_audio_is_cut_up_makes_no_difference(model):
    audio = np.random.default_rng(0).integers(-9000, 9000, 40000).astype(np.int16)
    pipeline = Pipeline.from_file(model)
    whole = pipeline.process(audio)
    pipeline.reset()
    parts = [pipeline.process(part) for part in np.split(audio, [1, 479, 480, 481, 7777, 30000])]
    for name in ("times_ms", "inputs", "scores"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    assert [found for part in parts for found in part.detections] == whole.detections


def test_windows_are_the_newest_frames_at_every_stride(tmp_path):
    path = tmp_path / "window.tflite"
    path.write_bytes(window_model())
    pipeline = Pipeline.from_file(path)
    audio = np.random.default_rng(0).integers(-9000, 9000, 16000).astype(np.int16)
    whole = pipeline.process(audio)
    features = frames_of(pipeline.settings, audio)
    assert len(features) == 49
    ends = range(20, 50, 3)
    expected = [features[end - 20 : end].ravel() for end in ends]
    np.testing.assert_array_equal(whole.inputs, expected)
    assert whole.times_ms.tolist() == [30 + 20 * (end - 1) for end in ends]
    pipeline.reset()
    parts = [pipeline.process(part) for part in np.split(audio, [100, 7000, 7100, 7900])]
    for name in ("times_ms", "inputs", "scores"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


@pytest.mark.parametrize(("stride", "count"), [(1, 6), (5, 2), (7, 1), (40, 1)])
def test_strides_may_leave_frames_out(tmp_path, small_model, stride, count):
    settings = ModelSettings(name="m", labels=LABELS, window_frames=20, clip_stride_frames=stride)
    path = tmp_path / "m.tflite"
    path.write_bytes(small_model(settings, features=settings.input_size))
    audio = noise(settings.front_end.window_samples + 24 * settings.front_end.stride_samples)
    pipeline = Pipeline.from_file(path)
    trace = pipeline.process(audio)
    features = frames_of(settings, audio)
    assert len(features) == 25
    expected = [features[start : start + 20].ravel() for start in range(0, 6, stride)]
    assert len(trace.inputs) == len(expected) == count
    np.testing.assert_array_equal(trace.inputs, expected)
    times = inference_times(settings, samples=len(audio))
    np.testing.assert_array_equal(trace.times_ms, times)


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_the_clock_counts_whole_milliseconds_of_audio(rate):
    front_end = FrontEndSettings(sample_rate=rate, window_stride_ms=12.5, upper_edge_hertz=3900.0)
    settings = ModelSettings(name="m", labels=LABELS, front_end=front_end)
    times = inference_times(settings, samples=rate * 7 + 1)
    ends = front_end.window_samples + np.arange(len(times)) * front_end.stride_samples
    assert ends[-1] <= rate * 7 + 1 < ends[-1] + front_end.stride_samples
    assert times.tolist() == (ends * 1000 // rate).tolist()


def test_a_pipeline_goes_on_from_the_state_of_another(model):
    whole, one, other = (Pipeline.from_file(model) for _ in range(3))
    audio = noise(480 + 49 * 320)
    one.process(audio[: 480 + 48 * 320])
    assert other.state != one.state
    other.state = one.state
    newest = other.process(audio[49 * 320 :]).scores
    np.testing.assert_array_equal(newest, whole.process(audio).scores[49:])
    assert other.state == whole.state
    whole.reset()
    assert whole.state != other.state
    with pytest.raises(ValueError, match="same model"):
        other.state = one.state[:-1]


@pytest.mark.parametrize("network", ["firmware", "window_firmware"])
def test_the_pipeline_is_that_of_the_x86_program(network, request):
    built = request.getfixturevalue(network)
    audio = noise(3 * 16000)
    here = Pipeline.from_file(built.model).process(audio)
    with open_player(program=built.program, send_scores=True) as player:
        there = player.play(audio)
    assert there.times_ms.tolist() == here.times_ms.tolist()
    assert there.features_crc.tolist() == [crc16(row.tobytes()) for row in here.inputs]
    assert there.scores.tolist() == here.scores.tolist()
    assert there.detections == here.detections


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"window_frames": 50}, "window_frames=50: expected 1 to 49, of a clip"),
        ({"clip_stride_frames": 2}, "clip_stride_frames=2: expected 1 to 1"),
        ({"window_frames": 9, "clip_stride_frames": 0}, "clip_stride_frames=0: expected 1 to 4096"),
    ],
)
def test_windows_that_make_no_sense_are_refused(values, message):
    with pytest.raises(StapesError, match=message):
        ModelSettings(name="m", labels=LABELS, **values)


def test_a_network_for_other_windows_is_refused(tmp_path):
    settings = ModelSettings(name="m", labels=LABELS, window_frames=19)
    path = tmp_path / "window.tflite"
    path.write_bytes(write_settings(window_model(), settings))
    with pytest.raises(StapesError, match="found 800 features in, expected 760"):
        Pipeline.from_file(path)


def test_the_averaging_window_holds_a_score_for_each_inference():
    settings = ModelSettings(name="m", labels=LABELS, window_frames=49, clip_stride_frames=5)
    assert frame_capacity(settings) == 11  # 1000 ms at 100 ms each, and one more


def test_a_certain_word_is_detected_once_when_enough_was_heard():
    decoder = DecoderSettings(average_window_duration_ms=400, detection_threshold=0.5)
    settings = ModelSettings(name="m", labels=LABELS, decoder=decoder)
    yes = np.full((10, 4), -128, np.int8)
    yes[:, 2] = 127  # 255/256 each
    times = np.arange(30, 230, 20, dtype=np.uint32)
    (found,) = Decoder(settings).process(yes, times)
    # The window's quarter (100 ms) must have passed since the first score at 30 ms.
    assert (found.label, found.time_ms, found.score) == ("yes", 130, 255 / 256)


def test_times_that_run_backwards_are_refused():
    decoder = Decoder(ModelSettings(name="m", labels=LABELS))
    with pytest.raises(ValueError, match="backwards"):
        decoder.process(np.zeros((2, 4), np.int8), np.array([50, 30], np.uint32))
    with pytest.raises(ValueError, match="one score a label"):
        decoder.process(np.zeros((2, 3), np.int8), np.array([50, 70], np.uint32))


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0.0, 0), (0.2, 13108), (0.5, 32768), (1.0, 65536)]
)
def test_thresholds_are_rounded_up_to_q16(threshold, expected):
    assert threshold_q16(threshold) == expected


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100])
@pytest.mark.parametrize("stride_ms", [10.0, 12.5, 20.0, 33.3])
@pytest.mark.parametrize("window_ms", [1, 500, 1000, 10000])
def test_the_frame_capacity_is_that_of_the_firmware(rate, stride_ms, window_ms):
    settings = ModelSettings(
        name="m",
        labels=LABELS,
        front_end=FrontEndSettings(sample_rate=rate, window_stride_ms=stride_ms),
        decoder=DecoderSettings(average_window_duration_ms=window_ms),
    )
    assert frame_capacity(settings) == _native.decoder_frame_capacity(
        window_ms, settings.front_end.stride_samples, rate
    )


def test_more_frames_than_the_firmware_counts_are_refused():
    settings = ModelSettings(
        name="m",
        labels=LABELS,
        front_end=FrontEndSettings(window_stride_ms=0.1),
        decoder=DecoderSettings(average_window_duration_ms=10000),
    )
    with pytest.raises(StapesError, match="at most 65535"):
        Decoder(settings)
