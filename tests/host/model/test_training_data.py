# SPDX-License-Identifier: Apache-2.0
"""Whose data a model was trained on: the model says it, or the card of a shipped model."""

from __future__ import annotations

import pytest

from stapes.model.metadata import read_settings
from stapes.model.shipped import shipped_models
from stapes.model.training_data import terms, training_data, with_training_data

MICRO = shipped_models()["micro"]


@pytest.mark.parametrize("name", shipped_models())
def test_every_shipped_model_tells_whose_data_it_was_trained_on(name):
    model = shipped_models()[name]
    said = training_data(model.path.read_bytes(), read_settings(model.path).provenance)
    assert "CC BY" in said or "Creative Commons Attribution" in said


def test_what_a_model_says_itself_comes_first():
    assert training_data(MICRO.path.read_bytes(), {"attribution": "Of Ada"}) == "Of Ada"


@pytest.mark.parametrize("said", [7, None, "", " \n", ["Ada"]])
def test_a_model_of_others_may_say_anything(said):
    assert training_data(b"", {"attribution": said}) == ""
    assert "does not say on what data" in terms("")


def test_text_from_outside_is_plain():
    assert training_data(b"", {"attribution": "Of\x1b[2J Ada\r\n\nCC0"}) == "Of\\u001b[2J Ada\nCC0"


def test_a_model_made_from_a_shipped_one_takes_its_text_along():
    content = MICRO.path.read_bytes()
    own = with_training_data(content, {"seed": 1})
    assert own == {"seed": 1, "attribution": MICRO.card["data"]}
    assert training_data(content + b"another", own) == MICRO.card["data"]
    assert with_training_data(b"", {"seed": 1}) == {"seed": 1}
