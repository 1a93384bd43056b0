# SPDX-License-Identifier: Apache-2.0
"""What synthetic talk says: the sentences of a text, and rows of words, common ones more often."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from stapes.corpus.lexicon import common_words
from stapes.errors import StapesError
from stapes.files import read_text

ROW_WORDS = (4, 9)
_RARER = 0.75  # power of how often a word is said: rare words come more often than in talk


@dataclass(frozen=True, kw_only=True)
class Texts:
    """`sentences`, and `words` for rows of words, each word drawn with its share. `rows_percent` of
    everything that is read are such rows."""

    sentences: Sequence[str]
    words: Sequence[str] = ()
    shares: Sequence[float] = ()
    rows_percent: float = 0.0

    def read(self, random: np.random.Generator) -> Iterator[str]:
        """Sentences and rows without end; a sentence comes again only after all other sentences."""
        order = random.permutation(len(self.sentences))
        places = itertools.cycle(order)
        while True:
            if random.uniform(0, 100) < self.rows_percent:
                yield self._row(random)
            else:
                yield self.sentences[next(places)]

    def _row(self, random: np.random.Generator) -> str:
        count = random.integers(*ROW_WORDS, endpoint=True)
        return " ".join(random.choice(self.words, count, p=self.shares)).capitalize() + "."


def load_texts(
    path: str = "", *, rows_percent: float = 0.0, without: Sequence[str] = (), language: str = "en"
) -> Texts:
    """The sentences of a file, or those that come with Stapes. Rows are made of words of the
    language (lexicon.py) or, without a word list, of the words in the sentences.

    Args:
        without: nothing that is read may contain these words.

    Raises:
        StapesError: no such file, or no sentence in it that may be read.
    """
    if path:
        text = read_text(path, what="a text to read")
    else:
        text = files("stapes.corpus").joinpath("talk.txt").read_text(encoding="utf-8")
    sentences = _allowed(sentences_of(text), without)
    if not sentences:
        where = path or "the sentences of stapes"
        beside = f" without {', '.join(without)}" if without else ""
        raise StapesError(f"{where}: found no sentences{beside}, expected some to read")
    if not rows_percent:
        return Texts(sentences=sentences)
    counted = common_words(language) or [(word, None) for word in _words_of(sentences)]
    kept = set(_allowed([word for word, _ in counted], without))
    weights = {word: (often or 1.0) ** _RARER for word, often in counted if word in kept}
    total = sum(weights.values())
    return Texts(
        sentences=sentences,
        words=tuple(weights),
        shares=tuple(weight / total for weight in weights.values()),
        rows_percent=rows_percent,
    )


def sentences_of(text: str) -> list[str]:
    """The sentences of a text; lines that begin with # are no part of it."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = re.split(r"(?<=[.!?])\s+", " ".join(lines))
    return [sentence.strip() for sentence in found if re.search(r"\w", sentence)]


def _allowed(texts: Sequence[str], without: Sequence[str]) -> list[str]:
    """The texts without any of the words, their plurals and their genitives."""
    if not without:
        return list(texts)
    words = "|".join(re.escape(word) for word in without)
    held = re.compile(rf"\b(?:{words})(?:['’]?s|es)?\b", re.IGNORECASE)
    return [text for text in texts if not held.search(text)]


def _words_of(sentences: Sequence[str]) -> list[str]:
    words = (word.lower() for sentence in sentences for word in re.findall(r"[^\W\d_]+", sentence))
    return sorted({word for word in words if len(word) > 1})
