# SPDX-License-Identifier: Apache-2.0
"""The parts of which surroundings are built do what they say."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.corpus.surroundings.parts import (
    RATE,
    add,
    between,
    clicks,
    dying,
    in_rows,
    on_and_off,
    path,
    ring,
    shaped_noise,
    swell,
    through,
    tone,
    unit,
    walk,
    wavering,
)


@pytest.fixture
def random():
    return np.random.default_rng(0)


def peaks(sound):
    """The frequencies in Hz of what stands out."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    top = (spectrum[1:-1] > spectrum[:-2]) & (spectrum[1:-1] >= spectrum[2:])
    loud = spectrum[1:-1] > 0.05 * spectrum.max()
    return (np.flatnonzero(top & loud) + 1) * RATE / len(sound)


def centre(sound):
    """The mean frequency in Hz."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / power.sum())


def test_numbers_are_drawn_evenly_in_octaves(random):
    drawn = [between(random, 100, 6400) for _ in range(600)]
    assert min(drawn) >= 100 and max(drawn) <= 6400
    assert abs(np.mean(np.array(drawn) < 800) - 0.5) < 0.07


def test_a_walk_stays_within_its_limits_and_does_not_jump(random):
    curve = walk(RATE, random, seconds=0.1, low=-3, high=5)
    assert len(curve) == RATE and -3 <= curve.min() < 0 and 3 < curve.max() <= 5
    assert np.abs(np.diff(curve)).max() <= 8 / (0.09 * RATE)
    assert len(walk(1, random, seconds=5, low=0, high=1)) == 1


def test_a_path_has_its_values_at_equal_distances():
    assert path(5, 1, 3, 2)[[0, 2, 4]].tolist() == [1, 3, 2]
    assert path(3, 7).tolist() == [7, 7, 7]


def test_envelopes_rise_and_fall():
    curve = swell(101, rise=0.1, fall=0.5)
    assert curve[0] == curve[-1] == 0 and curve[10] == 1 and curve[75] == pytest.approx(0.5)
    dies = dying(RATE, seconds=0.1)
    assert dies[0] == 0 and dies[3200] / dies[1600] == pytest.approx(np.exp(-1))


def test_what_is_switched_is_on_and_off_for_some_time(random):
    switched = on_and_off(20 * RATE, random, on=(0.5, 1), off=(0.5, 1), ramp=0.01)
    assert 0.3 < (switched > 0.5).mean() < 0.7
    assert (np.abs(switched - 0.5) > 0.49).mean() > 0.9


def test_a_tone_has_its_harmonics_and_none_above_the_limit(random):
    found = peaks(tone(np.full(RATE, 1000.0), random, weights=(1, 0, 0.5)))
    assert found.tolist() == [1000, 3000]
    assert max(peaks(tone(np.full(RATE, 1100.0), random, tilt=0))) == 7700


def test_formants_colour_a_tone(random):
    sound = tone(np.full(RATE, 200.0), random, formants=[(2000, 100.0, 1.0)], tilt=0)
    assert np.abs(peaks(sound) - 2000).max() <= 400


def test_a_tone_that_moves_is_folded_nowhere(random):
    sound = tone(path(RATE, 500, 5000), random, weights=(1, 1, 1, 1))
    late = sound[-2000:]
    assert centre(late) == pytest.approx(4700, abs=300), "the harmonics have left"


def test_a_wavering_pitch_stays_near(random):
    pitch = wavering(np.full(RATE, 100.0), random, percent=5)
    assert 95 <= pitch.min() < 98 and 102 < pitch.max() <= 105


def test_noise_lies_in_its_resonance_and_moves_with_it(random):
    still = shaped_noise(RATE, random, [(3000.0, 100.0, 1.0)])
    assert len(still) == RATE and still.std() == pytest.approx(1)
    assert centre(still) == pytest.approx(3000, abs=150)
    moved = shaped_noise(RATE, random, [(path(RATE, 1000, 5000), 100.0, 1.0)])
    assert centre(moved[:1600]) < 1600 and centre(moved[-1600:]) > 4400
    assert len(shaped_noise(10, random, [(3000.0, 100.0, 1.0)])) == 10


def test_noise_falls_with_its_tilt(random):
    flat, steep = (shaped_noise(RATE, random, [(0.0, 1e9, 1.0)], tilt=tilt) for tilt in (0, 1))
    assert centre(flat) == pytest.approx(4000, abs=200) and centre(steep) < 500


def test_what_is_struck_rings_at_its_modes_and_dies_away():
    sound = ring(np.array([500.0, 9000.0]), np.array([0.05, 0.05]), np.ones(2))
    assert peaks(sound).tolist() == pytest.approx([500], abs=RATE / len(sound))
    assert np.abs(sound[-800:]).max() < 0.01 * np.abs(sound[:800]).max()


def test_an_event_is_cut_at_the_end():
    sound = np.zeros(5)
    add(sound, 3, np.ones(4))
    add(sound, 9, np.ones(4))
    assert sound.tolist() == [0, 0, 0, 1, 1]


def test_events_come_in_rows_with_pauses(random):
    sound = in_rows(
        20 * RATE, random, lambda: np.ones(1), count=(3, 3), step=(0.1, 0.1), pause=(1, 2)
    )
    gaps = np.diff(np.flatnonzero(sound)) / RATE
    row, pause = gaps[gaps < 0.5], gaps[gaps > 0.5]
    assert len(row) >= 1.5 * len(pause) and len(pause) >= 5
    assert row.min() > 0.08 and row.max() < 0.12
    assert pause.min() > 1 and len(sound) == 20 * RATE


def test_clicks_are_as_many_as_asked_for_and_each_becomes_an_echo(random):
    sound = clicks(20 * RATE, random, np.full(20 * RATE, 50.0))
    assert 800 < np.count_nonzero(sound) < 1200
    single = np.zeros(10)
    single[[2, 8]] = 1, -1
    heard = through(single, np.array([1, 0.5, 0.25]))
    assert heard == pytest.approx([0, 0, 1, 0.5, 0.25, 0, 0, 0, -1, -0.5])


def test_power_one_and_silence():
    assert unit(np.array([3.0, -3.0])).tolist() == [1, -1]
    assert not unit(np.zeros(4)).any()
