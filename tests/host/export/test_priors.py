# SPDX-License-Identifier: Apache-2.0
"""Biases without the preference for labels that training showed more often."""

from __future__ import annotations

import numpy as np
import pytest
from tones import WANTED, trained_tones

from stapes.cli.main import main
from stapes.corpus.index import CorpusSettings, scan_corpus
from stapes.errors import StapesError
from stapes.export.priors import correct_priors
from stapes.networks.backend import keras


def index(**changes):
    """Of a corpus with 43 training clips of "up", 43 of "down", and many of another word."""
    settings = {"wanted_words": WANTED, "unknown_percentage": 50, "silence_percentage": 25}
    return scan_corpus(trained_tones().data_dir, CorpusSettings(**{**settings, **changes}))


def test_shares_are_counted_against_the_mean_word():
    words = len(index().wanted["training"]) / 2
    silence, unknown, up, down = index().training_shares()
    assert (silence, unknown) == pytest.approx((np.ceil(words / 2) / words, 1.0))
    assert up + down == pytest.approx(2)


def test_balanced_words_are_shown_equally_often():
    assert index(balance=1.0).training_shares()[2:] == [1.0, 1.0]


def test_what_training_never_shows_counts_as_one_clip():
    words = len(index().wanted["training"]) / 2
    shares = index(unknown_percentage=0, silence_percentage=0).training_shares()
    assert shares[:2] == pytest.approx([1 / words, 1 / words])


def network(*, bias: bool = True):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, use_bias=bias, name="last")])


def test_biases_fall_by_the_logarithm_of_the_shares():
    model, clips = network(), index(balance=1.0)
    correct_priors(model, clips, 0.5)
    expected = -0.5 * np.log(clips.training_shares())
    np.testing.assert_allclose(model.layers[-1].bias.numpy(), expected, rtol=1e-6)


def test_without_a_correction_nothing_changes():
    model = network()
    correct_priors(model, index(), 0.0)
    assert not model.layers[-1].bias.numpy().any()


def test_a_network_without_biases_is_refused():
    with pytest.raises(StapesError, match="--prior_correction=1: found a last layer last without"):
        correct_priors(network(bias=False), index(), 1.0)


def test_a_model_says_that_it_was_corrected(tmp_path, capsys):
    model = tmp_path / "model.tflite"
    flags = ["--train_dir", str(trained_tones().train_dir), "--output_file", str(model)]
    assert main(["export", *flags, "--prior_correction", "0.5"]) == 0
    assert model.read_bytes() != trained_tones().model.read_bytes()
    capsys.readouterr()
    assert main(["info", str(model), "--json"]) == 0
    assert '"prior_correction": 0.5' in capsys.readouterr().out
