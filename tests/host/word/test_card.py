# SPDX-License-Identifier: Apache-2.0
"""A card says how its model was tested, and what is not known."""

from __future__ import annotations

from pathlib import Path

from stapes.word.card import to_markdown

FIGURES = {
    "words": 40,
    "speakers": 12,
    "false_reject_rate": 0.05,
    "false_reject_rate_95": [0.01, 0.12],
}
TALK = {"hours": 0.5, "false_accepts": 1, "false_accepts_per_hour": 2.0,
        "false_accepts_per_hour_95": [0.05, 11.1]}  # fmt: skip


def card(**values):
    return {
        "words": ["jarvis"],
        "model_bytes": 47_792,
        "threshold": 0.9,
        "warnings": [],
        "training_seconds": 3600,
        "tested_with_voices": ["flite:rms", "espeak:en-us+f3", "espeak:en-gb+f3"],
        "speech_of_people": False,
        "talk": TALK,
        "other_sounds": None,
        "words_by": {"synthetic voices": FIGURES},
        "at_rates": {"2": {"threshold": 0.85, "synthetic voices": [0.04, 0.01, 0.1]}},
        **values,
    }


def text(**values):
    return to_markdown(card(**values), output=Path("out/jarvis.tflite"))


def test_without_recordings_it_says_that_people_are_unknown():
    said = text()
    assert "No recordings of people. How well it hears people is not known" in said
    assert "0.50 hours of talk without the word, by synthetic voices alone" in said
    assert "flite rms, espeak-ng f3." in said, "each voice once"


def test_few_people_are_called_few_and_many_are_not():
    few = text(words_by={"synthetic voices": FIGURES,
                         "recordings of people": {**FIGURES, "speakers": 9}},
               at_rates={})  # fmt: skip
    assert "* 9 people are few" in few and "No recordings of people" not in few
    many = text(
        words_by={"synthetic voices": FIGURES, "recordings of people": FIGURES}, at_rates={}
    )
    assert "recordings of 12 people that were not trained with" in many
    assert "people are few" not in many


def test_a_short_test_says_below_what_it_is_blind():
    assert "cannot tell rates below 6.0 false accepts an hour from none" in text()
    assert "cannot tell rates" not in text(talk={**TALK, "hours": 7.0})


def test_other_sounds_have_their_own_line_or_are_said_to_be_unknown():
    assert "What it does at music, in a kitchen or in a street is not known." in text()
    said = text(other_sounds={**TALK, "hours": 0.25, "false_accepts": 0})
    assert "0.25 hours of other sounds without speech that were not trained with" in said
    assert "0 false accepts in 0.25 hours of other sounds:" in said
    assert "is not known. Pass" not in said


def test_rates_that_no_threshold_reached_are_not_reached():
    said = text()
    assert "| 0.5 | - | not reached |" in said
    assert "| 2 | 0.850 | 4.0% (1.0 to 10.0%) |" in said


def test_warnings_and_the_way_to_a_board_are_there():
    said = text(warnings=["Warning: cat: is short."])
    assert "* Warning: cat: is short." in said
    assert "stapes flash --board nrf52840dk jarvis.tflite" in said
