# SPDX-License-Identifier: Apache-2.0
"""The sounds of words: how near two words are, which sounds are near a word, how to spell them.

Sounds are those of the International Phonetic Alphabet as espeak-ng writes them, without stress and
length: "dʒˈɑːɹvɪs" is dʒ ɑ ɹ v ɪ s.
"""

from __future__ import annotations

from collections.abc import Iterator

Sounds = tuple[str, ...]

_PAIRS = ("tʃ", "dʒ", "eɪ", "aɪ", "ɔɪ", "aʊ", "oʊ", "əʊ", "ɪə", "eə", "ʊə")
_LETTERS = {"ɡ": "g", "ɾ": "t", "ɫ": "l", "ɐ": "ʌ", "ᵻ": "ɪ", "ɝ": "ɚ", "ɜ": "ɚ", "e": "ɛ",
            "ɒ": "ɑ", "a": "æ", "o": "ɔ", "r": "ɹ", "ʔ": "t"}  # fmt: skip
# Sounds that are easily taken for one another.
_GROUPS = ("p b", "t d", "k g", "f v θ ð", "s z θ", "ʃ ʒ tʃ dʒ s", "m n ŋ", "l ɹ w", "w v", "j ɪ",
           "i ɪ eɪ", "ɪ ɛ ə", "ɛ æ eɪ", "æ ʌ ɑ", "ʌ ə ɑ ʊ", "ɑ ɔ aɪ aʊ", "ɔ oʊ əʊ ɔɪ", "u ʊ oʊ",
           "ə ɚ", "aɪ eɪ ɔɪ", "h f", "b d g", "p t k", "b v")  # fmt: skip
_SPELLING = {"θ": "th", "ð": "th", "ʃ": "sh", "ʒ": "zh", "tʃ": "ch", "dʒ": "j", "ŋ": "ng",
             "ɹ": "r", "j": "y", "ɪ": "i", "i": "ee", "ɛ": "e", "æ": "a", "ʌ": "u", "ɑ": "ah",
             "ɔ": "aw", "ʊ": "oo", "u": "oo", "ə": "a", "ɚ": "er", "eɪ": "ay", "aɪ": "y",
             "ɔɪ": "oy", "aʊ": "ow", "oʊ": "oh", "əʊ": "oh", "ɪə": "eer", "eə": "air",
             "ʊə": "oor"}  # fmt: skip
_VOWELS = frozenset((*"ɪiɛæʌɑɔʊuəɚɨyøœɯɤ", *_PAIRS[2:]))
_SIMILAR_COST = 0.5


def sounds_of(transcription: str) -> Sounds:
    """The sounds of what espeak-ng writes; () for nothing."""
    plain = "".join(letter for letter in transcription if letter.isalpha() and letter not in "ˈˌːˑ")
    found, place = [], 0
    while place < len(plain):
        size = 2 if plain[place : place + 2] in _PAIRS else 1
        sound = plain[place : place + size]
        found.append(_LETTERS.get(sound, sound))
        place += size
    return tuple(found)


def syllables(sounds: Sounds) -> int:
    """Vowels, each of which is the middle of a syllable."""
    return sum(sound in _VOWELS for sound in sounds)


def distance(one: Sounds, other: Sounds) -> float:
    """How far apart two words are: a sound that is added, missing or different counts 1, a similar
    sound counts 0.5."""
    row = [float(place) for place in range(len(other) + 1)]
    for number, sound in enumerate(one, start=1):
        last, row = row, [float(number)]
        for place, against in enumerate(other):
            exchanged = last[place] + _cost(sound, against)
            row.append(min(exchanged, last[place + 1] + 1, row[place] + 1))
    return row[-1]


def _cost(one: str, other: str) -> float:
    if one == other:
        return 0.0
    return _SIMILAR_COST if other in _similar(one) else 1.0


def _similar(sound: str) -> list[str]:
    """Sounds like this one, the nearest first."""
    groups = [group.split() for group in _GROUPS]
    near = [other for group in groups if sound in group for other in group if other != sound]
    return list(dict.fromkeys(near))


def neighbours(sounds: Sounds) -> Iterator[Sounds]:
    """Sounds that people may take for these: one changed, one left out at an end, two changed."""
    changes = [
        (place, similar) for place, sound in enumerate(sounds) for similar in _similar(sound)
    ]
    for place, similar in changes:
        yield _with(sounds, place, similar)
    if len(sounds) > 3:
        yield sounds[1:]
        yield sounds[:-1]
    for number, (place, similar) in enumerate(changes):
        for other, again in changes[number + 1 :]:
            if other != place:
                yield _with(_with(sounds, place, similar), other, again)


def _with(sounds: Sounds, place: int, sound: str) -> Sounds:
    return (*sounds[:place], sound, *sounds[place + 1 :])


def spelled(sounds: Sounds) -> str:
    """Letters that an English reader would pronounce more or less like these sounds."""
    return "".join(_SPELLING.get(sound, sound) for sound in sounds)
