# SPDX-License-Identifier: Apache-2.0
"""People without words: coughs and sneezes, cries and laughter, many voices at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stapes.audio.reader import read_audio
from stapes.corpus.surroundings.creatures import Throat, call, calling
from stapes.corpus.surroundings.parts import (
    RATE,
    Formant,
    add,
    between,
    dying,
    gain,
    in_rows,
    path,
    samples,
    shaped_noise,
    swell,
    unit,
)

BABBLERS = (6, 10)
_BABY = Throat(
    pitch=(300, 620), seconds=(0.35, 1.5), shape=(0.8, 1.1, 1.05, 0.85),
    mouth=((900, 1200, 1000), (1700, 2000, 1700), (3400, 3600)),
    rough=3, breath_db=(-25, -8), rows=(1, 6), step=(0.7, 1.8),
)  # fmt: skip
_LAUGHING = Throat(
    pitch=(130, 480), seconds=(0.07, 0.2), shape=(1.1, 1, 0.9),
    mouth=((600, 850, 700), (1200, 1500), (2600, 2600), (3600, 3600)),
    breath_db=(-8, 4), rows=(2, 10), step=(0.14, 0.3),
)  # fmt: skip
_SHOUTING = Throat(
    pitch=(120, 600), seconds=(0.2, 1.5), shape=(0.8, 1.2, 1, 0.7),
    mouth=((350, 900, 500), (800, 1900, 1200), (2500, 2700), (3600, 3600)),
    breath_db=(-20, -6), rows=(1, 3),
)  # fmt: skip
_HUMMING = replace(
    _SHOUTING, pitch=(100, 450), seconds=(0.3, 2), shape=(0.95, 1, 1.05, 1),
    mouth=((250, 300), (1000, 1000), (2300, 2300)), tremolo=(4, 7),
)  # fmt: skip
_CLEARING = replace(
    _LAUGHING, pitch=(70, 160), seconds=(0.15, 0.5), rough=15, rows=(1, 3), step=(0.3, 0.7)
)


def cries(length: int, random: np.random.Generator) -> np.ndarray:
    """A baby, laughter, a shout or humming: vowels that are no words."""
    throats = (_BABY, _LAUGHING, _SHOUTING, _HUMMING)
    throat = throats[int(random.integers(len(throats)))]
    places = [tuple(random.permutation(places)) for places in throat.mouth]
    return calling(length, random, replace(throat, mouth=tuple(places)))


def coughs(length: int, random: np.random.Generator) -> np.ndarray:
    """Somebody coughs, sneezes, clears the throat, or breathes heavily."""
    size = random.uniform(0.85, 1.2)
    mouth: list[Formant] = [
        (size * random.uniform(500, 800), 180.0, 1.0),
        (size * random.uniform(1100, 1800), 250.0, 0.8),
        (size * random.uniform(2300, 3000), 350.0, 0.6),
        (size * random.uniform(3300, 4500), 500.0, 0.4),
    ]
    which = int(random.integers(6))
    if which < 2:
        return in_rows(length, random, lambda: _cough(mouth, random),
                       count=(1, 4), step=(0.25, 0.6), pause=(0.6, 3))  # fmt: skip
    if which < 4:
        return in_rows(length, random, lambda: _sneeze(mouth, random),
                       count=(1, 2), step=(1.2, 2), pause=(0.8, 3))  # fmt: skip
    if which < 5:
        return calling(length, random, _CLEARING)
    return in_rows(length, random, lambda: _breath(mouth, random),
                   count=(2, 6), step=(0.8, 2), pause=(0.3, 2))  # fmt: skip


def _cough(mouth: Sequence[Formant], random: np.random.Generator) -> np.ndarray:
    """A burst, then breath that dies away, with some voice in it."""
    burst = shaped_noise(samples(random.uniform(0.1, 0.2)), random, mouth)
    burst *= dying(len(burst), seconds=random.uniform(0.012, 0.04))
    breath = shaped_noise(samples(random.uniform(0.12, 0.4)), random, mouth)
    breath *= swell(len(breath), rise=0.1, fall=0.8)
    voice = 0.7 * call(_CLEARING, random) * gain(random.uniform(-20, 0))
    sound = np.zeros(samples(0.9))
    add(sound, 0, 2 * burst)
    start = samples(random.uniform(0.02, 0.06))
    add(sound, start, random.uniform(0.3, 0.9) * breath)
    add(sound, start, voice)
    return sound


def _sneeze(mouth: Sequence[Formant], random: np.random.Generator) -> np.ndarray:
    """Air is drawn in, and bursts out through the teeth; some say it."""
    drawn = shaped_noise(samples(random.uniform(0.25, 0.8)), random, mouth, tilt=0.3)
    drawn *= random.uniform(0.02, 0.3) * path(len(drawn), 0, 0.3, 1, 0)
    teeth: list[Formant] = [
        *mouth, (between(random, 2500, 6000), between(random, 600, 2500), random.uniform(0.5, 2))
    ]  # fmt: skip
    out = shaped_noise(samples(random.uniform(0.25, 0.7)), random, teeth)
    out *= dying(len(out), seconds=random.uniform(0.05, 0.18), rise_seconds=0.01)
    sound = np.zeros(len(drawn) + samples(1))
    add(sound, 0, drawn)
    add(sound, len(drawn), out)
    if random.random() < 0.6:
        voiced = replace(_SHOUTING, pitch=(150, 450), seconds=(0.15, 0.4), shape=(1.3, 1, 0.7))
        add(sound, len(drawn), 0.6 * call(voiced, random) * gain(random.uniform(-15, 0)))
    return sound


def _breath(mouth: Sequence[Formant], random: np.random.Generator) -> np.ndarray:
    size = samples(random.uniform(0.3, 1.2))
    air = shaped_noise(size, random, mouth, tilt=random.uniform(0, 0.5))
    return air * swell(size, rise=random.uniform(0.2, 0.8), fall=0.2)


def babble(length: int, random: np.random.Generator, *, talk: Sequence[Path]) -> np.ndarray:
    """Six to ten voices at once; none of them can be understood.

    Raises:
        StapesError: a recording of the talk cannot be read.
    """
    total = np.zeros(length)
    for _ in range(int(random.integers(BABBLERS[0], BABBLERS[1] + 1))):
        voice = np.zeros(0)
        while len(voice) < length:
            path = talk[int(random.integers(len(talk)))]
            said = read_audio(path, sample_rate=RATE, resample=True)
            start = int(random.integers(len(said)))
            voice = np.concatenate([voice, said[start:]])
        total += unit(voice[:length]) * gain(random.uniform(-6, 0))
    return total
