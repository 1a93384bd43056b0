# SPDX-License-Identifier: Apache-2.0
"""English words, how often each is said, and which of them sound like a wanted one.

The list is that of the package wordfreq (code Apache-2.0, data CC BY-SA 4.0), or else the system's
/usr/share/dict/words, which knows no frequencies.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stapes.corpus.phonemes import Sounds, distance, sounds_of

WORDS_PER_HOUR = 9000  # of talk: 150 a minute
LISTED = 8000  # of the most frequent words
FREQUENT = 1000  # of the most frequent words; phrases are made of these
SYSTEM_LIST = Path("/usr/share/dict/words")
_NEAR_PER_SOUND = 0.34  # two words are near up to this distance for each sound of the wanted one


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A word, its sounds and how often it comes in an hour of talk; None where nobody counted."""

    word: str
    sounds: Sounds
    per_hour: float | None


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """Words of a language, the most frequent first; `source` says whose list it is, "" for none."""

    source: str
    entries: tuple[Entry, ...] = ()

    def near(self, sounds: Sounds, *, most: int = 40) -> list[tuple[Entry, float]]:
        """Words that sound similar to `sounds`, the nearest first, with their distances; without
        words that sound exactly the same."""
        if not sounds:
            return []
        limit = max(1.0, _NEAR_PER_SOUND * len(sounds))
        found = [
            (entry, away)
            for entry in self.entries
            if abs(len(entry.sounds) - len(sounds)) <= limit
            and 0 < (away := distance(sounds, entry.sounds)) <= limit
        ]
        return sorted(found, key=lambda pair: pair[1])[:most]

    def containing(self, sounds: Sounds, *, most: int = 10) -> list[Entry]:
        """Longer words that contain these sounds."""
        size = len(sounds)

        def inside(longer: Sounds) -> bool:
            places = range(len(longer) - size + 1)
            return len(longer) > size and any(longer[at : at + size] == sounds for at in places)

        return [entry for entry in self.entries if inside(entry.sounds)][:most] if size else []

    def phrases(self, sounds: Sounds, *, away: float, most: int = 10) -> list[Entry]:
        """Pairs of frequent words that together sound like `sounds`, the most frequent first. Their
        frequency is computed as if the two words did not depend on each other."""
        frequent = [entry for entry in self.entries[:FREQUENT] if entry.per_hour]
        found = [
            Entry(
                word=f"{first.word} {second.word}",
                sounds=(*first.sounds, *second.sounds),
                per_hour=(first.per_hour or 0) * (second.per_hour or 0) / WORDS_PER_HOUR,
            )
            for place in range(1, len(sounds))
            for first, apart in _within(frequent, sounds[:place], away)
            for second, _ in _within(frequent, sounds[place:], away - apart)
        ]
        once = {entry.word: entry for entry in found}.values()
        return sorted(once, key=lambda entry: -(entry.per_hour or 0))[:most]


def _within(entries: Sequence[Entry], sounds: Sounds, away: float) -> list[tuple[Entry, float]]:
    """The entries at most `away` from `sounds`, with their distances."""
    near = [entry for entry in entries if abs(len(entry.sounds) - len(sounds)) <= away]
    pairs = ((entry, distance(sounds, entry.sounds)) for entry in near)
    return [pair for pair in pairs if pair[1] <= away]


def is_english(language: str) -> bool:
    """Whether espeak-ng's name of a language, such as "en-gb", is one of English."""
    return language.split("-")[0] == "en"


def load_lexicon(
    transcribe: Callable[[Sequence[str]], Sequence[str]], *, language: str = "en"
) -> Lexicon:
    """The list of this machine, with its sounds; empty for other languages or without a list.

    Args:
        transcribe: gives the pronunciation of each word, or "" if it is not known.
    """
    source, counted = _listed(language)
    words = [word for word, _ in counted]
    entries = [
        Entry(word=word, sounds=sounds, per_hour=per_hour)
        for (word, per_hour), text in zip(counted, transcribe(words), strict=True)
        if (sounds := sounds_of(text))
    ]
    return Lexicon(source=source if entries else "", entries=tuple(entries))


def common_words(language: str = "en") -> list[tuple[str, float | None]]:
    """The words of this machine's list, the most frequent first, and how often each comes in an
    hour of talk (None where nobody counted); none for other languages or without a list."""
    return _listed(language)[1]


def _listed(language: str) -> tuple[str, list[tuple[str, float | None]]]:
    """Whose list it is, and its words."""
    if not is_english(language):
        return "", []
    return _wordfreq() or _system_list() or ("", [])


def said_per_hour(word: str) -> float | None:
    """How often a word or phrase comes in an hour of talk, by wordfreq; None without wordfreq."""
    if importlib.util.find_spec("wordfreq") is None:
        return None
    from wordfreq import word_frequency

    return float(word_frequency(word, "en")) * WORDS_PER_HOUR


def _wordfreq() -> tuple[str, list[tuple[str, float | None]]] | None:
    if importlib.util.find_spec("wordfreq") is None:
        return None
    from wordfreq import top_n_list, word_frequency

    words = [word for word in top_n_list("en", LISTED) if _is_word(word)]
    return "wordfreq", [(word, word_frequency(word, "en") * WORDS_PER_HOUR) for word in words]


def _system_list() -> tuple[str, list[tuple[str, float | None]]] | None:
    try:
        lines = SYSTEM_LIST.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    words = [word for word in lines if _is_word(word) and word.islower()]
    step = max(1, len(words) // LISTED)
    return str(SYSTEM_LIST), [(word, None) for word in words[::step]]


def _is_word(text: str) -> bool:
    """Whether a text has only letters. A single letter other than "a" and "i" is no word: mostly it
    is the rest of an abbreviation."""
    return text.isalpha() and text.isascii() and (len(text) > 1 or text in ("a", "i"))
