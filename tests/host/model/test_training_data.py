# SPDX-License-Identifier: Apache-2.0
"""Whose data a model was trained on: the model says it."""

from __future__ import annotations

import pytest

from stapes.model.metadata import read_settings
from stapes.model.shipped import shipped_models
from stapes.model.training_data import terms, training_data


@pytest.mark.parametrize("name", shipped_models())
def test_every_shipped_model_tells_whose_data_it_was_trained_on(name):
    said = training_data(read_settings(shipped_models()[name].path).provenance)
    assert "Pete Warden" in said and "Creative Commons Attribution" in said


@pytest.mark.parametrize("provenance", [{}, *({"attribution": said} for said in (7, None, " \n"))])
def test_a_model_of_others_may_say_anything(provenance):
    assert training_data(provenance) == ""
    assert "does not say on what data" in terms("")


def test_text_from_outside_is_plain():
    assert training_data({"attribution": "Of\x1b[2J Ada\r\n\nCC0"}) == "Of\\u001b[2J Ada\nCC0"
