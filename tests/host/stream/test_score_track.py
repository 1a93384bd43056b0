# SPDX-License-Identifier: Apache-2.0
"""Scores of long audio: several cores give the same as one, with any memory of the network."""

from pathlib import Path

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.model.metadata import load_model
from stapes.model.settings import FrontEndSettings, ModelSettings, PcenSettings
from stapes.stream import score_track as module
from stapes.stream.score_track import compute_scores, load_track

RATE = 16000


def speech_like(seconds: float) -> np.ndarray:
    """Noise whose loudness changes by the syllable."""
    random = np.random.default_rng(5)
    count = int(seconds * RATE)
    loudness = np.repeat(10 ** random.uniform(0, 4, count // 3000 + 1), 3000)[:count]
    return np.clip(random.normal(size=count) * loudness, -32768, 32767).astype(np.int16)


LABELS = ("_silence_", "_unknown_", "yes", "no")
FRAMES = ModelSettings(name="small", labels=LABELS)
WINDOWS = ModelSettings(name="windows", labels=LABELS, window_frames=7, clip_stride_frames=3)
PCEN = ModelSettings(
    name="pcen",
    labels=LABELS,
    front_end=FrontEndSettings(dct_coefficient_count=0, pcen=PcenSettings()),
)


@pytest.fixture(params=[FRAMES, WINDOWS, PCEN], ids=lambda settings: settings.name)
def model(small_model, tmp_path, request) -> Path:
    """Three networks: one takes a frame at a time, one takes seven frames at every third frame, and
    the features of one depend on all earlier frames."""
    path = tmp_path / "small.tflite"
    settings: ModelSettings = request.param
    scale = 0.02 if settings.front_end.pcen else 0.1
    path.write_bytes(small_model(settings, features=settings.input_size, input_scale=scale))
    return path


@pytest.fixture
def segments_of_any_length(monkeypatch):
    monkeypatch.setattr(module, "SHORTEST_SEGMENT", 50)
    monkeypatch.setattr(module, "BATCH", 77)


def test_scores_and_times_are_those_of_the_pipeline(model, segments_of_any_length):
    content, settings = load_model(model)
    samples = speech_like(20.013)
    trace = Pipeline.from_file(model).process(samples)
    for workers in (1, 3):
        track = compute_scores(content, settings, samples, workers=workers)
        assert track.scores.tobytes() == trace.scores.tobytes()
        assert track.times_ms.tobytes() == trace.times_ms.tobytes()
        assert track.decode() == trace.detections
        assert track.duration_ms == pytest.approx(20013)


def test_a_network_that_remembers_longer_than_thought_gives_the_same_scores(
    model, segments_of_any_length, monkeypatch
):
    content, settings = load_model(model)
    samples = speech_like(12)
    serial = compute_scores(content, settings, samples, workers=1)
    monkeypatch.setattr(module._Run, "_warm_up", lambda self: 1)
    restarted = []
    compute = module._Run.compute

    def counted(self, start, stop, state):
        if state is not None:
            restarted.append(start)
        return compute(self, start, stop, state)

    monkeypatch.setattr(module._Run, "compute", counted)
    parallel = compute_scores(content, settings, samples, workers=2)
    assert restarted, "one frame is less than the network remembers"
    assert parallel.scores.tobytes() == serial.scores.tobytes()


def test_an_interrupted_run_stops_all_workers(model, segments_of_any_length):
    content, settings = load_model(model)
    calls = []

    def interrupt(done):
        calls.append(done)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute_scores(content, settings, speech_like(60), workers=2, progress=interrupt)
    assert len(calls) <= 5, "each worker ends with the batch that it is at"


def test_audio_shorter_than_a_frame_has_no_scores(model, tmp_path):
    write_wav(tmp_path / "a.wav", np.zeros(100, np.int16), sample_rate=RATE)
    track = load_track(model, tmp_path / "a.wav")
    assert track.scores.shape[0] == 0
    assert track.detections() == []


def test_audio_of_another_rate_is_refused(model, tmp_path):
    write_wav(tmp_path / "a.wav", np.zeros(9000, np.int16), sample_rate=8000)
    with pytest.raises(StapesError, match="found 8000 Hz, expected 16000 Hz"):
        load_track(model, tmp_path / "a.wav")
