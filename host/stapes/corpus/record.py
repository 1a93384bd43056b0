# SPDX-License-Identifier: Apache-2.0
"""Records clips of words, one after the other: the rules that the page's `Record` follows too."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stapes.audio.wav import write_wav
from stapes.corpus.trim import TrimSettings, loudest_section
from stapes.errors import StapesError
from stapes.files import kept_folder
from stapes.model.settings import check_label
from stapes.options import check, like, setting

SPARE_MS = 1000  # recorded in addition to the clip, so that there is something to trim
COUNTDOWN = 3
COUNT_SECONDS = 0.6
CLIPPED_SAMPLES = 8  # at full scale, in the clip
SPEAKER = re.compile(r"[A-Za-z0-9-]{1,32}")
# <speaker>_nohash_<number>.wav, as the tutorial's corpus names its clips.
CLIP_NAME = re.compile(r"[A-Za-z0-9-]{1,32}_nohash_[0-9]{1,6}\.wav")


@dataclass(frozen=True, kw_only=True)
class RecordSettings:
    """How many `takes` of each word; what a clip must be."""

    takes: int = setting(3, least=1, most=1000, help="clips of each word")
    clip_duration_ms: int = like(TrimSettings, "clip_duration_ms")
    min_volume: float = like(TrimSettings, "min_volume")
    sample_rate: int = like(TrimSettings, "sample_rate", help="Hz")

    def __post_init__(self) -> None:
        check(self)


class Microphone(Protocol):
    """Something that hears."""

    def hear(self, samples: int, on_level: Callable[[float], None]) -> NDArray[np.int16]:
        """The next samples, int16 [samples]; tells the level, in dB of full scale, meanwhile."""


class Screen(Protocol):
    """Someone who is asked to speak."""

    def ask(self, word: str, take: int, takes: int) -> None:
        """The word to say next."""

    def count(self, left: int) -> None:
        """About how many seconds are left until the word is to be said; 0: now."""

    def level(self, decibels: float) -> None:
        """How loud it is."""

    def judge(self, fault: str) -> None:
        """What is wrong with the take; "" if nothing is."""


def check_word(word: str) -> None:
    """Checks that a word can name a folder of clips.

    Raises:
        StapesError: it cannot.
    """
    check_label(word)
    if word[0] in "._" or word != word.strip():
        raise StapesError(f"found the word {word!r}, expected one without . or _ at its start")


def random_speaker() -> str:
    """Eight hexadecimal digits, as in Speech Commands: they say nothing about the person."""
    return secrets.token_hex(4)


def fault_of(clip: NDArray[np.int16], settings: RecordSettings) -> str:
    """What is wrong with a clip: "clipped", "silent", or nothing."""
    wide = np.abs(clip.astype(np.int32))
    if (wide >= 32767).sum() >= CLIPPED_SAMPLES:
        return "clipped"
    return "silent" if wide.mean() / 32768 < settings.min_volume else ""


def record_corpus(
    words: Sequence[str],
    folder: Path,
    *,
    speaker: str,
    settings: RecordSettings,
    microphone: Microphone,
    screen: Screen,
    pause: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Asks for every word in turn, `settings.takes` times, and writes each good take at once.

    Returns:
        The clips that were written.

    Raises:
        StapesError: a word or a speaker that cannot name files, nowhere to write, no sound.
    """
    for word in words:
        check_word(word)
    if not SPEAKER.fullmatch(speaker):
        raise StapesError(f"--speaker {speaker!r}: expected 1 to 32 letters, digits or -")
    written: list[Path] = []
    with kept_folder(folder):
        for take in range(settings.takes):
            for word in words:
                screen.ask(word, take + 1, settings.takes)
                clip = _good_take(settings, microphone, screen, pause)
                (folder / word).mkdir(exist_ok=True)
                number = next_number(folder / word, speaker)
                written.append(folder / word / f"{speaker}_nohash_{number}.wav")
                write_wav(written[-1], clip, sample_rate=settings.sample_rate)
    return written


def _good_take(
    settings: RecordSettings,
    microphone: Microphone,
    screen: Screen,
    pause: Callable[[float], None],
) -> NDArray[np.int16]:
    """Records takes until one is good; returns the loudest part of the good take."""
    rate = settings.sample_rate
    while True:
        for left in range(COUNTDOWN, 0, -1):
            screen.count(left)
            pause(COUNT_SECONDS)
        screen.count(0)
        wanted = rate * (settings.clip_duration_ms + SPARE_MS) // 1000
        heard = microphone.hear(wanted, screen.level)
        clip = loudest_section(heard, rate * settings.clip_duration_ms // 1000)
        fault = fault_of(clip, settings)
        screen.judge(fault)
        if not fault:
            return clip


def next_number(folder: Path, speaker: str) -> int:
    """The number after the largest one of the speaker's clips in `folder`."""
    numbers = [
        int(path.stem.rpartition("_")[2])
        for path in folder.glob(f"{speaker}_nohash_*.wav")
        if CLIP_NAME.fullmatch(path.name)
    ]
    return max(numbers, default=-1) + 1
