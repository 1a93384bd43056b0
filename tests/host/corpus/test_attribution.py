# SPDX-License-Identifier: Apache-2.0
"""Whose data a model is trained on."""

from __future__ import annotations

import pytest

from stapes.corpus.attribution import attribution_of, together
from stapes.errors import StapesError


def note(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ATTRIBUTION.txt").write_text(text, encoding="utf-8")


def test_every_folder_of_data_says_whose_it_is(tmp_path):
    note(tmp_path / "clips", "Of Ada,\n  CC BY 4.0\n")
    note(tmp_path / "clips" / "_background_noise_", "Of Bob, CC0")
    note(tmp_path / "clips" / "yes", "no folder of sounds by others")
    note(tmp_path / "hard", "Of Ada, CC BY 4.0")
    (tmp_path / "plain").mkdir()
    told = attribution_of(tmp_path / "clips", tmp_path / "hard", tmp_path / "plain")
    assert told == "Of Ada, CC BY 4.0\nOf Bob, CC0"


def test_folders_that_say_nothing_say_nothing(tmp_path):
    note(tmp_path, " \n")
    assert attribution_of(tmp_path) == ""


def test_a_text_that_is_too_long_for_a_model_is_refused(tmp_path):
    note(tmp_path, "x" * 2001)
    with pytest.raises(StapesError, match="found 2001 characters, expected 2000 at most"):
        attribution_of(tmp_path)


def test_texts_of_two_sources_are_one_with_no_line_twice():
    assert together("", "Of Ada\nOf Bob", "Of Bob\nOf Eve") == "Of Ada\nOf Bob\nOf Eve"
    assert together("", "") == ""
