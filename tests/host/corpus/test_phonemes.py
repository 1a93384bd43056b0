# SPDX-License-Identifier: Apache-2.0
"""Sounds of words: split, compared, changed, written. The results were worked out by hand."""

from __future__ import annotations

from itertools import islice

import pytest

from stapes.corpus.phonemes import distance, neighbours, sounds_of, spelled, syllables

JARVIS = ("dʒ", "ɑ", "ɹ", "v", "ɪ", "s")


@pytest.mark.parametrize(
    ("transcription", "sounds"),
    [
        ("dʒˈɑːɹvɪs", JARVIS),
        ("hˈeɪ stˈeɪps", ("h", "eɪ", "s", "t", "eɪ", "p", "s")),
        ("tʃˈeɪndʒ", ("tʃ", "eɪ", "n", "dʒ")),
        ("wˈɔːɾɚ", ("w", "ɔ", "t", "ɚ")),
        ("", ()),
        ("(en)ˈ ", ("ɛ", "n")),
    ],
)
def test_a_transcription_is_its_sounds_without_stress_and_length(transcription, sounds):
    assert sounds_of(transcription) == sounds


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("dʒɑːɹvɪs", "dʒɑːɹvɪs", 0),
        ("dʒɑːɹvɪs", "dʒɑːɹvɪz", 0.5),  # s and z differ only in the voice
        ("dʒɑːɹvɪs", "tʃɑːɹfɪs", 1.0),  # two similar ones
        ("dʒɑːɹvɪs", "ɑːɹvɪs", 1),  # one left out
        ("dʒɑːɹvɪs", "hɑːɹnɪs", 2),  # the harness: dʒ and h, v and n
        ("kæt", "kæts", 1),
        ("", "kæt", 3),
    ],
)
def test_distances_worked_by_hand(one, other, expected):
    assert distance(sounds_of(one), sounds_of(other)) == expected
    assert distance(sounds_of(other), sounds_of(one)) == expected


def test_neighbours_are_changes_of_one_then_cuts_then_changes_of_two():
    single = [sounds for sounds in neighbours(JARVIS) if 0 < distance(JARVIS, sounds) <= 0.5]
    assert ("tʃ", *JARVIS[1:]) in single and (*JARVIS[:-1], "z") in single
    found = list(neighbours(JARVIS))
    cuts = [found.index(JARVIS[1:]), found.index(JARVIS[:-1])]
    assert cuts == [len(single), len(single) + 1]
    assert all(distance(JARVIS, sounds) == 1 for sounds in found[len(single) :])
    assert JARVIS not in found and len(set(found)) > 100
    assert list(islice(neighbours(JARVIS), 5)) == found[:5], "the same at every call"


def test_a_spelling_is_what_an_english_reader_speaks():
    assert spelled(JARVIS) == "jahrvis"
    assert spelled(sounds_of("ʃˈiːp")) == "sheep"
    assert spelled(sounds_of("kˈeɪk")) == "kayk"


@pytest.mark.parametrize(("text", "count"), [("dʒɑːɹvɪs", 2), ("æθiːnə", 3), ("kæt", 1), ("", 0)])
def test_a_syllable_has_a_vowel(text, count):
    assert syllables(sounds_of(text)) == count
