# SPDX-License-Identifier: Apache-2.0
"""Animals call with a voice, in rows, each in its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stapes.corpus.surroundings.creatures import Throat, barks, birds, call, calling, calls
from stapes.corpus.surroundings.parts import RATE

THROAT = Throat(
    pitch=(200, 800), seconds=(0.2, 0.3), shape=(1, 1), mouth=((800, 800), (1600, 1600)),
    rough=0, breath_db=(-80, -80), rows=(2, 4), step=(0.1, 0.2),
)  # fmt: skip


def pitch_of(sound):
    """In Hz, by the autocorrelation."""
    alike = np.correlate(sound, sound, "full")[len(sound) - 1 :]
    shortest = RATE // 1000
    return RATE / (shortest + int(np.argmax(alike[shortest : RATE // 150])))


def loud(sound):
    """Whether each 10 ms is."""
    level = np.abs(sound[: len(sound) // 160 * 160]).reshape(-1, 160).max(axis=1)
    return level > 0.05 * level.max()


def test_a_call_has_its_pitch_and_length():
    throat = replace(THROAT, pitch=(400, 400))
    sound = call(throat, np.random.default_rng(0))
    assert 0.2 * RATE <= len(sound) <= 0.3 * RATE
    assert pitch_of(sound) == pytest.approx(400, rel=0.08)


def test_the_pitch_follows_its_shape():
    falling = replace(THROAT, pitch=(500, 500), shape=(1.5, 0.7), seconds=(0.5, 0.5))
    sound = call(falling, np.random.default_rng(0))
    assert pitch_of(sound[800:2400]) > 1.3 * pitch_of(sound[-2400:-800])


def test_a_tremolo_makes_it_louder_and_softer():
    still, shaking = (
        call(replace(THROAT, seconds=(1, 1), tremolo=tremolo), np.random.default_rng(0))
        for tremolo in ((0, 0), (8, 8))
    )
    depth = [
        np.std(np.abs(sound[4000:8000]).reshape(-1, 160).max(axis=1)) for sound in (still, shaking)
    ]
    assert depth[1] > 2 * depth[0]


def test_an_animal_keeps_its_pitch_and_others_have_another():
    random = np.random.default_rng(0)
    found = [throat.pitch for throat in (THROAT.one(random) for _ in range(20))]
    assert all(1.1 < high / low < 1.2 for low, high in found)
    assert max(low for low, _ in found) > 2 * min(low for low, _ in found)


def test_an_animal_does_not_interrupt_itself():
    throat = replace(THROAT, rows=(5, 5), step=(0.1, 0.1))
    heard = loud(calling(10 * RATE, np.random.default_rng(1), throat))
    ends = np.flatnonzero(np.diff(np.pad(heard.astype(int), 1)))
    longest = max(end - start for start, end in zip(ends[::2], ends[1::2], strict=True)) / 100
    assert 0.1 < longest <= 0.37, "a call has 0.36 s at most, and five of them in a row 0.7 s"


@pytest.mark.parametrize("kind", [barks, calls, birds])
@pytest.mark.parametrize("seed", range(6))
def test_animals_call_and_are_quiet_again(kind, seed):
    sound = kind(10 * RATE, np.random.default_rng(seed))
    assert len(sound) == 10 * RATE and 0.03 < loud(sound).mean() < 0.97


def test_birds_sing_high():
    for seed in range(4):
        sound = birds(5 * RATE, np.random.default_rng(seed))
        power = np.abs(np.fft.rfft(sound)) ** 2
        assert power[: 5 * 800].sum() < 0.1 * power.sum()
