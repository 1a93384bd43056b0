# SPDX-License-Identifier: Apache-2.0
"""Words that sound nearly like a wanted one: what the unknown class must hold to be of use.

Parts of a phrase, cut words, and words with one sound exchanged for a similar one: consonants that
differ in voice or place alone, vowels that are neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

_SIMILAR = {
    "b": "p", "p": "b", "d": "t", "t": "d", "g": "k", "k": "g", "c": "g", "q": "g",
    "f": "v", "v": "f", "s": "z", "z": "s", "m": "n", "n": "m", "l": "r", "r": "l",
    "w": "v", "y": "w", "h": "f", "j": "ch", "x": "ks",
    "a": "o", "e": "a", "i": "e", "o": "u", "u": "a", "ä": "a", "ö": "o", "ü": "u",
}  # fmt: skip
_SHORTEST_PART = 3


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
        phonemes: how a text is pronounced; what sounds like the word or one of `avoid` is left
            out. "" leaves it to the spelling.
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
    """One letter at a time: the first one, then from the last one on."""
    places = [place for place, letter in enumerate(word) if letter in _SIMILAR]
    order = places[:1] + places[:0:-1]
    return [word[:place] + _SIMILAR[word[place]] + word[place + 1 :] for place in order] or [word]


def _cut(parts: list[str]) -> Iterator[str]:
    """Without its beginning, without its end."""
    for part in parts:
        size = max(_SHORTEST_PART, -(-2 * len(part) // 3))
        if len(part) > size:
            yield part[:size]
            yield part[-size:]


def _plain(word: str) -> str:
    return " ".join(word.lower().replace("_", " ").split())
