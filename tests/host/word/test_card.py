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
        "recordings": {"tested": 40, "trained": 60, "speakers_named": True},
        "tested_with_voices": ["flite:rms", "espeak:en-us+f3", "espeak:en-gb+f3"],
        "speech_of_people": False,
        "talk": TALK,
        "synthetic_sounds": {**TALK, "hours": 0.1, "false_accepts": 3},
        "other_sounds": None,
        "words_by": {"synthetic voices": FIGURES},
        "at_rates": {"2": {"threshold": 0.85, "synthetic voices": [0.04, 0.01, 0.1]}},
        **values,
    }


NO_RECORDINGS = {"tested": 0, "trained": 0, "speakers_named": True}


def text(**values):
    return to_markdown(card(**values), output=Path("out/jarvis.tflite"))


def test_without_recordings_it_says_that_people_are_unknown():
    said = text(recordings=NO_RECORDINGS)
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


def test_recordings_that_were_all_trained_with_are_no_test():
    said = text(recordings={"tested": 0, "trained": 7, "speakers_named": True})
    assert "All 7 recordings of people were trained with" in said
    assert "How well it hears other people is not known" in said
    assert "No recordings of people." not in said


def test_recordings_without_speakers_are_not_called_people():
    by = {"synthetic voices": FIGURES, "recordings of people": {**FIGURES, "speakers": 150}}
    said = text(
        words_by=by,
        at_rates={},
        recordings={"tested": 150, "trained": 234, "speakers_named": False},
    )
    assert "* 150 recordings of people that were not trained with. Their names do not tell" in said
    assert "some of these people may have been trained with" in said
    assert "of 150 people" not in said and "people are few" not in said


def test_a_short_test_says_below_what_it_is_blind():
    assert "cannot tell rates below 6.0 false accepts an hour from none" in text()
    assert "cannot tell rates" not in text(talk={**TALK, "hours": 7.0})


def test_other_sounds_have_their_own_line_or_are_said_to_be_unknown():
    assert "What it does at real music, in a kitchen or in a street is not known." in text()
    said = text(other_sounds={**TALK, "hours": 0.25, "false_accepts": 0})
    assert "0.25 hours of recorded sounds without speech that were not trained with" in said
    assert "0 false accepts in 0.25 hours of recorded sounds:" in said
    assert "is not known. Pass" not in said


def test_synthetic_sounds_are_told_apart_from_recorded_ones():
    said = text(other_sounds={**TALK, "hours": 0.25, "false_accepts": 0})
    assert "* 0.10 hours of synthetic sounds, such as music, barks and dishes." in said
    assert "3 false accepts in 0.10 hours of synthetic sounds:" in said


def test_rates_that_no_threshold_reached_are_not_reached():
    said = text()
    assert "| 0.5 | - | not reached |" in said
    assert "| 2 | 0.850 | 4.0% (1.0 to 10.0%) |" in said


def test_the_interval_of_what_is_lost_is_over_speakers_and_said_to_be():
    assert "| synthetic voices | 40 | 5.0% | 1.0 to 12.0% |" in text()
    assert "Intervals are over speakers." in text()


def test_warnings_and_the_way_to_a_board_are_there():
    said = text(warnings=["Warning: cat: is short."])
    assert "* Warning: cat: is short." in said
    assert "stapes flash --board nrf52840dk jarvis.tflite" in said
