# SPDX-License-Identifier: Apache-2.0
"""Animals: dogs, birds, and others that call."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stapes.corpus.surroundings.parts import (
    RATE,
    Formant,
    Range,
    between,
    gain,
    in_rows,
    path,
    samples,
    shaped_noise,
    swell,
    tone,
    unit,
    wavering,
)


@dataclass(frozen=True, kw_only=True)
class Throat:
    """An animal that calls. `shape` is the course of the pitch during a call, `mouth` the course of
    the first resonances, in Hz.

    `rough`: by how many percent the pitch wavers; `breath_db`: the noise beside the voice;
    `tremolo`: how often in a second the loudness of the call wavers, 0 for never.
    """

    pitch: Range
    seconds: Range
    shape: tuple[float, ...]
    mouth: tuple[tuple[float, ...], ...]
    rough: float = 2.0
    breath_db: Range = (-30.0, -15.0)
    tremolo: Range = (0.0, 0.0)
    rows: tuple[int, int] = (1, 3)
    step: Range = (0.5, 1.5)

    def one(self, random: np.random.Generator) -> Throat:
        """A single animal: its own pitch, size and pace; its calls do not overlap."""
        size, pitch = random.uniform(0.85, 1.2), between(random, *self.pitch)
        seconds = between(random, *self.seconds)
        return replace(
            self,
            pitch=(0.92 * pitch, 1.08 * pitch),
            seconds=(0.8 * seconds, 1.2 * seconds),
            mouth=tuple(tuple(size * place for place in places) for places in self.mouth),
            step=(max(self.step[0], 1.7 * seconds), max(self.step[1], 2.5 * seconds)),
        )


def call(throat: Throat, random: np.random.Generator) -> np.ndarray:
    """One call, of power 1."""
    size = samples(between(random, *throat.seconds))
    bends = np.array(throat.shape) * random.uniform(0.93, 1.07, len(throat.shape))
    pitch = between(random, *throat.pitch) * path(size, *bends)
    formants: list[Formant] = [
        (path(size, *places), 70 + 0.08 * places[0], 0.7**number)
        for number, places in enumerate(throat.mouth)
    ]
    voice = unit(tone(wavering(pitch, random, percent=throat.rough), random,
                      formants=formants, tilt=random.uniform(0.4, 1)))  # fmt: skip
    breath = shaped_noise(size, random, formants) * gain(random.uniform(*throat.breath_db))
    waves = random.uniform(*throat.tremolo) * np.arange(size) / RATE
    depth = random.uniform(0.4, 0.8) * (throat.tremolo[1] > 0)
    loud = 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * waves))
    rise, fall = random.uniform(0.03, 0.2), random.uniform(0.15, 0.6)
    return unit((voice + breath) * loud * swell(size, rise=rise, fall=fall))


def calling(length: int, random: np.random.Generator, throat: Throat) -> np.ndarray:
    """One animal, now and then, or several times in a row."""
    one = throat.one(random)
    return in_rows(
        length, random, lambda: call(one, random),
        count=one.rows, step=one.step, pause=(0.3, 2),
    )  # fmt: skip


_DOG = Throat(
    pitch=(180, 900), seconds=(0.09, 0.32), shape=(0.8, 1.2, 1.05, 0.6),
    mouth=((450, 1000, 600), (1100, 1600, 1200), (2600, 2900, 2600), (3800, 4000, 3800),
           (5500, 5500)),
    rough=4, breath_db=(-14, 0), rows=(1, 8), step=(0.22, 0.8),
)  # fmt: skip
_GROWL = replace(
    _DOG, pitch=(60, 130), seconds=(0.5, 2), shape=(0.9, 1.1, 1), rough=12, rows=(1, 2),
    step=(0.7, 2), tremolo=(15, 35),
)  # fmt: skip
_WHINE = replace(
    _DOG, pitch=(600, 1600), seconds=(0.2, 0.8), shape=(0.9, 1.2, 0.8), breath_db=(-30, -15),
    rows=(1, 5),
)  # fmt: skip
_OTHERS = (
    Throat(pitch=(380, 900), seconds=(0.35, 1.3), shape=(0.8, 1.15, 1.05, 0.8),  # a cat
           mouth=((400, 950, 600), (2300, 1700, 1000), (3200, 3200, 3000))),
    Throat(pitch=(90, 230), seconds=(0.8, 2.2), shape=(0.7, 1, 1.05, 0.85), rough=4,  # a cow
           mouth=((250, 650, 500), (800, 1100, 900), (2400, 2400))),
    Throat(pitch=(150, 450), seconds=(0.5, 1.3), shape=(1, 1.1, 0.9), tremolo=(6, 13),  # a sheep
           mouth=((550, 750, 650), (1500, 1700), (2600, 2600))),
    Throat(pitch=(300, 650), seconds=(0.15, 0.5), shape=(0.9, 1.1, 0.8), rough=14,  # a crow
           breath_db=(-8, 3), mouth=((1100, 1400, 1100), (1900, 1900), (3000, 3000)), rows=(1, 5)),
    Throat(pitch=(350, 750), seconds=(0.8, 2.2), shape=(0.7, 1, 0.9, 1.5, 1.6, 0.9),  # a cock
           mouth=((800, 1100, 900), (1600, 2000, 1700), (3100, 3100)), rough=3, rows=(1, 2)),
    Throat(pitch=(280, 700), seconds=(1, 3), shape=(0.6, 1, 1.05, 1, 0.7),  # a wolf
           mouth=((400, 600, 500), (900, 900), (2600, 2600)), rows=(1, 2)),
    Throat(pitch=(70, 240), seconds=(0.15, 0.6), shape=(0.9, 1.2, 1), tremolo=(18, 45),  # a frog
           mouth=((400, 600), (1100, 1500), (2600, 2600)), rows=(1, 8), step=(0.3, 0.8)),
    Throat(pitch=(80, 260), seconds=(0.15, 0.6), shape=(0.9, 1.3, 0.8), rough=20,  # a pig
           breath_db=(-6, 4), mouth=((400, 700, 400), (1200, 1300), (2500, 2500)), rows=(1, 5)),
    Throat(pitch=(600, 1500), seconds=(0.8, 2), shape=(1, 1.3, 1, 0.6), tremolo=(8, 14),  # a horse
           rough=5, breath_db=(-15, -5), mouth=((900, 1200, 800), (2000, 2300, 1800))),
    Throat(pitch=(300, 520), seconds=(0.25, 0.7), shape=(0.9, 1, 0.95),  # an owl or a pigeon
           mouth=((400, 450), (900, 900)), rows=(1, 6), step=(0.4, 0.9)),
)  # fmt: skip


def barks(length: int, random: np.random.Generator) -> np.ndarray:
    """A dog: mostly it barks, several times in a row; some growl or whine."""
    throat = (_DOG, _DOG, _DOG, _DOG, _GROWL, _WHINE)[int(random.integers(6))]
    sound = calling(length, random, throat)
    if random.random() < 0.25:
        sound += calling(length, random, _DOG) * gain(random.uniform(-15, 0))
    return sound


def calls(length: int, random: np.random.Generator) -> np.ndarray:
    """Another animal, or insects."""
    which = int(random.integers(len(_OTHERS) + 1))
    if which == len(_OTHERS):
        return _crickets(length, random)
    return calling(length, random, _OTHERS[which])


def _crickets(length: int, random: np.random.Generator) -> np.ndarray:
    """Rows of short pulses of one tone."""
    pitch, per_second = between(random, 2200, 6500), between(random, 15, 90)
    time = np.arange(length) / RATE
    pulses = np.maximum(0, np.sin(2 * np.pi * per_second * time)) ** 2
    turns = between(random, 0.5, 4) * time
    chirping = (turns % 1) < random.uniform(0.2, 1)
    slow = pitch * (1 + 0.02 * np.sin(2 * np.pi * turns))
    return np.sin(2 * np.pi * np.cumsum(slow) / RATE) * pulses * chirping


def birds(length: int, random: np.random.Generator) -> np.ndarray:
    """One to three birds, each with a few syllables of its own."""
    sound = np.zeros(length)
    for _ in range(int(random.integers(1, 4))):
        sound += _bird(length, random) * gain(random.uniform(-15, 0))
    return sound


def _bird(length: int, random: np.random.Generator) -> np.ndarray:
    low = between(random, 900, 3500)
    high = min(7000.0, low * random.uniform(1.2, 3))
    songs = [random.uniform(low, high, int(random.integers(2, 6))) for _ in range(3)]
    seconds, second = between(random, 0.03, 0.35), random.uniform(0, 0.4)

    def syllable() -> np.ndarray:
        song = songs[int(random.integers(len(songs)))]
        size = samples(seconds * random.uniform(0.7, 1.3))
        pitch = path(size, *song) * random.uniform(0.98, 1.02)
        return tone(pitch, random, weights=(1, second)) * swell(size, rise=0.2, fall=0.4)

    step = (1.1 * seconds, 2 * seconds)
    most = int(random.integers(1, 16))
    return in_rows(length, random, syllable, count=(1, most), step=step, pause=(0.2, 3))
