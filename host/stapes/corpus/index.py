# SPDX-License-Identifier: Apache-2.0
"""The folder of clips: which words it has, and which clips belong to which partition.

Source of the rules: `prepare_data_index` of TensorFlow's speech_commands/input_data.py.
"""

from __future__ import annotations

import math
import os
import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stapes.audio.reader import audio_files
from stapes.corpus.hard_examples import hard_recordings
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.corpus.running_speech import SPEECH_FOLDER, speech_recordings
from stapes.errors import StapesError
from stapes.model.settings import MAX_LABELS, NOT_WORDS, check_label
from stapes.options import check, setting

BACKGROUND_NOISE_FOLDER = "_background_noise_"
TUTORIAL_WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
RANDOM_SEED = 59185
SILENCE_INDEX = 0
UNKNOWN_INDEX = 1
# Folders whose clips are no words, whatever is in them.
NO_WORDS = (BACKGROUND_NOISE_FOLDER, SPEECH_FOLDER, *NOT_WORDS)


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """Which clips are used for what; the defaults are those of the tutorial's train.py.

    The silence, unknown, speech and hard percentages are relative to the number of clips with
    wanted words; hard examples are used if there are any. `balance` says how often each wanted word
    is trained: with 0 as often as it was recorded, with 1 all words equally often, and in general a
    word with n clips in proportion to n ** (1 - balance). `resample` converts clips of another
    rate, and stereo clips, when they are read.
    """

    wanted_words: tuple[str, ...] = setting(
        longest=1000,
        metavar="WORD,...",
        help=f"words, separated by commas, at most {MAX_LABELS - 2}",
    )
    silence_percentage: float = setting(
        10.0, least=0, most=1000, help="silence, in percent of the clips of wanted words"
    )
    unknown_percentage: float = setting(
        10.0, least=0, most=1000, help="other words, in percent of the clips of wanted words"
    )
    speech_percentage: float = setting(
        0.0,
        least=0,
        most=1000,
        help="pieces of running speech from DATA_DIR/_speech_, in percent of the clips of wanted "
        "words",
    )
    hard_percentage: float = setting(
        20.0,
        least=0,
        most=1000,
        help="hard examples from --hard_dir, in percent of the clips of wanted words",
    )
    validation_percentage: float = setting(
        10.0, least=0, most=100, help="speakers that are kept for validation, in percent"
    )
    testing_percentage: float = setting(
        10.0, least=0, most=100, help="speakers that are kept for testing, in percent"
    )
    balance: float = setting(
        0.0,
        least=0,
        most=1,
        help="train rare wanted words more often: 0 as often as they were recorded, 1 all wanted "
        "words equally often",
    )
    resample: bool = setting(False, help="convert clips of other sample rates, or stereo")

    def __post_init__(self) -> None:
        check(self)
        for word in self.wanted_words:
            check_label(word)
            if word in NOT_WORDS:
                raise StapesError(f"--wanted_words: {word} is always there; leave it out")
        folders = {folded(word) for word in self.wanted_words}
        if not folders or len(folders) < len(self.wanted_words):
            raise StapesError(
                f"--wanted_words={','.join(self.wanted_words)!r}: expected one or more words, "
                "all different (capitals do not count)"
            )
        if len(self.labels) > MAX_LABELS:
            raise StapesError(
                f"--wanted_words: found {len(self.wanted_words)}, expected at most "
                f"{MAX_LABELS - 2}; leave some out"
            )
        both = self.validation_percentage + self.testing_percentage
        if both > 100:
            raise StapesError(
                f"--validation_percentage and --testing_percentage: found {both:g} together, "
                "expected at most 100; lower one of them"
            )

    @property
    def labels(self) -> tuple[str, ...]:
        return (*NOT_WORDS, *self.wanted_words)


@dataclass(frozen=True, kw_only=True)
class CorpusIndex:
    """Paths of all clips of a folder, by partition.

    `wanted` holds (path, label index); `unknown` all other words, in an order drawn once with the
    tutorial's seed: its first `unknown_count` are the partition's fixed unknown clips. `speech`
    holds recordings of running speech, `hard` hard examples to train with.
    """

    folder: Path
    settings: CorpusSettings
    wanted: dict[str, list[tuple[Path, int]]]
    unknown: dict[str, list[Path]]
    background: list[Path] = field(default_factory=list)
    speech: dict[str, list[Path]] = field(default_factory=dict)
    hard: list[Path] = field(default_factory=list)

    def wanted_by_word(self, partition: str) -> dict[str, list[Path]]:
        """The clips of each wanted word in a partition."""
        clips: dict[str, list[Path]] = {word: [] for word in self.settings.wanted_words}
        for path, label in self.wanted[partition]:
            clips[self.settings.labels[label]].append(path)
        return clips

    def silence_count(self, partition: str) -> int:
        return self._share(partition, self.settings.silence_percentage)

    def unknown_count(self, partition: str) -> int:
        wanted = self._share(partition, self.settings.unknown_percentage)
        return min(wanted, len(self.unknown[partition]))

    def speech_count(self, partition: str) -> int:
        return self._share(partition, self.settings.speech_percentage)

    def hard_count(self) -> int:
        return self._share("training", self.settings.hard_percentage) if self.hard else 0

    def training_shares(self) -> list[float]:
        """How often training shows each label, hard examples aside: 1 is the mean of the wanted
        words. Labels that are never shown count as one clip."""
        labels = [label for _, label in self.wanted["training"]]
        words = len(self.settings.wanted_words)
        first = UNKNOWN_INDEX + 1
        counts = [
            labels.count(label) ** (1 - self.settings.balance)
            for label in range(first, first + words)
        ]
        unknown = self.unknown_count("training") + self.speech_count("training")
        made = [max(1, self.silence_count("training")), max(1, unknown)]
        return [
            *(count * words / max(1, len(labels)) for count in made),
            *(count * words / sum(counts) for count in counts),
        ]

    def _share(self, partition: str, percentage: float) -> int:
        return math.ceil(len(self.wanted[partition]) * percentage / 100)

    def require(self, partition: str) -> None:
        """Checks that every wanted word has clips in `partition`, and that running speech, if it is
        used, has recordings there.

        Raises:
            StapesError: clips or recordings are missing.
        """
        present = {label for _, label in self.wanted[partition]}
        for label, word in enumerate(self.settings.wanted_words, start=UNKNOWN_INDEX + 1):
            if label not in present:
                total = sum(label == other for clips in self.wanted.values() for _, other in clips)
                raise StapesError(
                    f"{self.folder / word}: found {total} clips, none of them in the "
                    f"{partition} partition, expected at least one there; add clips (about 100 "
                    "and more) or change --validation_percentage and --testing_percentage"
                )
        if self.speech_count(partition) and not self.speech.get(partition):
            total = sum(map(len, self.speech.values()))
            raise StapesError(
                f"{self.folder / SPEECH_FOLDER}: found {total} recordings, none of them in the "
                f"{partition} partition, expected at least one there; add recordings of other "
                "speakers (<speaker>/*.wav), or leave out --speech_percentage"
            )


def scan_corpus(
    folder: str | os.PathLike[str],
    settings: CorpusSettings,
    *,
    hard_dir: str | os.PathLike[str] = "",
) -> CorpusIndex:
    """Lists <folder>/<word>/*.wav (or others of AUDIO_SUFFIXES), sorted into partitions; `hard_dir`
    holds hard examples, if there are some.

    Raises:
        StapesError: no such folder, no clips in it, or a wanted word without clips.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StapesError(
            f"{folder}: found no such folder, expected <word>/*.wav inside; check --data_dir"
        )
    _check_readable(folder)
    clips = audio_files(folder, "*/*")
    words: dict[str, list[Path]] = {
        word: [] for path in clips if (word := word_of(path)) not in NO_WORDS
    }
    if not words:
        raise StapesError(
            f"{folder}: found no clips, expected <word>/*.wav inside; check --data_dir"
        )
    for path in clips:
        if word_of(path) in words:
            words[word_of(path)].append(path)
    for word in settings.wanted_words:
        if folded(word) not in words:
            raise StapesError(
                f"{folder / word}: found no clips of the wanted word {word!r}, expected one of "
                f"{_shortened(words)}; add clips or change --wanted_words"
            )
    index = CorpusIndex(
        folder=folder,
        settings=settings,
        wanted={partition: [] for partition in PARTITIONS},
        unknown={partition: [] for partition in PARTITIONS},
        background=[path for path in clips if word_of(path) == BACKGROUND_NOISE_FOLDER],
        speech=speech_recordings(
            folder,
            validation_percentage=settings.validation_percentage,
            testing_percentage=settings.testing_percentage,
        ),
        hard=hard_recordings(hard_dir) if hard_dir else [],
    )
    _fill(index, words)
    return index


def _fill(index: CorpusIndex, words: dict[str, list[Path]]) -> None:
    settings = index.settings
    words_and_labels = enumerate(settings.wanted_words, start=UNKNOWN_INDEX + 1)
    label_of = {folded(word): label for label, word in words_and_labels}
    for word, paths in words.items():
        for path in paths:
            partition = which_set(path, settings.validation_percentage, settings.testing_percentage)
            if word in label_of:
                index.wanted[partition].append((path, label_of[word]))
            else:
                index.unknown[partition].append(path)
    generator = random.Random(RANDOM_SEED)
    for partition in PARTITIONS:
        generator.shuffle(index.unknown[partition])


def _check_readable(folder: Path) -> None:
    for word in folder.iterdir():
        if (
            word.is_dir()
            and not word.name.startswith(".")
            and not os.access(word, os.R_OK | os.X_OK)
        ):
            raise StapesError(
                f"{word}: cannot be read (Permission denied), expected a folder of clips; "
                "make it readable: chmod u+rx"
            )


def word_of(path: Path) -> str:
    """The word of a clip: the name of its folder, as `folded` spells it."""
    return folded(path.parent.name)


def folded(word: str) -> str:
    """One spelling of a word, in lower case: macOS writes an umlaut as two characters, a keyboard
    as one."""
    return unicodedata.normalize("NFC", word.lower())


def _shortened(words: Sequence[str] | dict[str, list[Path]], *, limit: int = 12) -> str:
    names = sorted(words)
    return ", ".join(names[:limit]) + (", …" if len(names) > limit else "")
