# SPDX-License-Identifier: Apache-2.0
"""Synthetic talk: running speech by the voices that also say a word, so that the voice alone does
not mean the word.

    OUTPUT_DIR/_speech_/<speaker>/<n>.wav      a few sentences each
    OUTPUT_DIR/_speech_/ATTRIBUTION.txt        whose voices they are

The speakers' names decide which partition they belong to, as with clips.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from stapes.audio.wav import write_wav
from stapes.corpus.attribution import add_credits
from stapes.corpus.effects import FULL_SCALE
from stapes.corpus.mixture import Mixture
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.corpus.running_speech import SPEECH_FOLDER
from stapes.corpus.speak import SpeakSettings, ctrl_c_held, make_speakers, speak_word
from stapes.corpus.synthesizers import EngineFailed, Speaker
from stapes.corpus.talk_texts import Texts, load_texts
from stapes.corpus.voices_pool import VoicesPool, check_going_on
from stapes.errors import StapesError
from stapes.files import held_alone, kept_folder, new_folder
from stapes.options import check, like, setting

SENTENCES = 4  # in a recording
PAUSE_SECONDS = (0.15, 0.8)
_PARTITIONED = (10.0, 10.0)  # the percentages that training takes by default


@dataclass(frozen=True, kw_only=True)
class TalkSettings:
    """How much is read, and by how many speakers. There are at least `minutes` of talk, and not
    many more."""

    minutes: float = setting(
        30.0,
        above=0,
        most=6000,
        help="of talk, by all speakers together; more where these are short, as each of three "
        "speakers or more reads four sentences at a time",
    )
    seconds_per_speaker: float = setting(
        60.0, least=5, most=3600, help="how long each synthetic speaker reads"
    )
    text: str = setting(
        "", shown="sentences that come with stapes", help="a text file to read from, in sentences"
    )
    rows_percent: float = setting(
        0.0,
        least=0,
        most=100,
        help="share of rows of words in place of sentences: words of the package wordfreq, common "
        "ones more often, or those of the sentences",
    )
    without: tuple[str, ...] = setting(
        (), metavar="WORD,...", shown="none", help="words that nothing may hold that is read"
    )
    seed: int = like(SpeakSettings, "seed", help="other seeds give other speakers and sentences")
    sample_rate: int = like(SpeakSettings, "sample_rate")
    tract_percent: float = like(SpeakSettings, "tract_percent", default=12.0)
    processes: int = like(SpeakSettings, "processes")

    def __post_init__(self) -> None:
        check(self)

    @property
    def speakers(self) -> int:
        return max(len(PARTITIONS), math.ceil(self.minutes * 60 / self.seconds_per_speaker))


@dataclass(frozen=True, kw_only=True)
class Talked:
    """What was written, and why speakers failed."""

    seconds: float
    speakers: int
    failures: tuple[str, ...]


def write_talk(
    output_dir: Path,
    *,
    settings: TalkSettings,
    mixture: Mixture,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Talked:
    """Writes `_speech_` below `output_dir`, whole or not at all.

    Raises:
        StapesError: there is no text, no voice can read it, or `_speech_` exists already.
    """
    texts = load_texts(
        settings.text,
        rows_percent=settings.rows_percent,
        without=settings.without,
        language=mixture.language,
    )
    speakers = _speakers(settings, mixture)
    seconds, failures, voices = 0.0, [], set()
    with (
        kept_folder(output_dir),
        held_alone(output_dir / ".talk.lock", what="the making of talk"),
        new_folder(output_dir / SPEECH_FOLDER) as folder,
        VoicesPool(settings.processes) as pool,
    ):
        read = partial(_read, settings, mixture, texts, folder)
        with ctrl_c_held():
            results = pool.map(read, enumerate(speakers))
        for number, (spoken, failure) in enumerate(results, start=1):
            seconds += spoken
            failures += [failure] * bool(failure)
            voices |= {speakers[number - 1].voice} if spoken else set()
            progress(number, len(speakers))
        if not seconds:
            raise StapesError(f"talk: no voice can read it ({failures[0]}), expected one")
        add_credits(folder, map(mixture.credit, voices))
    read_by = len(speakers) - len(failures)
    return Talked(seconds=seconds, speakers=read_by, failures=tuple(failures))


def _speakers(settings: TalkSettings, mixture: Mixture) -> list[Speaker]:
    """As many speakers as needed. If a partition would be empty, the last speaker of the largest
    one is replaced."""
    voices = mixture.voices()
    form = SpeakSettings(
        clips=60 * settings.speakers, seed=settings.seed, tract_percent=settings.tract_percent
    )
    drawn = make_speakers(voices, settings=form, shares=mixture.shares(voices), variants=("",))
    chosen, spare = drawn[: settings.speakers], drawn[settings.speakers :]
    for partition in PARTITIONS:
        partitions = [_partition(speaker) for speaker in chosen]
        others = [speaker for speaker in spare if _partition(speaker) == partition]
        if partition not in partitions and others:
            largest = max(PARTITIONS, key=partitions.count)
            chosen[len(chosen) - 1 - partitions[::-1].index(largest)] = others[0]
    return chosen


def _partition(speaker: Speaker) -> str:
    return which_set(speaker.name, *_PARTITIONED)


def _read(
    settings: TalkSettings,
    mixture: Mixture,
    texts: Texts,
    folder: Path,
    numbered: tuple[int, Speaker],
) -> tuple[float, str]:
    """Writes the recordings of one speaker; returns how many seconds, and why there are no more."""
    check_going_on()
    number, speaker = numbered
    random = np.random.default_rng([settings.seed, 4, number])
    place = folder / speaker.name
    place.mkdir()
    seconds, count = 0.0, 0
    read = texts.read(random)
    while seconds < settings.minutes * 60 / settings.speakers:
        try:
            sound = _recording(
                list(itertools.islice(read, SENTENCES)), speaker, settings, mixture, random
            )
        except EngineFailed as error:
            return seconds, str(error)
        write_wav(place / f"{count:03}.wav", sound, sample_rate=settings.sample_rate)
        seconds, count = seconds + len(sound) / settings.sample_rate, count + 1
    return seconds, ""


def _recording(
    sentences: Sequence[str],
    speaker: Speaker,
    settings: TalkSettings,
    mixture: Mixture,
    random: np.random.Generator,
) -> np.ndarray:
    """Sentences with pauses between them, in light noise: int16 [samples]."""
    rate, parts = settings.sample_rate, []
    for sentence in sentences:
        parts.append(speak_word(sentence, speaker, synthesizer=mixture, sample_rate=rate))
        parts.append(np.zeros(int(rate * random.uniform(*PAUSE_SECONDS))))
    sound = np.concatenate(parts)
    sound *= random.uniform(0.2, 0.9) / np.abs(sound).max()
    sound += random.normal(scale=10 ** random.uniform(-4.0, -2.5), size=len(sound))
    return np.clip(np.rint(sound * (FULL_SCALE - 1)), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
