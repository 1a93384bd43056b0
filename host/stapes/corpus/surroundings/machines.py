# SPDX-License-Identifier: Apache-2.0
"""Machines: mains hum, motors, engines, and what beeps and rings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stapes.corpus.surroundings.parts import (
    RATE,
    Formant,
    add,
    between,
    dying,
    gain,
    in_rows,
    on_and_off,
    ring,
    samples,
    shaped_noise,
    swell,
    through,
    tone,
    unit,
    walk,
    wavering,
)


def hum(length: int, random: np.random.Generator) -> np.ndarray:
    """Harmonics of the mains, from a dull transformer to a buzzing lamp, in light noise."""
    mains = float(random.choice((50.0, 60.0))) * random.uniform(0.998, 1.002)
    count = int(random.integers(4, 60))
    weights = random.exponential(1, count) * np.arange(1, count + 1) ** -random.uniform(0.2, 1.5)
    weights[1::2] *= random.uniform(0.2, 4)  # twice the mains: magnets pull iron twice a period
    sound = unit(tone(np.full(length, mains), random, weights=weights))
    if random.random() < 0.4:
        sound *= on_and_off(length, random, on=(0.5, 6), off=(0.2, 4))
    noise = shaped_noise(length, random, [(between(random, 100, 3000), 800.0, 1.0)], tilt=0.5)
    return sound + noise * gain(random.uniform(-40, -10))


def motor(length: int, random: np.random.Generator) -> np.ndarray:
    """A mixer, a drill, a vacuum cleaner: it starts, turns, labours, and stops."""
    power = on_and_off(length, random, on=(0.6, 8), off=(0.2, 3), ramp=between(random, 0.1, 1.2))
    load = walk(length, random, seconds=between(random, 0.3, 4), low=0.85, high=1)
    turns = between(random, 40, 400) * np.maximum(power, 0.05) * load
    case: list[Formant] = [
        (between(random, 200, 5000), between(random, 100, 900), random.random()) for _ in range(4)
    ]
    weights = random.exponential(1, 40) * np.arange(1, 41) ** -random.uniform(0, 1.2)
    whine = unit(tone(turns, random, weights=weights, formants=case))
    air = shaped_noise(length, random, case, tilt=random.uniform(0, 0.7))
    return power * (whine + air * gain(random.uniform(-15, 8)))


def engine(length: int, random: np.random.Generator) -> np.ndarray:
    """Explosions of uneven strength, in uneven times, through an exhaust: mopeds, saws, lorries."""
    gas = walk(length, random, seconds=between(random, 0.5, 5), low=0, high=1)
    per_second = between(random, 15, 220) * (1 + random.uniform(0.2, 2) * gas)
    exhaust: list[Formant] = [
        (between(random, 60, 400), between(random, 30, 200), 1.0),
        *(
            (between(random, 300, 5000), between(random, 80, 700), random.random())
            for _ in range(4)
        ),
    ]
    bang = shaped_noise(samples(0.06), random, exhaust, tilt=random.uniform(0, 0.6))
    bang *= dying(len(bang), seconds=between(random, 0.001, 0.012), rise_seconds=0.0003)
    sound = unit(through(_explosions(per_second, random), bang)) * gain(8 * gas - 8)
    rattle = shaped_noise(length, random, exhaust) * gain(10 * gas - 10)
    sound += rattle * gain(random.uniform(-25, -5))
    if random.random() < 0.4:
        sound *= on_and_off(length, random, on=(1, 6), off=(0.2, 2), ramp=0.3)
    return sound


def _explosions(per_second: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A single sample for each explosion: where the sum of `per_second` passes a whole number,
    moved and scaled a little. Each of one to four cylinders has its own strength."""
    uneven, cylinders = random.uniform(0, 0.012), random.uniform(0.4, 1, int(random.integers(1, 5)))
    count = np.cumsum(wavering(per_second, random, percent=2, seconds=0.1)) / RATE
    moments = np.flatnonzero(np.diff(np.floor(count)) > 0)
    moved = moments + random.normal(0, uneven, len(moments)) * RATE / per_second[moments]
    sound = np.zeros(len(per_second))
    places = np.clip(moved.astype(int), 0, len(sound) - 1)
    strengths = np.resize(cylinders, len(places)) * random.uniform(0.8, 1, len(places))
    np.add.at(sound, places, strengths)
    return sound


def alarm(length: int, random: np.random.Generator) -> np.ndarray:
    """One of: beeps, two tones in turn, a siren, a bell, a telephone that is dialled."""
    kinds: tuple[Callable[[int, np.random.Generator], np.ndarray], ...] = (
        *(_beeps, _beeps, _two_tones, _siren, _bells, _dialling),
    )
    return kinds[int(random.integers(len(kinds)))](length, random)


def _voice(pitch: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The tone of a sounder, from a sine to one that is as sharp as a square wave."""
    weights = np.array([1, 0, 1 / 3, 0, 1 / 5, 0, 1 / 7]) ** random.uniform(0.7, 3)
    return tone(pitch, random, weights=weights)


def _beeps(length: int, random: np.random.Generator) -> np.ndarray:
    pitch, seconds = between(random, 400, 4500), between(random, 0.04, 0.8)
    sharp = random.integers(2**32)

    def beep() -> np.ndarray:
        size = samples(seconds)
        sound = _voice(np.full(size, pitch), np.random.default_rng(sharp))
        return sound * swell(size, rise=0.05, fall=0.05)

    step = 1.3 * seconds
    return in_rows(
        length, random, beep, count=(1, 6), step=(step, 1.5 * step), pause=(2 * step, 2.5)
    )


def _two_tones(length: int, random: np.random.Generator) -> np.ndarray:
    first = between(random, 300, 3000)
    second = first * random.uniform(1.1, 1.6)
    turn = between(random, 0.04, 0.7)
    high = (np.arange(length) // samples(turn)) % 2 == 0
    sound = _voice(np.where(high, first, second), random)
    return sound * on_and_off(length, random, on=(0.5, 3), off=(0.3, 3), ramp=0.01)


def _siren(length: int, random: np.random.Generator) -> np.ndarray:
    low = between(random, 300, 1200)
    high = low * random.uniform(1.5, 3)
    turns = between(random, 0.2, 5) * np.arange(length) / RATE
    sweep = np.abs(2 * (turns % 1) - 1) if random.random() < 0.6 else turns % 1
    sound = _voice(low * (high / low) ** sweep, random)
    return sound * gain(walk(length, random, seconds=4, low=-15, high=0))


def _bells(length: int, random: np.random.Generator) -> np.ndarray:
    """Ding dong, or a bicycle's bell that is rung on and on."""
    partials = np.array([1, 2, 2.4, 3, 4.5, 5.3, 6.7]) * random.uniform(0.99, 1.01, 7)
    decays = between(random, 0.1, 1.2) / np.sqrt(partials)
    levels = random.uniform(0.1, 1, 7) / partials
    pitches = between(random, 300, 1800) * np.array([1, 0.8, 2 / 3])

    def bell() -> np.ndarray:
        return ring(float(random.choice(pitches)) * partials, decays, levels)

    return in_rows(length, random, bell, count=(1, 8), step=(0.06, 0.9), pause=(0.5, 4))


def _dialling(length: int, random: np.random.Generator) -> np.ndarray:
    """Pairs of tones, as a telephone dials; then it rings at the other end."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    sound, seconds = np.zeros(length), between(random, 0.06, 0.25)
    place = samples(random.uniform(0, 1))
    while place < length:
        for _ in range(int(random.integers(3, 12))):
            pair = (float(random.choice(rows)), float(random.choice(columns)))
            add(sound, place, np.sum([_sine(pitch, seconds) for pitch in pair], axis=0))
            place += samples(2 * seconds * random.uniform(0.8, 1.3))
        answer = _sine(425, random.uniform(0.5, 1.5))
        add(sound, place, answer)
        place += len(answer) + samples(random.uniform(0.5, 2.5))
    return sound


def _sine(pitch: float, seconds: float) -> np.ndarray:
    return np.asarray(np.sin(2 * np.pi * pitch * np.arange(samples(seconds)) / RATE))
