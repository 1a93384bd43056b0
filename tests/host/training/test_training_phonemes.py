# SPDX-License-Identifier: Apache-2.0
"""Phonemes beside the labels: what they cost, and what a training with them learns."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from tones import WANTED, trained_tones

from stapes.corpus.index import CorpusSettings
from stapes.corpus.synthesizers import Espeak
from stapes.device.features import FeatureExtractor
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings
from stapes.networks.backend import tf
from stapes.networks.options import ModelOptions
from stapes.networks.registry import create_model
from stapes.training.checkpoint import FILE_NAME, Checkpoint, assign
from stapes.training.corpus import Corpus
from stapes.training.loop import train
from stapes.training.phonemes import PhonemeHead, Pronunciations
from stapes.training.settings import Schedule, TrainingSettings
from stapes.training.step import labelled, make_optimizer, mean_of, predict

SILENCE, UNKNOWN, UP, DOWN = range(4)
SPELLING = TrainingSettings(
    corpus=CorpusSettings(wanted_words=WANTED, unknown_percentage=50, silence_percentage=30),
    front_end=FrontEndSettings(sample_rate=8000, channel_count=20, dct_coefficient_count=0),
    model=ModelOptions(svdf_units=(12, 12), dropout=0.0),
    schedule=Schedule(steps=(12,), rates=(0.01,), decay="cosine"),
    batch_size=32,
    save_step_interval=5,
    lead_ms=600.0,
    phoneme_weight=0.3,
)
TEXTS = ("", "down", "up", "…")


def transcribe(texts):
    return [{"down": "dˈaʊn", "up": "ˈʌp"}.get(text, "") for text in texts]


def head_of(settings=SPELLING, texts=TEXTS) -> PhonemeHead:
    network = create_model(settings.architecture, settings.shape, settings.model)
    return PhonemeHead(network, settings, texts, optimizer=make_optimizer(settings))


def run(folder, chosen=SPELLING, **options) -> Checkpoint:
    data = trained_tones().data_dir
    train(chosen, data_dir=data, train_dir=folder, log=lambda line: None, **options)
    return Checkpoint.load(folder / FILE_NAME)


def sure(*places: int, outputs: int) -> np.ndarray:
    """Logits [1, steps, outputs] that are sure of one output at each step."""
    logits = np.full((1, len(places), outputs), -20, np.float32)
    logits[0, np.arange(len(places)), places] = 20
    return logits


def test_texts_become_numbers_of_their_phonemes():
    said = Pronunciations.of(TEXTS, transcribe)
    assert said.phonemes == ("aʊ", "d", "n", "p", "ʌ")
    assert said.numbers.tolist() == [[0, 0, 0], [1, 0, 2], [4, 3, 0], [0, 0, 0]]
    assert said.lengths.tolist() == [0, 3, 2, 0]
    assert said.known.tolist() == [1, 1, 1, 0]


def test_texts_of_which_none_can_be_pronounced_are_refused():
    with pytest.raises(StapesError, match="--phoneme_weight: found no word that espeak-ng can"):
        Pronunciations.of(("", "…"), transcribe)


@pytest.mark.parametrize(
    ("text", "heard", "costs"),
    [
        ("down", "d . aʊ . n .", False),
        ("down", "d d aʊ . . n", False),
        ("down", "aʊ . d . n .", True),
        ("down", ". . . . . .", True),
        ("", ". . . . . .", False),
        ("", ". . d . . .", True),
        ("up", "ʌ . . . . p", False),
    ],
)
def test_phonemes_cost_nothing_in_their_order_whenever_they_come(text, heard, costs):
    outputs = ("aʊ", "d", "n", "p", "ʌ", ".")
    logits = sure(*map(outputs.index, heard.split()), outputs=len(outputs))
    loss = float(head_of().loss(logits, np.array([TEXTS.index(text)], np.int32)))
    assert loss > 3 if costs else loss == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("text", [-1, -2, TEXTS.index("…")])
def test_a_clip_whose_phonemes_nobody_knows_costs_nothing(text):
    logits = sure(1, 1, 3, 4, outputs=6)
    assert float(head_of().loss(logits, np.array([text], np.int32))) == 0


def test_a_word_of_more_phonemes_than_steps_costs_nothing():
    assert float(head_of().loss(sure(1, 1, outputs=6), np.array([1], np.int32))) == 0


def test_a_training_that_is_stopped_goes_on_to_the_same_weights(tmp_path):
    whole = dataclasses.replace(SPELLING, schedule=Schedule(steps=(12,), rates=(0.01,)))
    half = dataclasses.replace(SPELLING, schedule=Schedule(steps=(5,), rates=(0.01,)))
    run(tmp_path / "cut", half)
    again, unbroken = run(tmp_path / "cut", whole), run(tmp_path / "unbroken", whole)
    for kind in ("model", "optimizer", "phonemes"):
        pairs = zip(getattr(again, kind), getattr(unbroken, kind), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)
    assert len(unbroken.phonemes) > 2


def test_phonemes_may_be_left_out_and_taken_up_again(tmp_path):
    spelled = run(tmp_path / "a")
    longer = dataclasses.replace(SPELLING, schedule=Schedule(steps=(12, 2), rates=(0.01, 0.001)))
    without = dataclasses.replace(longer, phoneme_weight=0.0)
    plain = run(tmp_path / "b", without, start_checkpoint=tmp_path / "a" / FILE_NAME)
    assert spelled.phonemes and not plain.phonemes and plain.step == 14
    again = dataclasses.replace(
        SPELLING, schedule=Schedule(steps=(12, 2, 2), rates=(0.01, 0.001, 0.001))
    )
    assert run(tmp_path / "c", again, start_checkpoint=tmp_path / "b" / FILE_NAME).phonemes


def test_a_network_learns_to_spell(tmp_path):
    chosen = dataclasses.replace(SPELLING, schedule=Schedule(steps=(250,), rates=(0.02,)))
    checkpoint = run(tmp_path / "a", chosen)
    corpus = Corpus(trained_tones().data_dir, chosen)
    network = create_model(chosen.architecture, chosen.shape, chosen.model)
    texts = corpus.training().texts
    head = PhonemeHead(network, chosen, texts, optimizer=make_optimizer(chosen))
    assign(network.variables, checkpoint.model, source="checkpoint")
    head.restore(checkpoint.phonemes, source="checkpoint")
    clips = corpus.evaluation("testing")
    words = clips.labels >= 2
    extractor = FeatureExtractor(chosen.front_end, checkpoint.quantization)
    earlier = head.frames_before * chosen.front_end.stride_samples
    generator = np.random.default_rng(0)
    quiet = generator.normal(0, 30, (words.sum(), earlier)).astype(np.int16)
    features = extractor.real(np.concatenate([quiet, clips.samples[words]], axis=1))
    heard = np.argmax(head.model(features)[1], axis=-1)
    said = Pronunciations.of(texts, Espeak(language="en").transcriptions)
    spelled = [spell(steps, none=len(said.phonemes)) for steps in heard]
    rows = [texts.index(WANTED[label - 2]) for label in clips.labels[words]]
    right = [
        found == said.numbers[row, : said.lengths[row]].tolist()
        for found, row in zip(spelled, rows, strict=True)
    ]
    assert np.mean(right) > 0.8


def spell(steps: np.ndarray, *, none: int) -> list[int]:
    """Repeated outputs count once, and those for none not at all."""
    return [one for one, _ in itertools.groupby(steps.tolist()) if one != none]


def test_words_that_are_only_spelled_have_no_part_in_the_labels():
    truth = np.array([SILENCE, UNKNOWN, UNKNOWN, UP], np.int32)
    texts = np.array([0, 1, -1, 2], np.int32)  # the second one says something, the third is talk
    losses = tf.constant([[1.0, 2.0], [9.0, 9.0], [3.0, 4.0], [5.0, 6.0]])
    shares = labelled(truth, texts, losses)
    assert shares.numpy().tolist() == [[1, 1], [0, 0], [1, 1], [1, 1]]
    assert float(mean_of(losses, shares)) == 3.5
    assert labelled(truth, texts, losses[:, 0]).numpy().tolist() == [1, 0, 1, 1]
    assert float(mean_of(losses)) == pytest.approx(39 / 8)


def test_a_training_that_only_spells_unknown_words_never_calls_anything_unknown(tmp_path):
    steps = Schedule(steps=(60,), rates=(0.02,))
    labels = dataclasses.replace(SPELLING, schedule=steps)
    alone = dataclasses.replace(labels, spell_unknown=True)
    found = {}
    for name, chosen in (("labels", labels), ("alone", alone)):
        checkpoint = run(tmp_path / name, chosen)
        network = create_model(chosen.architecture, chosen.shape, chosen.model)
        assign(network.variables, checkpoint.model, source="checkpoint")
        clips = Corpus(trained_tones().data_dir, chosen).evaluation("testing")
        extractor = FeatureExtractor(chosen.front_end, checkpoint.quantization)
        predicted = predict(network, extractor.real(clips.samples))
        found[name] = np.count_nonzero(predicted == UNKNOWN)
    assert found["alone"] == 0 < found["labels"]


def test_settings_that_do_not_fit_phonemes_are_refused(tmp_path):
    folders = {"data_dir": trained_tones().data_dir, "train_dir": tmp_path / "a"}
    with pytest.raises(StapesError, match="--spell_unknown: found no --phoneme_weight"):
        dataclasses.replace(SPELLING, phoneme_weight=0.0, spell_unknown=True)
    with pytest.raises(StapesError, match="--spell_unknown: found --pulse_weight"):
        dataclasses.replace(SPELLING, pulse_weight=1.0, spell_unknown=True)
    with pytest.raises(StapesError, match="--quantize and --phoneme_weight"):
        dataclasses.replace(SPELLING, quantize=True)
    with pytest.raises(StapesError, match="--teacher and --phoneme_weight"):
        train(SPELLING, teacher="any.npz", **folders)
    with pytest.raises(StapesError, match="--phoneme_weight: found a network that takes whole"):
        train(dataclasses.replace(SPELLING, architecture="single_fc"), **folders)
    with pytest.raises(StapesError, match="--phoneme_weight: found a network with a single layer"):
        train(
            dataclasses.replace(SPELLING, model=ModelOptions(svdf_units=(12,), dropout=0.0)),
            **folders,
        )
    with pytest.raises(StapesError, match=r"--lead_ms=100: expected at least \d+ with --phoneme"):
        train(dataclasses.replace(SPELLING, lead_ms=100.0), **folders)


def test_without_espeak_ng_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StapesError, match="espeak-ng: not found"):
        head_of()
