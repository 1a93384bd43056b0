# SPDX-License-Identifier: Apache-2.0
"""Near misses by sound, from a word list and invented. The sounds were worked out by hand."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from stapes.corpus import lexicon as lexicon_module
from stapes.corpus.lexicon import Entry, Lexicon, load_lexicon, said_per_hour
from stapes.corpus.near_misses import near_sounds
from stapes.corpus.phonemes import distance, sounds_of
from stapes.corpus.synthesizers import Espeak

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
SAID = {"cat": "kæt", "cut": "kʌt", "cap": "kæp", "cats": "kæts", "dog": "dɔɡ", "kat": "kæt",
        "the": "ðə", "category": "kætᵻɡɔːɹi", "house": "haʊs"}  # fmt: skip


def entries(*words):
    return tuple(Entry(word=word, sounds=sounds_of(SAID[word]), per_hour=1.0) for word in words)


LIST = Lexicon(source="a list", entries=entries(*SAID))


def transcribe(texts):
    """The list's words as people say them; invented words letter by letter."""
    return [SAID.get(text, text) for text in texts]


def test_words_near_a_word_come_with_their_distance_and_the_nearest_first():
    near = LIST.near(sounds_of("kæt"))
    assert [(entry.word, away) for entry, away in near] == [
        ("cut", 0.5), ("cap", 0.5), ("cats", 1.0)
    ]  # fmt: skip
    assert LIST.near(()) == []


def test_words_that_hold_a_word_are_longer():
    assert [entry.word for entry in LIST.containing(sounds_of("kæt"))] == ["cats", "category"]


def test_near_misses_are_real_words_first_and_then_made_up():
    found = near_sounds("cat", 9, lexicon=LIST, transcribe=transcribe)
    assert found[:3] == ["cut", "cap", "category"]
    assert len(found) == len(set(found)) == 9
    made_up = found[3:]
    assert all(distance(sounds_of("kæt"), sounds_of(text)) >= 1 for text in made_up)
    assert near_sounds("cat", 9, lexicon=LIST, transcribe=transcribe) == found


def test_who_says_the_plural_has_said_the_word_and_what_sounds_the_same_is_the_same():
    found = near_sounds("cat", 20, lexicon=LIST, transcribe=transcribe)
    assert not {"cats", "kat", "cat"} & set(found)


def test_other_wanted_words_are_no_near_misses():
    assert "cap" in near_sounds("cat", 9, lexicon=LIST, transcribe=transcribe)
    found = near_sounds("cat", 9, lexicon=LIST, transcribe=transcribe, avoid=["cap"])
    assert "cap" not in found and "cut" in found


def test_without_sounds_there_are_no_near_misses():
    assert near_sounds("cat", 5, lexicon=LIST, transcribe=lambda texts: [""] * len(texts)) == []


@needs_espeak
def test_what_is_made_up_is_heard_as_meant():
    espeak = Espeak(language="en-us")
    found = near_sounds("jarvis", 8, lexicon=Lexicon(source=""), transcribe=espeak.transcriptions)
    assert len(found) == 8
    wanted, *others = map(sounds_of, espeak.transcriptions(["jarvis", *found]))
    assert all(1.5 <= distance(wanted, sounds) <= 2 for sounds in others)


@needs_espeak
def test_many_texts_are_transcribed_as_one_by_one():
    espeak = Espeak(language="en-us")
    texts = ["hey stapes", "jarvis", "it's", "a\nb"]
    one_by_one = [espeak.phonemes(" ".join(text.split())) for text in texts]
    assert espeak.transcriptions(texts) == one_by_one


# ---- the list


def test_the_systems_list_is_used_where_there_is_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    words = tmp_path / "words"
    words.write_text("Anna\ncat\ncut\nit's\n")
    monkeypatch.setattr(lexicon_module, "SYSTEM_LIST", words)
    found = load_lexicon(transcribe)
    assert (found.source, [entry.word for entry in found.entries]) == (str(words), ["cat", "cut"])
    assert found.entries[0].per_hour is None and said_per_hour("cat") is None


@pytest.mark.parametrize("language", ["de", "en"])
def test_without_a_list_it_is_empty(tmp_path, monkeypatch, language):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(lexicon_module, "SYSTEM_LIST", tmp_path / "none")
    assert load_lexicon(transcribe, language=language) == Lexicon(source="")


def test_the_list_knows_how_often_a_word_is_said():
    pytest.importorskip("wordfreq")
    found = load_lexicon(lambda words: words)
    assert found.source == "wordfreq" and len(found.entries) > 5000
    the = next(entry for entry in found.entries if entry.word == "the")
    assert 300 < the.per_hour < 700, "one word in twenty of 9,000"
    assert said_per_hour("the") == the.per_hour > 100 * said_per_hour("jarvis")
