# SPDX-License-Identifier: Apache-2.0
"""What talk says: whole sentences, rows of words, and never a word that must not be in it."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from stapes.corpus import talk_texts
from stapes.corpus.talk_texts import load_texts, sentences_of
from stapes.errors import StapesError

COUNTED = [("often", 900.0), ("seldom", 9.0), ("computer", 90.0), ("computers", 9.0)]


@pytest.fixture
def listed(monkeypatch):
    monkeypatch.setattr(talk_texts, "common_words", lambda language: COUNTED)


def read(found, count, *, seed=0):
    return list(itertools.islice(found.read(np.random.default_rng(seed)), count))


def test_a_text_is_read_in_sentences():
    assert sentences_of("# a note\nOne. Two is\nlonger! Three? ...") == [
        "One.", "Two is longer!", "Three?"
    ]  # fmt: skip


def test_a_sentence_comes_again_when_all_others_have_come(tmp_path):
    (tmp_path / "text.txt").write_text("One. Two. Three.")
    found = load_texts(str(tmp_path / "text.txt"))
    first, second = read(found, 3), read(found, 6)[3:]
    assert sorted(first) == ["One.", "Three.", "Two."] and second == first
    assert read(found, 3, seed=1) != first


def test_rows_are_words_about_as_often_as_people_say_them(listed):
    found = load_texts(rows_percent=100, without=("computer",))
    rows = read(found, 300)
    words = " ".join(row.lower().rstrip(".") for row in rows).split()
    assert set(words) == {"often", "seldom"}
    assert all(4 <= len(row.split()) <= 9 and row[0].isupper() and row[-1] == "." for row in rows)
    rarer = words.count("seldom") / words.count("often")
    assert rarer == pytest.approx(0.01**0.75, rel=0.3)


def test_some_are_rows_and_the_others_sentences(listed, tmp_path):
    (tmp_path / "text.txt").write_text("This is read.")
    found = read(load_texts(str(tmp_path / "text.txt"), rows_percent=30), 1000)
    assert found.count("This is read.") == pytest.approx(700, abs=60)


def test_without_a_list_rows_are_of_the_words_of_the_sentences(monkeypatch, tmp_path):
    monkeypatch.setattr(talk_texts, "common_words", lambda language: [])
    (tmp_path / "text.txt").write_text("Vögel singen. Sie singen laut, am Tag.")
    found = load_texts(str(tmp_path / "text.txt"), rows_percent=100, language="de")
    words = set(" ".join(read(found, 100)).lower().replace(".", "").split())
    assert words == {"vögel", "singen", "sie", "laut", "am", "tag"}


@pytest.mark.parametrize(
    ("sentence", "held"),
    [
        ("The Computer is on.", True),
        ("Two computers.", True),
        ("The computer's fan.", True),
        ("The computer’s fan.", True),
        ("Well, okay stapes, go on.", True),
        ("Okay, stapes!", False),
        ("Computerised.", False),
        ("Minicomputer.", False),
    ],
)
def test_what_holds_a_word_is_left_out(tmp_path, sentence, held):
    (tmp_path / "text.txt").write_text(f"{sentence} And more.")
    found = load_texts(str(tmp_path / "text.txt"), without=("computer", "okay stapes"))
    assert (sentence not in found.sentences) == held
    assert "And more." in found.sentences


def test_no_word_comes_far_more_often_in_the_bundled_sentences_than_in_talk():
    words = re.findall(r"[a-z]{4,}", " ".join(load_texts().sentences).lower())
    often = max(set(words), key=words.count)
    assert words.count(often) < 0.03 * len(words), often


def test_a_text_without_sentences_is_refused(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("# nothing else\n")
    with pytest.raises(StapesError, match=r"text\.txt: found no sentences, expected some"):
        load_texts(str(path))
    path.write_text("Say computer.")
    with pytest.raises(StapesError, match=r"text\.txt: found no sentences without computer,"):
        load_texts(str(path), without=("computer",))
