# SPDX-License-Identifier: Apache-2.0
"""Words that sound nearly like a wanted one: the unknown class needs them to be of use.

`near_misses` works on letters: parts of a phrase, cut words, and words with one letter exchanged
for a similar one. `near_sounds` works on sounds, where espeak-ng can tell them: words of a list,
and made-up ones with one or two sounds exchanged, written so that every engine can read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from stapes.corpus.lexicon import Entry, Lexicon
from stapes.corpus.phonemes import Sounds, distance, neighbours, sounds_of, spelled

_SIMILAR = {
    "b": "p", "p": "b", "d": "t", "t": "d", "g": "k", "k": "g", "c": "g", "q": "g",
    "f": "v", "v": "f", "s": "z", "z": "s", "m": "n", "n": "m", "l": "r", "r": "l",
    "w": "v", "y": "w", "h": "f", "j": "ch", "x": "ks",
    "a": "o", "e": "a", "i": "e", "o": "u", "u": "a", "ä": "a", "ö": "o", "ü": "u",
}  # fmt: skip
_SHORTEST_PART = 3
NEAREST, NEAREST_SHORT = 1.5, 1.0  # least distances of made-up words: of long and of short ones
_SHORT = 4  # sounds
_TRIES = 300  # made-up words that are looked at


def near_misses(
    word: str,
    count: int,
    *,
    avoid: Sequence[str] = (),
    phonemes: Callable[[str], str] = lambda text: "",
) -> list[str]:
    """Up to `count` near misses of a word or phrase, the nearest first; the same at every call.

    Args:
        avoid: words that must not come out.
        phonemes: gives the pronunciation of a text. A text that sounds like the word or like one of
            `avoid` is left out. If it gives "", only the spelling decides.
    """
    taken = {_plain(text) for text in (word, *avoid)}
    sounds = {sound for text in (word, *avoid) if (sound := phonemes(_plain(text)))}
    found: list[str] = []
    for candidate in _candidates(_plain(word)):
        if len(found) == count:
            break
        if len(candidate) < 2 or candidate in taken or (sound := phonemes(candidate)) in sounds:
            continue
        taken.add(candidate)
        sounds |= {sound} - {""}
        found.append(candidate)
    return found


def near_sounds(
    word: str,
    count: int,
    *,
    lexicon: Lexicon,
    transcribe: Callable[[Sequence[str]], Sequence[str]],
    avoid: Sequence[str] = (),
) -> list[str]:
    """Up to `count` near misses by sound; two thirds are real words if there are enough of them.

    Made-up words nearer than NEAREST are left out: people say the word itself with such
    differences.

    Args:
        transcribe: gives the pronunciation of each text.
        avoid: these words and words that sound like them must not come out.
    """
    heard = [sounds_of(text) for text in transcribe([_plain(text) for text in (word, *avoid)])]
    wanted, taken = heard[0], set(heard)
    if not wanted:
        return []
    found: list[str] = []
    for entry in _real(wanted, lexicon):
        if entry.sounds not in taken and len(found) < -(-2 * count // 3):
            taken.add(entry.sounds)
            found.append(entry.word)
    nearest = NEAREST if len(wanted) > _SHORT else NEAREST_SHORT
    tries = [spelled(sounds) for sounds in islice(neighbours(wanted), _TRIES)]
    tries = list(dict.fromkeys(tries))
    order = np.random.default_rng(len(wanted)).permutation(len(tries))  # not all at one place
    shuffled = [tries[place] for place in order]
    for text, said in zip(shuffled, map(sounds_of, transcribe(shuffled)), strict=True):
        if len(found) >= count:
            break
        if said not in taken and nearest <= distance(wanted, said) <= max(1.5, len(wanted) / 3):
            taken.add(said)
            found.append(text)
    return found


def _real(wanted: Sounds, lexicon: Lexicon) -> list[Entry]:
    """Words of the list that sound similar, and longer words that contain these sounds. The word
    with an ending, such as a plural, is left out: a person who says it also says the word."""
    near = [entry for entry, _ in lexicon.near(wanted) if len(entry.sounds) <= len(wanted)]
    inside = [entry for entry in lexicon.containing(wanted) if len(entry.sounds) > len(wanted) + 1]
    longer = [
        entry
        for entry, _ in lexicon.near(wanted)
        if len(entry.sounds) > len(wanted) and entry.sounds[: len(wanted)] != wanted
    ]
    return near + longer + inside


def _candidates(word: str) -> Iterator[str]:
    parts = word.split()
    if len(parts) > 1:
        yield from parts
        yield " ".join(reversed(parts))
    first, *others = _exchanged(word)
    yield first
    yield from _cut(parts)
    yield from others
    for part in parts:
        if len(parts) > 1:
            yield from _exchanged(part)
    for part in parts:
        yield from (part[1:], part[:-1], f"{part}s", f"a{part}", f"{part} {part}")


def _exchanged(word: str) -> list[str]:
    """The word with one letter exchanged: the first that can be, then from the last one back."""
    places = [place for place, letter in enumerate(word) if letter in _SIMILAR]
    order = places[:1] + places[:0:-1]
    return [word[:place] + _SIMILAR[word[place]] + word[place + 1 :] for place in order] or [word]


def _cut(parts: list[str]) -> Iterator[str]:
    """Each part without its end, then without its beginning."""
    for part in parts:
        size = max(_SHORTEST_PART, -(-2 * len(part) // 3))
        if len(part) > size:
            yield part[:size]
            yield part[-size:]


def _plain(word: str) -> str:
    return " ".join(word.lower().replace("_", " ").split())
