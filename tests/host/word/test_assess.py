# SPDX-License-Identifier: Apache-2.0
"""A word is judged before it is trained: by its length, its frequency and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from stapes.corpus.lexicon import Entry, Lexicon
from stapes.corpus.mixture import Mixture
from stapes.corpus.phonemes import sounds_of
from stapes.corpus.synthesizers import EngineFailed
from stapes.errors import StapesError
from stapes.word import assess as module
from stapes.word.assess import alternatives, assess, check_text, clip_duration_ms

SAID = {"jarvis": "dʒɑːɹvɪs", "hey jarvis": "heɪdʒɑːɹvɪs", "okay jarvis": "oʊkeɪdʒɑːɹvɪs",
        "cat": "kæt", "hello jarvis": "həloʊdʒɑːɹvɪs", "computer": "kəmpjuːɾɚ"}  # fmt: skip


def transcribe(texts):
    return [SAID.get(text, text) for text in texts]


def listed(**per_hour):
    return Lexicon(
        source="wordfreq",
        entries=tuple(
            Entry(word=word, sounds=sounds_of(word), per_hour=often)
            for word, often in per_hour.items()
        ),
    )


@pytest.fixture
def often(monkeypatch):
    """How often people say a phrase in an hour of talk: `computer` twice, others never."""
    monkeypatch.setattr(module, "said_per_hour", lambda word: 2.0 if word == "computer" else 0.001)


def warnings(word, lexicon):
    return assess(word, lexicon=lexicon, transcribe=transcribe).warnings


def test_a_rare_word_of_six_sounds_without_neighbours_is_a_good_one(often):
    assert warnings("jarvis", listed(house=10)) == []


def test_a_short_word_is_warned_of(often):
    (only,) = warnings("cat", listed())
    assert "is short (1 syllable, 3 sounds)" in only


def test_a_frequent_word_is_warned_of(often):
    (only,) = warnings("computer", listed())
    assert "about 2 times in an hour of talk" in only


def test_frequent_neighbours_are_counted_and_named_the_most_frequent_first(often):
    lexicon = listed(dʒɑɹvɪz=2, tʃɑɹvɪs=7, dʒɑɹz=90)
    (only,) = warnings("jarvis", lexicon)
    assert "sounds nearly like tʃɑɹvɪs, dʒɑɹvɪz." in only and "about 9 times" in only
    assert warnings("jarvis", listed(dʒɑɹvɪz=2)) == []


def test_words_that_it_is_a_part_of_are_counted(often):
    lexicon = listed(kætəɡɔɹi=4, bəkæt=3, dɔɡ=50)
    found = warnings("cat", lexicon)
    assert len(found) == 2 and "is short" in found[0]
    assert "is a part of kætəɡɔɹi, bəkæt." in found[1] and "about 7 times" in found[1]
    assert len(warnings("cat", listed(kætəɡɔɹi=4))) == 1


def test_phrases_of_two_frequent_words_that_sound_nearly_like_it_are_counted(often):
    """300 and 60 times in 9000 words: together twice. One that is far away is not counted."""
    (only,) = warnings("jarvis", listed(dʒɑɹ=300, vɪz=60, dɔɡ=900))
    assert "sounds nearly like the phrases dʒɑɹ vɪz." in only and "about 2 times" in only
    assert warnings("jarvis", listed(dʒɑɹ=300, vɪz=6)) == []
    assert warnings("jarvis", listed(dɑɹ=300, vɪz=60)) == [], "two other sounds are too far away"


def test_a_phrase_does_not_sound_like_itself(often, monkeypatch):
    monkeypatch.setitem(SAID, "one more", "wʌnmɔːɹ")
    lexicon = Lexicon(source="wordfreq", entries=tuple(
        Entry(word=word, sounds=sounds_of(said), per_hour=300)
        for word, said in (("one", "wʌn"), ("more", "mɔɹ"))
    ))  # fmt: skip
    assert warnings("one more", lexicon) == []


def test_better_words_are_phrases_that_nothing_speaks_against(often):
    assert alternatives("jarvis", lexicon=listed(), transcribe=transcribe) == [
        "hey jarvis", "okay jarvis", "hello jarvis"
    ]  # fmt: skip
    lexicon = listed(heɪdʒɑɹvɪz=20)
    assert "hey jarvis" not in alternatives("jarvis", lexicon=lexicon, transcribe=transcribe)


def test_without_a_list_frequencies_are_not_claimed(often):
    judged = assess("computer", lexicon=Lexicon(source=""), transcribe=transcribe)
    assert judged.per_hour is None and judged.warnings == []


def test_letters_of_another_script_are_for_the_voices_of_another_language():
    check_text("café")
    check_text("привет", language="ru")
    with pytest.raises(StapesError, match="'п', which no English voice can read"):
        check_text("привет", language="en-gb")


def test_words_have_one_space_between_them():
    check_text("hey stapes")
    with pytest.raises(StapesError, match="found 'hey  stapes', expected letters, with single"):
        check_text("hey  stapes")


# ---- length


@dataclass(frozen=True)
class Hum:
    seconds: float
    dumb: tuple[str, ...] = ()

    def voices(self):
        return ["anna", "ben"]

    def say(self, text, speaker):
        if speaker.voice in self.dumb:
            raise EngineFailed(f"{speaker.voice}: is hoarse")
        return 0.4 * np.sin(np.arange(int(16000 * self.seconds)) / 20), 16000


@pytest.mark.parametrize(("seconds", "expected"), [(0.3, 1000), (0.75, 1000), (1.2, 1500)])
def test_a_clip_is_as_long_as_the_word_needs_and_a_second_at_least(seconds, expected):
    assert clip_duration_ms("word", Mixture(engines={"flite": Hum(seconds)})) == expected


def test_a_voice_that_fails_leaves_the_length_to_another():
    mixture = Mixture(engines={"flite": Hum(1.2, dumb=("anna",))})
    assert clip_duration_ms("word", mixture) == 1500


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (Hum(2.5), "takes 2.5 s to say slowly, expected at most 2 s"),
        (Hum(1, dumb=("anna", "ben")), r"no voice can say it \(anna: is hoarse\)"),
    ],
)
def test_what_is_too_long_or_cannot_be_said_is_refused(engine, message):
    with pytest.raises(StapesError, match=message):
        clip_duration_ms("word", Mixture(engines={"flite": engine}))
