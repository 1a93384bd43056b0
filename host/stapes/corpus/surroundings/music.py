# SPDX-License-Identifier: Apache-2.0
"""Random music: chords, arpeggios, a tune, a bass and drums, in a scale and a tempo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stapes.corpus.surroundings.parts import (
    RATE,
    Formant,
    add,
    between,
    dying,
    gain,
    path,
    samples,
    shaped_noise,
    swell,
    tone,
    unit,
)

_SCALES = (
    (0, 2, 4, 5, 7, 9, 11),  # major
    (0, 2, 3, 5, 7, 8, 10),  # minor
    (0, 2, 3, 5, 7, 9, 10),
    (0, 2, 4, 7, 9),  # of five tones
    (0, 3, 5, 6, 7, 10),  # blues
    (0, 1, 4, 5, 7, 8, 11),
)
_BAR = 8  # steps


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """`weights` of its harmonics; it is plucked, or held by a bow or breath; `sings` in vowels."""

    weights: tuple[float, ...]
    decay_seconds: float
    is_held: bool
    vibrato: float
    formants: tuple[Formant, ...] = ()

    @classmethod
    def draw(cls, random: np.random.Generator) -> Instrument:
        count = int(random.integers(1, 20))
        numbers = np.arange(1, count + 1)
        weights = random.exponential(1, count) * numbers ** -random.uniform(0.5, 2)
        weights[0] += 0.3
        sings = random.random() < 0.2
        vowel = (
            (random.uniform(300, 900), 90.0, 1.0),
            (random.uniform(900, 2300), 120.0, 0.6),
            (random.uniform(2400, 3200), 150.0, 0.4),
        )
        return cls(
            weights=tuple(numbers**-0.7 if sings else weights),
            decay_seconds=between(random, 0.08, 1.5),
            is_held=sings or bool(random.random() < 0.4),
            vibrato=random.uniform(0, 0.01) * (sings or random.random() < 0.4),
            formants=vowel if sings else (),
        )

    def play(self, pitch: float, seconds: float, random: np.random.Generator) -> np.ndarray:
        """One note."""
        size = samples(seconds)
        waves = np.sin(2 * np.pi * random.uniform(4.5, 6.5) * np.arange(size) / RATE)
        moving = pitch * (1 + self.vibrato * waves)
        sound = unit(tone(moving, random, weights=self.weights, formants=self.formants))
        if self.is_held:
            return sound * swell(size, rise=min(0.5, 0.04 / seconds), fall=0.3)
        ending = swell(size, rise=1e-4, fall=0.1)
        return sound * dying(size, seconds=self.decay_seconds, rise_seconds=0.004) * ending


@dataclass(frozen=True, kw_only=True)
class _Song:
    """What all parts of a piece have in common."""

    root: float
    scale: tuple[int, ...]
    step_seconds: float
    chords: tuple[int, ...]

    @classmethod
    def draw(cls, random: np.random.Generator) -> _Song:
        return cls(
            root=between(random, 100, 200),
            scale=_SCALES[int(random.integers(len(_SCALES)))],
            step_seconds=30 / between(random, 55, 190),
            chords=tuple(int(degree) for degree in random.integers(0, 7, 4)),
        )

    def pitch(self, degree: int) -> float:
        octave, step = divmod(degree, len(self.scale))
        return float(self.root * 2 ** (octave + self.scale[step] / 12))

    def chord(self, step: int) -> int:
        """The lowest degree of the chord that sounds at a step."""
        return self.chords[step // _BAR % len(self.chords)]


def music(length: int, random: np.random.Generator) -> np.ndarray:
    """Two to five parts, each played by an instrument of its own."""
    song = _Song.draw(random)
    parts = (_chords, _arpeggio, _tune, _bass, _drums)
    chosen = random.choice(len(parts), size=int(random.integers(2, 6)), replace=False)
    total = np.zeros(length)
    for number in chosen:
        total += unit(parts[number](length, song, random)) * gain(random.uniform(-12, 0))
    return total


def _steps(length: int, song: _Song) -> range:
    return range(int(length / RATE / song.step_seconds) + 1)


def _chords(length: int, song: _Song, random: np.random.Generator) -> np.ndarray:
    sound, instrument = np.zeros(length), Instrument.draw(random)
    every = int(random.choice((2, 4, 8)))
    for step in _steps(length, song)[::every]:
        for third in (0, 2, 4):
            note = instrument.play(
                2 * song.pitch(song.chord(step) + third), every * song.step_seconds, random
            )
            add(sound, samples(step * song.step_seconds), note)
    return sound


def _arpeggio(length: int, song: _Song, random: np.random.Generator) -> np.ndarray:
    sound, instrument = np.zeros(length), Instrument.draw(random)
    pattern = random.choice((0, 2, 4, 7, 9), size=_BAR)
    for step in _steps(length, song):
        degree = song.chord(step) + int(pattern[step % _BAR])
        note = instrument.play(2 * song.pitch(degree), 1.5 * song.step_seconds, random)
        add(sound, samples(step * song.step_seconds), note)
    return sound


def _tune(length: int, song: _Song, random: np.random.Generator) -> np.ndarray:
    """Wanders up and down by small steps, in notes of several lengths."""
    sound, instrument, degree = np.zeros(length), Instrument.draw(random), 7
    place = 0.0
    while place < length / RATE:
        steps = int(random.choice((1, 1, 2, 2, 3, 4)))
        degree = int(np.clip(degree + random.integers(-3, 4), 2, 16))
        if random.random() < 0.85:
            note = instrument.play(2 * song.pitch(degree), steps * song.step_seconds, random)
            add(sound, samples(place), note)
        place += steps * song.step_seconds
    return sound


def _bass(length: int, song: _Song, random: np.random.Generator) -> np.ndarray:
    sound, instrument = np.zeros(length), Instrument.draw(random)
    played = random.random(_BAR) < 0.5
    for step in _steps(length, song):
        if played[step % _BAR] or step % _BAR == 0:
            note = instrument.play(0.5 * song.pitch(song.chord(step)), song.step_seconds, random)
            add(sound, samples(step * song.step_seconds), note)
    return sound


def _drums(length: int, song: _Song, random: np.random.Generator) -> np.ndarray:
    """A kick, a snare and a cymbal, in a pattern that comes again in every bar."""
    drums = (_kick(random), _snare(random), _cymbal(random))
    played = random.random((len(drums), _BAR)) < np.array([[0.35], [0.25], [0.7]])
    sound = np.zeros(length)
    for step in _steps(length, song):
        for drum, beats in zip(drums, played, strict=True):
            if beats[step % _BAR]:
                place = samples(step * song.step_seconds)
                add(sound, place, drum * random.uniform(0.7, 1))
    return sound


def _kick(random: np.random.Generator) -> np.ndarray:
    size = samples(0.3)
    pitch = path(size, between(random, 100, 250), between(random, 40, 70), 40)
    beat = np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    return 2 * beat * dying(size, seconds=random.uniform(0.05, 0.12))


def _snare(random: np.random.Generator) -> np.ndarray:
    noise = shaped_noise(samples(0.25), random, [(between(random, 800, 4000), 2000.0, 1.0)])
    return noise * dying(len(noise), seconds=random.uniform(0.02, 0.08))


def _cymbal(random: np.random.Generator) -> np.ndarray:
    noise = shaped_noise(samples(0.3), random, [(between(random, 5000, 7500), 1500.0, 1.0)])
    return 0.4 * noise * dying(len(noise), seconds=random.uniform(0.01, 0.1))
