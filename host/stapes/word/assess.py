# SPDX-License-Identifier: Apache-2.0
"""Is this a good word? What is said of a choice before hours go into it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stapes.corpus.lexicon import Entry, Lexicon, is_english, said_per_hour
from stapes.corpus.mixture import Mixture
from stapes.corpus.phonemes import Sounds, sounds_of, syllables
from stapes.corpus.speak import speak_word
from stapes.corpus.synthesizers import EngineFailed, Speaker
from stapes.errors import StapesError
from stapes.model.settings import check_label

Transcribe = Callable[[Sequence[str]], Sequence[str]]

LONGEST_MS = 2000
_SHORTEST_CLIP_MS, _MARGIN_MS, _STEP_MS = 1000, 250, 100
_SLOW = 125  # words per minute
_FEW_SOUNDS, _FEW_SYLLABLES = 5, 2
_OFTEN_PER_HOUR = 0.5
_NEAR = 1.0  # one sound, or two similar ones
_NEAR_PER_HOUR = 5.0
_SHOWN = 6
_COUNTED = 100  # longer words and phrases, at most
_BETTER = ("hey {}", "okay {}", "hello {}")


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What is known about a word before it is trained; `source`: which word list was used."""

    word: str
    sounds: Sounds
    per_hour: float | None
    near: tuple[Entry, ...]
    inside: tuple[Entry, ...]  # longer words that contain the word
    phrases: tuple[Entry, ...]  # of two words, that sound nearly like it
    source: str

    @property
    def warnings(self) -> list[str]:
        """Why it may be a bad choice, one text for each reason."""
        found = []
        count = syllables(self.sounds)
        if self.sounds and (len(self.sounds) < _FEW_SOUNDS or count < _FEW_SYLLABLES):
            found.append(
                f"{self.word}: is short ({_count(count, 'syllable')}, "
                f"{_count(len(self.sounds), 'sound')}). Short words are in many others."
            )
        if self.per_hour is not None and self.per_hour >= _OFTEN_PER_HOUR:
            found.append(
                f"{self.word}: people say it about {_times(self.per_hour)} in an hour of talk. The "
                "model will hear it then."
            )
        for said, others, least in (
            ("sounds nearly like", self.near, _NEAR_PER_HOUR),
            ("is a part of", self.inside, _NEAR_PER_HOUR),
            ("sounds nearly like the phrases", self.phrases, _OFTEN_PER_HOUR),
        ):
            often = sum(entry.per_hour or 0 for entry in others)
            if often >= least:
                words = ", ".join(entry.word for entry in others[:_SHOWN])
                found.append(
                    f"{self.word}: {said} {words}. People say such words about {_times(often)} in "
                    "an hour of talk."
                )
        return found


def assess(word: str, *, lexicon: Lexicon, transcribe: Transcribe) -> Assessment:
    """Assesses a word or phrase by its sounds and the word list."""
    sounds = sounds_of(transcribe([word])[0])
    near = [entry for entry, away in lexicon.near(sounds) if away <= _NEAR]
    near.sort(key=lambda entry: -(entry.per_hour or 0))
    phrases = lexicon.phrases(sounds, away=_NEAR, most=_COUNTED)
    counted = said_per_hour(word) if lexicon.source == "wordfreq" else None
    return Assessment(
        word=word,
        sounds=sounds,
        per_hour=counted,
        near=tuple(near),
        inside=tuple(lexicon.containing(sounds, most=_COUNTED)),
        phrases=tuple(entry for entry in phrases if entry.word != word.lower()),
        source=lexicon.source,
    )


def alternatives(word: str, *, lexicon: Lexicon, transcribe: Transcribe) -> list[str]:
    """Phrases with the word that have no warnings."""
    longer = [form.format(word) for form in _BETTER]
    return [
        text for text in longer if not assess(text, lexicon=lexicon, transcribe=transcribe).warnings
    ]


def check_text(word: str, *, language: str = "en") -> None:
    """Checks that a word has only letters (in English, Latin letters), with spaces, hyphens and
    apostrophes between them.

    Raises:
        StapesError: something else is in the word, or it is too long.
    """
    odd = next((letter for letter in word if not (letter.isalpha() or letter in " -'’")), "")
    if odd or "  " in word or not (word[:1].isalpha() and word[-1:].isalpha()):
        found = f"{odd!r} in {word!r}" if odd else repr(word)
        raise StapesError(
            f"word: found {found}, expected letters, with single spaces between words; write it as "
            "one says it"
        )
    check_label(word)
    foreign = [letter for letter in word if letter.isalpha() and not _is_latin(letter)]
    if is_english(language) and foreign:  # espeak-ng says "Chinese letter" then
        raise StapesError(
            f"word {word!r}: found {foreign[0]!r}, which no English voice can read, expected "
            "letters from a to z; write it as it sounds, or choose its --language"
        )


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


def clip_duration_ms(word: str, mixture: Mixture) -> int:
    """The length of a clip in which the word fits when it is spoken slowly: in steps of 100 ms,
    1000 or more.

    Raises:
        StapesError: no voice can say the word, or it takes longer than 2 s.
    """
    reasons = []
    for voice in mixture.voices():
        speaker = Speaker(voice=voice, pitch=50, words_per_minute=_SLOW)
        try:
            sound = speak_word(word, speaker, synthesizer=mixture, sample_rate=16000)
        except EngineFailed as error:
            reasons.append(str(error))
            continue
        needed = len(sound) / 16
        if needed > LONGEST_MS:
            raise StapesError(
                f"word {word!r}: takes {needed / 1000:.1f} s to say slowly, expected at most "
                f"{LONGEST_MS / 1000:g} s; choose a shorter one"
            )
        return max(_SHORTEST_CLIP_MS, _STEP_MS * math.ceil((needed + _MARGIN_MS) / _STEP_MS))
    raise StapesError(
        f"word {word!r}: no voice can say it ({reasons[0]}), expected one; write it in letters, as "
        "one says it"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _times(per_hour: float) -> str:
    return f"{per_hour:.0f} times" if per_hour >= 1.5 else "once"
