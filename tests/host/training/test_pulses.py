# SPDX-License-Identifier: Apache-2.0
"""The loss of a decoder's peaks, and the effect of a training with it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tones import WANTED, trained_tones

from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.index import CorpusSettings
from stapes.device.features import FeatureExtractor
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings
from stapes.networks.ends import at_every_end
from stapes.networks.options import ModelOptions
from stapes.networks.registry import create_model
from stapes.training.checkpoint import FILE_NAME, Checkpoint, assign
from stapes.training.corpus import Corpus
from stapes.training.loop import train
from stapes.training.pulses import pulse_loss
from stapes.training.settings import Schedule, TrainingSettings
from stapes.training.step import frames_per_answer, in_the_middle

SILENCE, UNKNOWN, UP, DOWN = range(4)
CLIP = TrainingSettings(
    corpus=CorpusSettings(wanted_words=WANTED, unknown_percentage=50, silence_percentage=30),
    front_end=FrontEndSettings(sample_rate=8000, channel_count=20, dct_coefficient_count=0),
    model=ModelOptions(svdf_units=(12, 12), dropout=0.0),
    schedule=Schedule(steps=(30,), rates=(0.01,), decay="cosine"),
    augmentation=AugmentSettings(time_shift_ms=100),
    batch_size=32,
)
STREAM = dataclasses.replace(CLIP, pulse_weight=1.0, pulse_ms=200.0, pulse_average_ms=200.0)


def logits(*pulses: tuple[int, int, int], ends: int = 12) -> np.ndarray:
    """[1, ends, 4]: sure of silence, but for (label, first end, number of ends)."""
    scores = np.zeros((1, ends, 4), np.float32)
    scores[..., SILENCE] = 20
    for label, start, count in pulses:
        scores[0, start : start + count] = 0
        scores[0, start : start + count, label] = 20
    return scores


def loss(scores: np.ndarray, label: int) -> float:
    return float(pulse_loss(scores, np.array([label], np.int32), average_frames=4))


@pytest.mark.parametrize("start", [0, 3, 8])
def test_a_pulse_as_long_as_the_average_is_right_wherever_it_lies(start):
    assert loss(logits((UP, start, 4)), UP) == pytest.approx(0, abs=1e-3)


def test_a_shorter_pulse_reaches_as_much_of_the_average():
    assert loss(logits((UP, 3, 2)), UP) == pytest.approx(-np.log(2 / 4), abs=1e-3)


@pytest.mark.parametrize("label", [SILENCE, UNKNOWN, DOWN])
def test_a_pulse_of_another_word_costs_as_much_as_a_detection_would(label):
    half = loss(logits((UP, 3, 2), (label, 6, 4)), label)
    assert half == pytest.approx(-np.log(1 - 2 / 4), abs=1e-3)


def test_a_word_that_is_not_heard_has_a_bounded_loss():
    assert loss(logits(), UP) == pytest.approx(-np.log(1e-4), rel=1e-3)


def test_the_loss_is_that_of_numpy():
    generator = np.random.default_rng(1)
    scores = generator.normal(0, 2, (5, 9, 4)).astype(np.float32)
    truth = np.array([SILENCE, UNKNOWN, UP, DOWN, UP], np.int32)
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    averages = np.stack([shares[:, at : at + 3].mean(1) for at in range(7)], axis=1)
    peaks = averages.max(axis=1)[:, UP:]
    expected = np.mean(
        [
            sum(
                -np.log(p if label == word else 1 - p)
                for word, p in zip((UP, DOWN), row, strict=True)
            )
            for label, row in zip(truth, peaks, strict=True)
        ]
    )
    found = pulse_loss(scores, truth, average_frames=3)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_the_decoder_hears_more_than_the_ends_that_labels_are_asked_for():
    assert (CLIP.ends, CLIP.pulse_frames) == (1, 0)
    assert (STREAM.pulse_frames, STREAM.pulse_average_frames, STREAM.ends) == (10, 10, 21)
    assert STREAM.training_samples == CLIP.training_samples + 20 * 160


def test_labels_are_asked_for_in_the_middle_alone():
    answers = np.arange(21)[None, :, None]
    assert in_the_middle(answers, STREAM.pulse_frames).ravel().tolist() == [10]
    assert in_the_middle(answers, CLIP.pulse_frames).shape == answers.shape


def test_a_network_that_runs_at_every_second_frame_gives_half_of_the_answers():
    assert frames_per_answer(np.zeros((1, 11, 4)), ends=21) == 2
    assert frames_per_answer(np.zeros((1, 21, 4)), ends=21) == 1
    assert frames_per_answer(np.zeros((1, 4)), ends=1) == 1


def test_settings_that_do_not_fit_a_decoder_are_refused(tmp_path):
    with pytest.raises(
        StapesError, match=r"--pulse_average_ms=500: expected at most the 21 frames"
    ):
        dataclasses.replace(STREAM, pulse_average_ms=500.0)
    with pytest.raises(StapesError, match="--quantize and --pulse_weight"):
        dataclasses.replace(STREAM, quantize=True)
    folders = {"data_dir": trained_tones().data_dir, "train_dir": tmp_path / "a"}
    with pytest.raises(StapesError, match="--teacher and --pulse_weight"):
        train(STREAM, teacher="any.npz", **folders)
    with pytest.raises(StapesError, match="--pulse_weight: found a network that takes whole clips"):
        train(dataclasses.replace(STREAM, architecture="single_fc"), **folders)


def detected(train_dir, chosen: TrainingSettings, *, threshold: float = 0.8) -> float:
    """Share of the testing clips whose word, and no other, is detected by a decoder that averages
    over 200 ms. Each clip has half a second of quiet before it and after it."""
    train(chosen, data_dir=trained_tones().data_dir, train_dir=train_dir, log=lambda line: None)
    checkpoint = Checkpoint.load(train_dir / FILE_NAME)
    model = create_model(chosen.architecture, chosen.shape, chosen.model)
    assign(model.variables, checkpoint.model, source="checkpoint")
    clips = Corpus(trained_tones().data_dir, chosen).evaluation("testing")
    stream = np.pad(clips.samples, ((0, 0), (4000, 4000)))
    features = FeatureExtractor(chosen.front_end, checkpoint.quantization).real(stream)
    answers = at_every_end(model, features.shape[1] - chosen.shape.frames + 1)(features)
    shares = np.exp(answers) / np.exp(answers).sum(-1, keepdims=True)
    averages = np.stack([shares[:, at : at + 10].mean(1) for at in range(shares.shape[1] - 9)])
    heard = averages.max(axis=0)[:, UP:] >= threshold
    return float(np.mean(np.all(heard == (clips.labels[:, None] == (UP, DOWN)), axis=1)))


def test_a_training_in_streams_beats_one_in_clips(tmp_path):
    clip, stream = detected(tmp_path / "clip", CLIP), detected(tmp_path / "stream", STREAM)
    assert stream > clip + 0.1
    assert stream > 0.9
