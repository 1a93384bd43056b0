# SPDX-License-Identifier: Apache-2.0
"""The parts of sounds of surroundings: curves, tones, noises, struck things, rows of events.

Sounds and curves are float64 [samples] at RATE. Levels are relative: the code that writes a
recording scales it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import scipy.signal

RATE = 16000
HIGHEST_HERTZ = 7800.0  # what lies above would fold back
_MOST_HARMONICS = 100
_FRAME, _HOP = 512, 128
_BINS = np.fft.rfftfreq(_FRAME, 1 / RATE)[:, None]

# A resonance: its frequency and its width in Hz, each a number or a curve, and its level.
Formant = tuple[float | np.ndarray, float, float]
Range = tuple[float, float]


def samples(seconds: float) -> int:
    """The number of samples, at least one."""
    return max(1, round(RATE * seconds))


def between(random: np.random.Generator, low: float, high: float) -> float:
    """Drawn evenly in octaves, as ears hear frequencies and durations."""
    return float(low * (high / low) ** random.random())


def gain(decibels: float | np.ndarray) -> np.ndarray:
    return np.asarray(10 ** (np.asarray(decibels) / 20))


def unit(sound: np.ndarray) -> np.ndarray:
    """The sound at power 1; silence stays silence."""
    return sound / max(float(np.sqrt(np.mean(np.square(sound)))), 1e-12)


# ---- curves


def walk(
    length: int, random: np.random.Generator, *, seconds: float, low: float, high: float
) -> np.ndarray:
    """Wanders between two values and turns about every `seconds`."""
    knots = max(2, math.ceil(length / (RATE * seconds)) + 1)
    return path(length, *random.uniform(low, high, knots))


def path(length: int, *values: float) -> np.ndarray:
    """From value to value, in equal times."""
    return np.interp(np.linspace(0, len(values) - 1, length), np.arange(len(values)), values)


def swell(length: int, *, rise: float, fall: float) -> np.ndarray:
    """0 to 1 within the share `rise` of the length, and back to 0 within the share `fall`."""
    place = np.linspace(0, 1, length)
    return np.clip(np.minimum(place / rise, (1 - place) / fall), 0, 1)


def dying(length: int, *, seconds: float, rise_seconds: float = 0.002) -> np.ndarray:
    """A quick rise, then a decay by a factor of e in every `seconds`."""
    time = np.arange(length) / RATE
    return np.minimum(1, time / rise_seconds) * np.exp(-time / seconds)


def on_and_off(
    length: int, random: np.random.Generator, *, on: Range, off: Range, ramp: float = 0.05
) -> np.ndarray:
    """1 for some seconds, 0 for some, with ramps between; it begins anywhere."""
    switched = np.zeros(length)
    place = -samples(random.uniform(0, on[1]))
    while place < length:
        end = place + samples(random.uniform(*on))
        switched[max(0, place) : max(0, end)] = 1
        place = end + samples(random.uniform(*off))
    window = np.hanning(samples(ramp) + 2)
    return np.asarray(scipy.signal.fftconvolve(switched, window / window.sum(), "same"))


# ---- tones and noises


def resonances(frequency: np.ndarray, formants: Sequence[Formant]) -> np.ndarray:
    """The gain of resonances at frequencies."""
    total = np.full(np.shape(frequency), 0.01)
    for place, width, level in formants:
        total = total + level / (1 + np.square((frequency - place) / width))
    return total


def tone(
    frequency: np.ndarray,
    random: np.random.Generator,
    *,
    weights: Sequence[float] | np.ndarray = (),
    formants: Sequence[Formant] = (),
    tilt: float = 1.0,
) -> np.ndarray:
    """Harmonics of a frequency [samples] that may move, with the given weights, or with weights
    that fall with number**-tilt. If formants are given, the harmonics pass these resonances."""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    count = min(len(weights) or _MOST_HARMONICS, int(HIGHEST_HERTZ / frequency.min()))
    total = np.zeros(len(frequency))
    for number in range(1, count + 1):
        pitch = number * frequency
        level = (weights[number - 1] if len(weights) else number**-tilt) * (pitch < HIGHEST_HERTZ)
        if formants:
            level = level * resonances(pitch, formants)
        total += level * np.sin(number * phase + random.uniform(0, 2 * np.pi))
    return total


def wavering(
    frequency: np.ndarray, random: np.random.Generator, *, percent: float, seconds: float = 0.02
) -> np.ndarray:
    """A frequency that wavers a little, like that of a throat."""
    share = percent / 100
    return frequency * walk(len(frequency), random, seconds=seconds, low=1 - share, high=1 + share)


def shaped_noise(
    length: int, random: np.random.Generator, formants: Sequence[Formant], *, tilt: float = 0.0
) -> np.ndarray:
    """Noise of power 1 through resonances that may move; the noise falls with frequency**-tilt."""
    size = max(length, _FRAME)
    white = random.standard_normal(size)
    _, _, spectra = scipy.signal.stft(white, RATE, nperseg=_FRAME, noverlap=_FRAME - _HOP)
    frames = np.arange(spectra.shape[1]) * _HOP
    moved = [(_at(place, frames, length), width, level) for place, width, level in formants]
    spectra *= resonances(_BINS, moved) * np.maximum(_BINS, 40.0) ** -tilt
    spectra[_BINS[:, 0] < 30] = 0
    _, sound = scipy.signal.istft(spectra, RATE, nperseg=_FRAME, noverlap=_FRAME - _HOP)
    return unit(sound[:length])


def _at(curve: float | np.ndarray, frames: np.ndarray, length: int) -> float | np.ndarray:
    """The values of a curve at the frames; a plain number stays as it is."""
    if not isinstance(curve, np.ndarray):
        return curve
    return np.interp(frames, np.arange(length), curve)


# ---- events


def ring(
    frequencies: np.ndarray, seconds: np.ndarray, levels: np.ndarray, *, most_seconds: float = 2.0
) -> np.ndarray:
    """The sound of a struck thing: sines that die away, each in its own time."""
    heard = frequencies < HIGHEST_HERTZ
    length = samples(min(most_seconds, 7 * float(seconds.max())))
    time = np.arange(length) / RATE
    total = np.zeros(length)
    for frequency, decay, level in zip(
        frequencies[heard], seconds[heard], levels[heard], strict=True
    ):
        total += level * np.exp(-time / decay) * np.sin(2 * np.pi * frequency * time)
    return total


def add(sound: np.ndarray, start: int, event: np.ndarray) -> None:
    """Adds an event at `start`, in place; what would pass the end of `sound` is cut."""
    part = event[: max(0, len(sound) - start)]
    sound[start : start + len(part)] += part


def in_rows(
    length: int,
    random: np.random.Generator,
    event: Callable[[], np.ndarray],
    *,
    count: tuple[int, int],
    step: Range,
    pause: Range,
) -> np.ndarray:
    """Events in rows: `count` events in a row, `step` seconds between their beginnings, `pause`
    seconds between the rows; each value is drawn from its range."""
    sound = np.zeros(length)
    place = samples(random.uniform(0, min(pause[1], 0.5 * length / RATE)))
    while place < length:
        seconds = between(random, *step)
        loudness = gain(random.uniform(-12, 0))
        for _ in range(int(random.integers(count[0], count[1] + 1))):
            add(sound, place, loudness * random.uniform(0.6, 1) * event())
            place += samples(seconds * random.uniform(0.85, 1.15))
        place += samples(random.uniform(*pause))
    return sound


def clicks(length: int, random: np.random.Generator, per_second: np.ndarray) -> np.ndarray:
    """Single samples at random moments, `per_second` on average, with widely different levels."""
    there = random.random(length) < per_second / RATE
    return there * random.lognormal(0, 1, length) * random.choice((-1.0, 1.0), length)


def through(sound: np.ndarray, echo: np.ndarray) -> np.ndarray:
    """Replaces every click of a sound by `echo`; the length stays the same."""
    return np.asarray(scipy.signal.fftconvolve(sound, echo)[: len(sound)])
