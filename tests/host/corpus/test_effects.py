# SPDX-License-Identifier: Apache-2.0
"""Effects on sound: each does what it says, keeps the length and follows its seed."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from stapes import _native
from stapes.cli.commands.train import add_arguments as add_train_arguments
from stapes.cli.flags import from_flags
from stapes.corpus.augment import random_silence, random_variation, random_variations
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.effects import (
    add_noise,
    band_gains,
    change_tract,
    change_voice,
    coloured_noise,
    echoes,
    equalizer_gains,
    filter_bins,
    filtered,
    overdrive,
    power,
    reverberate,
    room_size,
)
from stapes.corpus.sound_tables import room_table
from stapes.errors import StapesError

RATE = 16000
TIME = np.arange(RATE) / RATE
TONE = (8000 * np.sin(2 * np.pi * 1000 * TIME)).astype(np.int16)
WHITE = np.random.default_rng(2).standard_normal(RATE, np.float32)
NOISE = np.random.default_rng(1).normal(0, 1000, RATE).astype(np.int16)
EVERYTHING = {
    "noise_snr_db": (0.0, 20.0),
    "speed_percent": 10,
    "time_stretch_percent": 15,
    "pitch_shift_semitones": 3,
    "reverb_ms": 500,
    "equalizer_db": 6,
    "band_limit_hertz": 3000,
    "clipping_db": 10,
    "gain_db": 6,
}
ONE_BY_ONE = [{name: value} for name, value in EVERYTHING.items()]


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def peak_hertz(clip: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(clip * np.hanning(len(clip)), 8 * len(clip)))
    return float(spectrum.argmax() * RATE / 8 / len(clip))


def vary(clip, settings, seed=0):
    return random_variation(clip, [NOISE], settings, sample_rate=RATE, generator=random(seed))


@pytest.mark.parametrize("snr", [-5.0, 0.0, 20.0])
def test_noise_reaches_its_signal_to_noise_ratio(snr):
    noise = add_noise(TONE, NOISE, snr) - TONE
    assert 10 * np.log10(power(TONE) / power(noise)) == pytest.approx(snr, abs=0.01)


def test_noise_on_silence_and_silence_as_noise_change_nothing():
    silence = np.zeros(9, np.int16)
    assert not add_noise(silence, np.arange(9), 0).any()
    assert add_noise(np.arange(9), silence, 0).tolist() == list(range(9))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_coloured_noise_falls_by_three_decibels_an_octave_for_each_exponent(exponent):
    noise = coloured_noise(16 * RATE, exponent, sample_rate=RATE, generator=random())
    assert power(noise) == pytest.approx(1, rel=1e-3)
    frequency, density = scipy.signal.welch(noise, RATE, nperseg=2048)
    band = (frequency > 100) & (frequency < 7000)
    slope = np.polyfit(np.log10(frequency[band]), np.log10(density[band]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.05)


@pytest.mark.parametrize("rate", [0.8, 0.95, 1.25])
def test_another_tempo_keeps_pitch_and_level_and_moves_what_happens(rate):
    stretched = change_voice(TONE, sample_rate=RATE, rate=rate)
    middle = slice(3000, 13000)
    assert peak_hertz(stretched[middle]) == pytest.approx(1000, abs=1)
    assert power(stretched[middle]) == pytest.approx(power(TONE), rel=0.1)
    clicks = np.zeros(RATE, np.float32)
    clicks[[4000, 12000]] = 10000
    heard = np.abs(change_voice(clicks, sample_rate=RATE, rate=rate))
    for half, start in ((heard[:8000], 4000), (heard[8000:], 12000)):
        place = 8000 + (start - 8000) / rate - (8000 if start > 8000 else 0)
        centre = np.average(np.arange(8000), weights=half**2)
        assert centre == pytest.approx(place, abs=256), "half a piece"


def sine(hertz: float, sample_rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(sample_rate) / sample_rate).astype(np.float32)


@pytest.mark.parametrize("rate", [0.85, 1.0, 1.15])
@pytest.mark.parametrize("hertz", [100.3, 441.7, 1234.5, 2718.3])
def test_another_tempo_keeps_tones_that_fit_no_whole_number_of_samples(hertz, rate):
    stretched = change_voice(8000 * sine(hertz), sample_rate=RATE, rate=rate)[3000:13000]
    assert peak_hertz(stretched) == pytest.approx(hertz, abs=1)
    assert power(stretched) == pytest.approx(8000**2 / 2, rel=0.05)
    spectrum = np.square(np.abs(np.fft.rfft(stretched * np.hanning(len(stretched)))))
    near = np.abs(np.fft.rfftfreq(len(stretched), 1 / RATE) - hertz) < 20
    assert spectrum[near].sum() > 0.98 * spectrum.sum(), "one tone, not many"


@pytest.mark.parametrize("rate", [0.85, 1.15])
def test_another_tempo_keeps_the_harmonics_of_a_voice(rate):
    voice = sum(1000 / number * sine(121.3 * number) for number in range(1, 25))
    stretched = change_voice(voice, sample_rate=RATE, rate=rate)[3000:13000]
    spectrum = np.square(np.abs(np.fft.rfft(stretched * np.hanning(len(stretched)))))
    hertz = np.fft.rfftfreq(len(stretched), 1 / RATE)
    off = np.abs(hertz / 121.3 - np.rint(hertz / 121.3)) * 121.3
    assert spectrum[off < 6].sum() > 0.95 * spectrum.sum()


@pytest.mark.parametrize("sample_rate", [8000, 44100, 48000])
def test_tempo_and_pitch_keep_to_their_numbers_at_other_rates(sample_rate):
    clip = 8000 * sine(1000, sample_rate)
    form = {"sample_rate": sample_rate}
    middle = slice(sample_rate // 5, -sample_rate // 5)
    scale = RATE / sample_rate  # of peak_hertz
    assert peak_hertz(change_voice(clip, rate=1.2, **form)[middle]) == pytest.approx(
        1000 * scale, abs=scale
    )
    higher = change_voice(clip, semitones=2, **form)[middle]
    assert peak_hertz(higher) == pytest.approx(1000 * 2 ** (1 / 6) * scale, rel=0.001)


@pytest.mark.parametrize("rate", [0.5, 0.9, 1.1, 3.0])
def test_the_native_tempo_gives_as_many_samples_as_it_says(rate):
    assert len(_native.stretch(NOISE.astype(np.float32), rate, RATE)) == round(RATE / rate)


@pytest.mark.parametrize(("hertz", "length"), [(300, 20000), (1000, 12800), (4000, 15000)])
def test_resampling_is_exact_to_sixty_decibels(hertz, length):
    found = _native.resample(sine(hertz), length)
    expected = np.sin(2 * np.pi * hertz * np.arange(length) / length)
    error = (found - expected)[200:-200]
    assert np.square(error).mean() < 1e-6 * 0.5


def test_the_native_functions_refuse_what_makes_no_sense():
    clip = np.zeros(100, np.float32)
    for call in (
        lambda: _native.stretch(clip, 0.01, RATE),
        lambda: _native.stretch(clip, float("nan"), RATE),
        lambda: _native.stretch(clip, 1.0, 0),
        lambda: _native.stretch(clip[:0], 1.0, RATE),
        lambda: _native.resample(clip, 0),
        lambda: _native.resample(clip, 10**9),
        lambda: _native.resample(clip[:0], 1),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_another_speed_moves_tempo_and_pitch_together(rate):
    burst = TONE * (np.abs(TIME - 0.5) < 0.1)
    faster = change_voice(burst, sample_rate=RATE, speed=rate)
    loud = np.flatnonzero(np.abs(faster) > 4000)
    assert loud[-1] - loud[0] == pytest.approx(0.2 * RATE / rate, abs=20)
    assert (loud[-1] + loud[0]) / 2 == pytest.approx(RATE / 2, abs=20), "around the middle"
    assert peak_hertz(faster[loud[0] : loud[-1]]) == pytest.approx(1000 * rate, rel=0.003)


def test_a_higher_speed_folds_nothing_back_from_beyond_half_the_rate():
    high = 8000 * np.sin(2 * np.pi * 7000 * TIME)
    assert power(change_voice(high, sample_rate=RATE, speed=1.25)[2500:13500]) < 1e-3 * power(high)


@pytest.mark.parametrize("semitones", [-4.0, 1.0, 7.0])
def test_another_pitch_moves_the_tone_and_keeps_the_tempo(semitones):
    shifted = change_voice(TONE, sample_rate=RATE, semitones=semitones)[3000:13000]
    assert peak_hertz(shifted) == pytest.approx(1000 * 2 ** (semitones / 12), rel=0.003)
    burst = TONE * (np.abs(TIME - 0.5) < 0.1)
    loud = np.flatnonzero(np.abs(change_voice(burst, sample_rate=RATE, semitones=semitones)) > 4000)
    assert loud[-1] - loud[0] == pytest.approx(0.2 * RATE, abs=300)


def test_a_higher_pitch_folds_nothing_back_from_beyond_half_the_rate():
    high = 8000 * np.sin(2 * np.pi * 7000 * TIME)
    assert power(change_voice(high, sample_rate=RATE, semitones=7)[2000:14000]) < 1e-3 * power(high)


def test_at_its_own_tempo_and_pitch_the_voice_is_the_clip():
    np.testing.assert_allclose(change_voice(NOISE, sample_rate=RATE), NOISE, atol=0.1)
    same = _native.stretch(NOISE.astype(np.float32), 1.0, RATE)
    np.testing.assert_allclose(same, NOISE, atol=0.1)


@pytest.mark.parametrize("rt60_ms", [200, 600])
def test_a_room_decays_by_sixty_decibels_in_its_reverberation_time(rt60_ms):
    response = echoes(WHITE, rt60_ms=rt60_ms, sample_rate=RATE)
    energy = np.cumsum(np.square(response, dtype=np.float64)[::-1])[::-1]  # Schroeder 1965
    level = 10 * np.log10(energy / energy[0])
    early = (level < -5) & (level > -25)
    slope = np.polyfit(np.flatnonzero(early) / RATE, level[early], 1)[0]
    assert -60_000 / slope == pytest.approx(rt60_ms, rel=0.1)
    assert np.square(response).sum() == pytest.approx(1, rel=1e-5)
    assert not response[: RATE // 400].any(), "no echo before its way"


def test_a_room_keeps_energy_and_order_and_the_share_of_the_direct_sound():
    response = echoes(WHITE, rt60_ms=300, sample_rate=RATE)
    size = room_size(RATE, RATE, 300)
    heard = {"direct_db": 3, "size": size}
    room = np.fft.rfft(response, size)
    click = reverberate(np.eye(1, RATE)[0] * 1000, room, **heard) / 1000
    squares = np.square(click, dtype=np.float64)
    assert squares.sum() == pytest.approx(1, rel=1e-3)
    assert 10 * np.log10(squares[0] / squares[1:].sum()) == pytest.approx(3, abs=0.01)
    expected = scipy.signal.fftconvolve(NOISE, click[: len(response)])[:RATE]
    np.testing.assert_allclose(reverberate(NOISE, room, **heard), expected, atol=0.5)


def test_the_table_has_rooms_of_every_length():
    rooms = np.fft.irfft(room_table(RATE, RATE, 100, 400))
    lengths = [np.flatnonzero(np.abs(room) > 1e-5).max() / 16 for room in rooms]
    np.testing.assert_allclose(lengths, np.linspace(100, 400, len(rooms)), atol=8)
    np.testing.assert_allclose(np.square(rooms).sum(axis=1), 1, rtol=1e-4)
    assert np.abs(np.corrcoef(rooms)[0, 1:]).max() < 0.2, "none like another"


def test_the_equalizer_reaches_its_gains_at_its_bands():
    gains = np.array([6.0, -6.0, 0.0, 3.0, -3.0, 6.0])
    curve = equalizer_gains(gains, bins=filter_bins(RATE, RATE), sample_rate=RATE)
    response = filtered(np.eye(1, RATE, RATE // 2)[0] * 1000, curve)
    centres = np.geomspace(60, RATE / 2, 6)
    level = 20 * np.log10(np.abs(np.fft.rfft(response))[np.rint(centres).astype(int)] / 1000)
    np.testing.assert_allclose(level, gains, atol=0.3)


def test_a_limited_band_has_the_magnitudes_of_butterworth_filters():
    click = np.eye(1, RATE, RATE // 2)[0] * 1000
    edges = {"low_hertz": 200, "high_hertz": 3000}
    curve = band_gains(**edges, bins=filter_bins(RATE, RATE), sample_rate=RATE)
    band = filtered(click, curve)
    hertz = np.array([50, 100, 200, 1000, 3000, 6000])
    found = np.abs(np.fft.rfft(band))[hertz] / 1000
    low = np.abs(scipy.signal.freqs(*scipy.signal.butter(2, 200, "high", analog=True), hertz)[1])
    high = np.abs(scipy.signal.freqs(*scipy.signal.butter(4, 3000, "low", analog=True), hertz)[1])
    np.testing.assert_allclose(found, low * high, atol=0.01)


def test_overdriving_cuts_off_the_peaks_and_nothing_else():
    driven = overdrive(TONE, 6.0206)
    assert np.abs(driven).max() == pytest.approx(4000, rel=1e-3)
    below = np.abs(TONE) < 3990
    assert driven[below].tolist() == TONE[below].tolist()


@pytest.mark.parametrize("effect", ONE_BY_ONE, ids=lambda effect: next(iter(effect)))
def test_each_flag_changes_the_clip_keeps_its_length_and_follows_the_seed(effect):
    off = AugmentSettings(background_volume=0, time_shift_ms=0)
    settings = AugmentSettings(background_volume=0, time_shift_ms=0, augment_frequency=1, **effect)
    varied = vary(TONE, settings, seed=3)
    assert varied.dtype == np.int16 and varied.shape == TONE.shape
    np.testing.assert_array_equal(varied, vary(TONE, settings, seed=3))
    assert not np.array_equal(varied, vary(TONE, settings, seed=4))
    assert not np.array_equal(varied, vary(TONE, off, seed=3))


def test_effects_leave_the_drawing_of_shift_gain_and_background_alone():
    plain = AugmentSettings(gain_db=3)
    never = AugmentSettings(**EVERYTHING | {"gain_db": 3}, augment_frequency=0)
    np.testing.assert_array_equal(vary(TONE, plain), vary(TONE, never))


def test_clips_varied_together_are_what_they_are_alone():
    clips = np.stack([TONE, NOISE, TONE // 2, np.zeros(RATE, np.int16), NOISE])
    form = {"noises": [NOISE], "settings": AugmentSettings(**EVERYTHING), "sample_rate": RATE}
    together = random_variations(clips, generators=[random(seed) for seed in range(5)], **form)
    for seed, (clip, varied) in enumerate(zip(clips, together, strict=True)):
        alone = random_variation(clip, generator=random(seed), **form)
        np.testing.assert_allclose(varied, alone, atol=1)  # sums of another order


def test_what_an_effect_draws_does_not_depend_on_the_others():
    some = {"time_shift_ms": 0, "background_volume": 0, "time_stretch_percent": 15}
    inaudible = {"noise_snr_db": (100.0, 100.0)}
    for seed in range(8):
        varied = vary(TONE, AugmentSettings(**some), seed)
        np.testing.assert_allclose(
            vary(TONE, AugmentSettings(**some, **inaudible), seed), varied, atol=1
        )


def test_every_effect_together_takes_silence_and_short_clips():
    settings = AugmentSettings(**EVERYTHING, augment_frequency=1, time_shift_ms=0)
    assert not random_variation(
        np.zeros(RATE, np.int16), [], settings, sample_rate=RATE, generator=random()
    ).any()
    assert vary(TONE[:240], settings).shape == (240,)


def test_the_share_of_clips_is_kept():
    settings = AugmentSettings(
        clipping_db=20, augment_frequency=0.3, background_volume=0, time_shift_ms=0
    )
    changed = [not np.array_equal(vary(TONE, settings, seed), TONE) for seed in range(300)]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.08)


def test_silence_hears_the_same_kinds_of_noise_as_the_words():
    quiet = [np.zeros(100, np.int16)]
    clips = [random_silence(100, quiet, random(seed), coloured_at=RATE) for seed in range(60)]
    assert 15 < sum(bool(clip.any()) for clip in clips) < 45
    assert random_silence(100, [], random(), coloured_at=RATE).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise_snr_db": (9.0, 3.0)}, "--noise_snr_db=9,3: expected LOW,HIGH"),
        ({"noise_snr_db": (9.0,)}, "--noise_snr_db=9: expected LOW,HIGH"),
        ({"reverb_ms": -1}, "--reverb_ms=-1: expected 0 to 5000"),
        ({"band_limit_hertz": 10}, "--band_limit_hertz=10: expected 300 to 24000, or 0"),
        ({"augment_frequency": 2}, "--augment_frequency=2: expected 0 to 1"),
    ],
)
def test_amounts_out_of_range_are_refused(settings, message):
    with pytest.raises(StapesError, match=message):
        AugmentSettings(**settings)


def test_every_setting_is_a_flag_of_train():
    import argparse

    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    folders = ["--data_dir", "x", "--train_dir", "y"]
    flags = ["--noise_snr_db=-5,20", "--reverb_ms", "300", "--time_mask_frames", "4"]
    assert from_flags(AugmentSettings, parser.parse_args(folders)) == AugmentSettings()
    assert from_flags(AugmentSettings, parser.parse_args([*folders, *flags])) == AugmentSettings(
        noise_snr_db=(-5.0, 20.0), reverb_ms=300.0, time_mask_frames=4
    )


# ---- vocal tract


def vowel(*, pitch, resonance, samples=16000):
    """Harmonics of `pitch` under one resonance, float32 at a level of int16."""
    time = np.arange(samples) / 16000
    harmonics = np.arange(1, 40) * pitch
    weights = 1 / (1 + ((harmonics - resonance) / 150) ** 2)
    waves = weights[:, None] * np.sin(2 * np.pi * harmonics[:, None] * time)
    return (3000 * waves.sum(axis=0)).astype(np.float32)


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_a_shorter_tract_moves_the_resonance_and_leaves_the_pitch(factor):
    said = vowel(pitch=110, resonance=1500)
    changed = change_tract(said, sample_rate=16000, factor=factor)
    assert changed.shape == said.shape and changed.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(changed))  # a bin is 1 Hz
    harmonics = np.array(
        [spectrum[number * 110 - 3 : number * 110 + 4].max() for number in range(1, 40)]
    )
    assert harmonics.argmax() + 1 == pytest.approx(1500 * factor / 110, abs=1.1)
    between = np.array([spectrum[number * 110 + 55] for number in range(1, 40)])
    assert between.max() < 0.05 * harmonics.max(), "still harmonics of 110 Hz"


def test_the_same_tract_changes_nothing_and_silence_stays_silence():
    said = vowel(pitch=110, resonance=1500)
    np.testing.assert_array_equal(change_tract(said, sample_rate=16000, factor=1.0), said)
    silence = np.zeros(5000, np.float32)
    assert not change_tract(silence, sample_rate=16000, factor=1.1).any()
