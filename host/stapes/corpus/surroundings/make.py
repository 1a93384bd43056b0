# SPDX-License-Identifier: Apache-2.0
"""A folder of sounds of surroundings, each recording another draw of one kind.

    OUTPUT_DIR/_background_noise_/<kind>_<number>.wav      16 kHz

The content of a recording depends only on the seed, its kind and its number: with more minutes,
recordings are added, and the others stay the same.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import scipy.fft

from stapes.audio.reader import audio_files
from stapes.audio.wav import write_wav
from stapes.corpus.effects import (
    EQUALIZER_BANDS,
    FULL_SCALE,
    echoes,
    equalizer_gains,
    filter_bins,
    filtered,
    reverberate,
    room_size,
)
from stapes.corpus.index import BACKGROUND_NOISE_FOLDER
from stapes.corpus.running_speech import SPEECH_FOLDER
from stapes.corpus.speak import SpeakSettings
from stapes.corpus.surroundings.air import coloured, crackle, fan, hiss, rain, water, wind
from stapes.corpus.surroundings.creatures import barks, birds, calls
from stapes.corpus.surroundings.household import clock, dishes, keys, knocks
from stapes.corpus.surroundings.machines import alarm, engine, hum, motor
from stapes.corpus.surroundings.music import music
from stapes.corpus.surroundings.parts import RATE, between, gain, unit
from stapes.corpus.surroundings.people import babble, coughs, cries
from stapes.errors import StapesError
from stapes.files import addition, held_alone, kept_folder, new_folder
from stapes.options import check, like, setting

Kind = Callable[[int, np.random.Generator], np.ndarray]

# In the order in which they are made: even a few recordings then differ much.
KINDS: dict[str, Kind] = {
    "music": music,
    "barks": barks,
    "dishes": dishes,
    "wind": wind,
    "alarm": alarm,
    "cries": cries,
    "rain": rain,
    "knocks": knocks,
    "motor": motor,
    "calls": calls,
    "coughs": coughs,
    "hiss": hiss,
    "keys": keys,
    "engine": engine,
    "birds": birds,
    "crackle": crackle,
    "clock": clock,
    "water": water,
    "hum": hum,
    "fan": fan,
}
BABBLE = "babble"
_PEAK_DB = (-18.0, -1.0)  # of full scale
_FLOOR_DB = (-78.0, -50.0)  # the power of the noise beneath all others
_ROOM_SHARE, _EQUALIZER_DB = 0.5, 5.0


@dataclass(frozen=True, kw_only=True)
class NoiseSettings:
    """How much sound to make; equal settings and equal talk give equal recordings."""

    minutes: float = setting(20.0, above=0, most=6000, help="of sound, of all kinds together")
    seconds: float = setting(15.0, least=1, most=600, help="the length of each recording")
    seed: int = like(SpeakSettings, "seed", help="other seeds give other recordings")
    extend: bool = like(SpeakSettings, "extend", help="add what is missing to a folder that exists")

    def __post_init__(self) -> None:
        check(self)

    @property
    def recordings(self) -> int:
        return max(1, math.ceil(self.minutes * 60 / self.seconds))


@dataclass(frozen=True, kw_only=True)
class NoiseMade:
    """How many recordings are new, and which kinds the folder has been given."""

    recordings: int
    kinds: tuple[str, ...]


def write_noise(
    output_dir: Path,
    *,
    settings: NoiseSettings,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NoiseMade:
    """Writes the missing recordings. A new folder appears whole or not at all; in a folder that
    exists, each added recording appears whole or not at all.

    Raises:
        StapesError: the folder exists and is not to be extended, or talk in it cannot be read.
    """
    target = output_dir / BACKGROUND_NOISE_FOLDER
    plan = list(_plan(_kinds(output_dir), settings.recordings))
    missing = [one for one in plan if not (target / one.file).exists()]
    with (
        kept_folder(output_dir),
        held_alone(output_dir / ".noise.lock", what="the making of noise"),
        _place(target, settings) as folder,
    ):
        for done, one in enumerate(missing, start=1):
            write_wav(folder / one.file, one.make(settings), sample_rate=RATE)
            progress(done, len(missing))
    kinds = tuple(dict.fromkeys(one.kind for one in plan))
    return NoiseMade(recordings=len(missing), kinds=kinds)


def _place(target: Path, settings: NoiseSettings) -> AbstractContextManager[Path]:
    """Where recordings are written before they appear.

    Raises:
        StapesError: the folder exists.
    """
    if not target.exists():
        return new_folder(target)
    if not settings.extend:
        raise StapesError(
            f"{target}: exists already, expected a new folder; choose another --output_dir, "
            "remove it or pass --extend"
        )
    return addition(target)


def _kinds(output_dir: Path) -> dict[str, Kind]:
    """All kinds; babble where there is talk."""
    top = output_dir / SPEECH_FOLDER
    talk = audio_files(top, "**/*") if top.is_dir() else []
    return ({BABBLE: partial(babble, talk=talk)} if talk else {}) | KINDS


@dataclass(frozen=True, kw_only=True)
class _Recording:
    kind: str
    number: int
    draw: Kind

    @property
    def file(self) -> str:
        return f"{self.kind}_{self.number:03}.wav"

    def make(self, settings: NoiseSettings) -> np.ndarray:
        """int16 [samples]."""
        key = zlib.crc32(self.kind.encode())
        random = np.random.default_rng([settings.seed, 5, key, self.number])
        return finished(self.draw(round(RATE * settings.seconds), random), random)


def _plan(kinds: dict[str, Kind], count: int) -> Iterator[_Recording]:
    """One kind after the other, over and over."""
    names = list(kinds)
    for place in range(count):
        kind = names[place % len(names)]
        yield _Recording(kind=kind, number=place // len(names), draw=kinds[kind])


def finished(sound: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A sound as a device records it: in a room or outside, by some microphone, at some level, over
    its noise: int16 [samples]."""
    sound = unit(sound).astype(np.float32)
    if random.random() < _ROOM_SHARE:
        sound = _in_room(sound, random)
    sound = _by_microphone(sound, random)
    floor = coloured(len(sound), random, random.uniform(0, 1.5)) * gain(random.uniform(*_FLOOR_DB))
    peak = float(np.abs(sound).max())
    sound = sound * (gain(random.uniform(*_PEAK_DB)) / max(peak, 1e-9)) + floor
    sound *= min(1.0, gain(_PEAK_DB[1]) / float(np.abs(sound).max()))
    return np.rint(sound * (FULL_SCALE - 1)).astype(np.int16)


def _in_room(sound: np.ndarray, random: np.random.Generator) -> np.ndarray:
    rt60_ms, direct_db = between(random, 100, 900), random.uniform(-4, 15)
    size = room_size(len(sound), RATE, rt60_ms)
    white = random.standard_normal(round(RATE * rt60_ms / 1000) + 1)
    room = scipy.fft.rfft(echoes(white.astype(np.float32), rt60_ms=rt60_ms, sample_rate=RATE), size)
    return reverberate(sound, room, direct_db=direct_db, size=size)


def _by_microphone(sound: np.ndarray, random: np.random.Generator) -> np.ndarray:
    gains_db = random.uniform(-_EQUALIZER_DB, _EQUALIZER_DB, EQUALIZER_BANDS)
    bins = filter_bins(len(sound), RATE)
    return filtered(sound, equalizer_gains(gains_db, bins=bins, sample_rate=RATE))
