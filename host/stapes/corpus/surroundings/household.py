# SPDX-License-Identifier: Apache-2.0
"""What is struck, put down and turned at home: knocks, steps, dishes, keys and clocks."""

from __future__ import annotations

import numpy as np

from stapes.corpus.surroundings.parts import (
    RATE,
    Range,
    add,
    between,
    dying,
    gain,
    in_rows,
    ring,
    samples,
    shaped_noise,
    unit,
)


def _struck(
    random: np.random.Generator, *, lowest: float, highest: float, modes: int, decay: Range
) -> np.ndarray:
    """The modes of one thing: frequencies and decay times, [2, modes]. They belong to the thing;
    how loud each mode is depends on the stroke."""
    frequencies = np.sort([between(random, lowest, highest) for _ in range(modes)])
    seconds = between(random, *decay) * (frequencies[0] / frequencies) ** random.uniform(0.2, 1)
    return np.stack([frequencies, np.maximum(seconds, 0.001)])


def _hit(thing: np.ndarray, random: np.random.Generator, *, click: float) -> np.ndarray:
    """The thing rings, after the noise of the contact."""
    frequencies, seconds = thing
    levels = random.exponential(1, len(frequencies)) * (frequencies[0] / frequencies) ** 0.5
    sound = ring(frequencies * random.uniform(0.99, 1.01), seconds, levels)
    contact = shaped_noise(
        samples(0.02), random, [(between(random, 300, 4000), between(random, 300, 3000), 1.0)]
    )
    contact *= click * dying(len(contact), seconds=between(random, 0.0005, 0.004))
    sound = np.pad(sound, (0, max(0, len(contact) - len(sound))))
    sound[: len(contact)] += contact
    return sound


def knocks(length: int, random: np.random.Generator) -> np.ndarray:
    """Doors, steps, hammers, boxes: dull things, struck once or in a row."""
    thing = _struck(
        random, lowest=between(random, 50, 250), highest=between(random, 500, 2500),
        modes=int(random.integers(4, 14)), decay=(0.01, 0.12),
    )  # fmt: skip
    click = random.uniform(0, 1.5)
    return in_rows(
        length, random, lambda: _hit(thing, random, click=click),
        count=(1, int(random.integers(1, 9))), step=(0.1, 0.8), pause=(0.3, 2),
    )  # fmt: skip


def dishes(length: int, random: np.random.Generator) -> np.ndarray:
    """Plates, glasses, pans and cutlery: several things that ring, and meet each other."""
    things = [
        _struck(
            random, lowest=between(random, 400, 3000), highest=7500,
            modes=int(random.integers(4, 14)), decay=(0.02, 0.7),
        )
        for _ in range(int(random.integers(2, 6)))
    ]  # fmt: skip

    def clink() -> np.ndarray:
        thing = things[int(random.integers(len(things)))]
        return _hit(thing, random, click=random.uniform(0, 1))

    return in_rows(length, random, clink, count=(1, 6), step=(0.03, 0.5), pause=(0.2, 2))


def keys(length: int, random: np.random.Generator) -> np.ndarray:
    """A bunch of keys that jingles, a keyboard, switches and a mouse: many small clicks."""
    jingles = random.random() < 0.5
    lowest, decay = (2500, (0.01, 0.08)) if jingles else (400, (0.001, 0.01))
    things = [
        _struck(random, lowest=between(random, lowest, 2 * lowest), highest=7600, modes=8,
                decay=decay)
        for _ in range(6)
    ]  # fmt: skip

    def press() -> np.ndarray:
        down, up = (
            _hit(things[int(random.integers(len(things)))], random, click=random.uniform(0.3, 2))
            for _ in range(2)
        )
        sound = np.zeros(len(down) + len(up) + samples(0.15))
        add(sound, 0, down)
        add(sound, samples(random.uniform(0.03, 0.12)), random.uniform(0.1, 0.6) * up)
        return sound

    step = (0.02, 0.08) if jingles else (0.07, 0.35)
    return in_rows(length, random, press, count=(1, 25), step=step, pause=(0.2, 2))


def clock(length: int, random: np.random.Generator) -> np.ndarray:
    """Tick and tock at an even pace; some strike the hour."""
    works = [
        _struck(
            random, lowest=between(random, 600, 3000), highest=7600, modes=7, decay=(0.001, 0.03)
        )
        for _ in range(2)
    ]
    seconds, levels = between(random, 0.15, 1.1), (1.0, random.uniform(0.3, 1))
    sound = np.zeros(length)
    places = np.arange(random.uniform(0, seconds), length / RATE, seconds)
    for number, place in enumerate(places):
        tick = _hit(works[number % 2], random, click=random.uniform(0.5, 1.5))
        add(sound, int(RATE * place), levels[number % 2] * tick)
    if random.random() < 0.3:
        bell = _struck(random, lowest=between(random, 150, 600), highest=3000, modes=8,
                       decay=(0.4, 1.5))  # fmt: skip
        strokes = in_rows(
            length, random, lambda: _hit(bell, random, click=0.2),
            count=(1, 12), step=(0.8, 2), pause=(2, 6),
        )  # fmt: skip
        sound = unit(sound) + unit(strokes) * gain(random.uniform(-6, 12))
    return sound
