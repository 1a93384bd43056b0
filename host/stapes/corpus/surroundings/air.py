# SPDX-License-Identifier: Apache-2.0
"""Noises of air and water: hiss, wind, fans, rain, fire and water."""

from __future__ import annotations

import numpy as np

from stapes.corpus.effects import coloured_noise
from stapes.corpus.surroundings.parts import (
    RATE,
    Formant,
    add,
    between,
    clicks,
    dying,
    gain,
    on_and_off,
    path,
    samples,
    shaped_noise,
    through,
    tone,
    walk,
)


def coloured(length: int, random: np.random.Generator, exponent: float) -> np.ndarray:
    """Noise whose power falls with frequency**-exponent: power 1."""
    noise = coloured_noise(length, exponent, sample_rate=RATE, generator=random)
    return noise.astype(np.float64)


def hiss(length: int, random: np.random.Generator) -> np.ndarray:
    """Two colours of noise, between white and brown; their levels wander, or are switched."""
    total = np.zeros(length)
    for level in (0.0, random.uniform(-20, 0)):
        noise = coloured(length, random, random.uniform(0, 2))
        wander = walk(length, random, seconds=between(random, 0.7, 6), low=level - 14, high=level)
        noise *= gain(wander)
        if random.random() < 0.25:
            noise *= on_and_off(length, random, on=(0.5, 5), off=(0.2, 3))
        total += noise
    return total


def wind(length: int, random: np.random.Generator) -> np.ndarray:
    """Gusts: the stronger, the louder and the higher."""
    strength = walk(length, random, seconds=between(random, 0.4, 3), low=0, high=1)
    low, high = between(random, 60, 200), between(random, 250, 1200)
    whistle = low + high * strength
    formants: list[Formant] = [
        (whistle, 0.15 * float(whistle.mean()), random.uniform(0.1, 1)),
        (2.3 * whistle, 0.3 * float(whistle.mean()), random.uniform(0, 0.4)),
        (between(random, 60, 150), 80.0, random.uniform(0.5, 3)),
    ]
    noise = shaped_noise(length, random, formants, tilt=random.uniform(0, 0.5))
    return noise * gain(random.uniform(12, 30) * (strength - 1))


def fan(length: int, random: np.random.Generator) -> np.ndarray:
    """Noise of an even band that beats with the blades, and their tone."""
    turns = between(random, 15, 150) * walk(length, random, seconds=3, low=0.98, high=1.02)
    bands: list[Formant] = [
        (between(random, 150, 4000), between(random, 200, 2500), random.random()) for _ in range(3)
    ]
    air = shaped_noise(length, random, bands, tilt=random.uniform(0, 1))
    beat = np.sin(2 * np.pi * np.cumsum(turns) / RATE)
    blades = tone(turns, random, weights=random.uniform(0, 1, 12) / np.arange(1, 13))
    return air * (1 + random.uniform(0, 0.5) * beat) + random.uniform(0, 0.4) * blades


def rain(length: int, random: np.random.Generator) -> np.ndarray:
    """Drops on a surface, from single drops up to a roar, and the hiss of the drops around."""
    wander = walk(length, random, seconds=2, low=-5, high=0)
    often = between(random, 60, 6000) * gain(wander)
    total = np.zeros(length)
    for _ in range(6):
        drop = shaped_noise(
            samples(0.02),
            random,
            [(between(random, 500, 6500), between(random, 800, 4000), 1.0)],
        )
        drop *= dying(len(drop), seconds=between(random, 0.0007, 0.005), rise_seconds=0.0002)
        total += through(clicks(length, random, often / 6), drop)
    far = coloured(length, random, random.uniform(0, 1.2)) * gain(wander)
    return total / max(float(total.std()), 1e-9) + far * gain(random.uniform(-15, 8))


def water(length: int, random: np.random.Generator) -> np.ndarray:
    """Drips, or pouring: bubbles, whose tone rises while it dies away."""
    sound = np.zeros(length)
    low, high = between(random, 200, 900), between(random, 1000, 5000)
    often = between(random, 1, 150)
    for _ in range(max(1, random.poisson(often * length / RATE))):
        seconds = between(random, 0.01, 0.08)
        size = samples(4 * seconds)
        pitch = between(random, low, high) * path(size, 1, random.uniform(1, 1.8))
        bubble = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * dying(size, seconds=seconds)
        add(sound, int(random.integers(length)), random.lognormal(0, 0.8) * bubble)
    flow = shaped_noise(length, random, [(between(random, 800, 4000), 1500.0, 1.0)])
    flow *= gain(walk(length, random, seconds=0.5, low=-10, high=0))
    return sound / max(float(sound.std()), 1e-9) + flow * gain(random.uniform(-40, 0))


def crackle(length: int, random: np.random.Generator) -> np.ndarray:
    """Fire, paper and foil: clicks that come in bursts, over a low rumble."""
    bursts = walk(length, random, seconds=between(random, 0.03, 0.5), low=-2, high=1)
    often = between(random, 20, 300) * 10**bursts
    total = np.zeros(length)
    for _ in range(3):
        crack = shaped_noise(
            samples(0.03), random, [(between(random, 800, 7000), between(random, 400, 4000), 1.0)]
        )
        crack *= dying(len(crack), seconds=between(random, 0.0003, 0.006), rise_seconds=0.0001)
        total += through(clicks(length, random, often / 3), crack)
    rumble = coloured(length, random, random.uniform(1, 2))
    return total / max(float(total.std()), 1e-9) + rumble * gain(random.uniform(-40, -8))
