# SPDX-License-Identifier: Apache-2.0
"""From PDM bits to samples, compared with scipy.signal and with what a filter must do."""

import numpy as np
import pytest
from scipy import signal

from stapes import _native

BIT_RATE = 1_024_000
RATE = 16_000
AMPLITUDE = 0.5


def modulate(inputs):
    """float [tones, bits] within +-0.8 -> bool [tones, bits]: a second-order sigma-delta modulator
    with a flat signal transfer (Silva and Steensgaard), as microphones have one of higher order."""
    first, second = np.zeros((2, len(inputs)))
    bits = np.empty(inputs.shape, dtype=bool)
    for step in range(inputs.shape[1]):
        sample = inputs[:, step]
        high = sample + 2 * first + second >= 0
        second += first
        first += sample - np.where(high, 1.0, -1.0)
        bits[:, step] = high
    return bits


def words(bits):
    return np.packbits(bits.reshape(-1, 16)).view(">u2").astype(np.uint16)


PASSED = (100, 300, 1000, 2000, 3000, 4000, 5000, 6000, 7000)
STOPPED = (9000, 12000, 15000, 17000, 26000, 31000, 33000, 57000, 63000, 65000, 127000)
QUIET = 500  # times quieter


@pytest.fixture(scope="module")
def tones():
    """Modulated tones by frequency; "quiet" is one of 1 kHz."""
    frequencies = np.array([*PASSED, *STOPPED, 1000])
    inputs = AMPLITUDE * np.sin(
        2 * np.pi * np.outer(frequencies, np.arange(round(0.06 * BIT_RATE)) / BIT_RATE)
    )
    inputs[-1] /= QUIET
    return dict(zip([*PASSED, *STOPPED, "quiet"], modulate(inputs), strict=True))


def fitted(samples, frequency):
    """The amplitude of a tone in settled samples, full scale 1, and the power of all else."""
    settled = samples[100:].astype(float) / 32768
    phase = 2 * np.pi * frequency * np.arange(len(settled)) / RATE
    basis = np.stack([np.sin(phase), np.cos(phase), np.ones_like(phase)], axis=1)
    weights, *_ = np.linalg.lstsq(basis, settled, rcond=None)
    return np.hypot(*weights[:2]), np.mean((settled - basis @ weights) ** 2)


def decibels(ratio):
    return 20 * np.log10(ratio)


@pytest.fixture(scope="module")
def noise_bits():
    return np.random.default_rng(5).integers(0, 2, 64 * 2000).astype(bool)


def reference(bits):
    """scipy's float filters for the same stages: sinc^5, half-band, compensation by design."""
    sinc = np.ones(1)
    for _ in range(5):
        sinc = np.convolve(sinc, np.ones(16) / 16)
    half_band = signal.remez(19, [0, 8000, 24000, 32000], [1, 0], fs=64000)
    knots = np.repeat(np.linspace(0, 7000, 15), 2)[1:-1]
    droop = np.abs(signal.freqz(sinc, worN=knots, fs=BIT_RATE)[1])
    droop *= np.abs(signal.freqz(half_band, worN=knots, fs=64000)[1])
    last = signal.firls(
        71, [*knots, 9000, 16000], [*(1 / droop), 0, 0], weight=[1] * 14 + [20], fs=32000
    )
    values = np.where(bits, 1.0, -1.0)
    values = signal.lfilter(sinc, 1, values)[15::16]
    values = signal.lfilter(half_band, 1, values)[1::2]
    return signal.lfilter(last, 1, values)[1::2]


def test_arbitrary_bits_give_what_scipys_float_filters_give(noise_bits):
    heard = _native.decimate_pdm(words(noise_bits))
    expected = reference(noise_bits) * 32768
    # Three roundings to 16 bits, and taps of 16 bits.
    error = heard[40:] - expected[40:]
    assert np.abs(error).max() <= 4
    assert error.std() < 0.6


def test_the_passband_is_flat(tones):
    for frequency in PASSED:
        gain = fitted(_native.decimate_pdm(words(tones[frequency])), frequency)[0] / AMPLITUDE
        assert abs(decibels(gain)) < 0.05, frequency


def test_what_lies_above_the_passband_does_not_come_back_below_it(tones):
    for frequency in STOPPED:
        alias = abs((frequency + RATE // 2) % RATE - RATE // 2)
        gain = fitted(_native.decimate_pdm(words(tones[frequency])), alias)[0] / AMPLITUDE
        assert decibels(gain) < -68, frequency


def signal_to_noise(samples):
    amplitude, noise = fitted(samples, 1000)
    return decibels(amplitude / np.sqrt(2 * noise))


def test_a_tone_comes_out_as_clean_as_the_modulator_sent_it(tones):
    ideal = signal_to_noise(reference(tones[1000]) * 32768)
    heard = signal_to_noise(_native.decimate_pdm(words(tones[1000])))
    assert heard > max(ideal - 0.5, 65)


def test_gain_keeps_quiet_sounds_apart_from_rounding(tones):
    ideal = signal_to_noise(reference(tones["quiet"]) * 32768)
    heard = _native.decimate_pdm(words(tones["quiet"]), gain_log2=5)
    assert fitted(heard, 1000)[0] == pytest.approx(32 * AMPLITUDE / QUIET, rel=0.03)
    assert signal_to_noise(heard) > ideal - 0.1


def test_full_scale_saturates_and_comes_back():
    assert set(_native.decimate_pdm(np.full(4000, 0xFFFF, np.uint16))[60:]) == {32767}
    loud = np.concatenate([np.full(2000, 0, np.uint16), np.full(2000, 0x5555, np.uint16)])
    heard = _native.decimate_pdm(loud, gain_log2=5)
    assert heard[60:480].max() < -32700
    assert np.abs(heard[-100:]).max() <= 40


def test_only_whole_samples_are_made():
    assert len(_native.decimate_pdm(np.zeros(7, np.uint16))) == 1
    with pytest.raises(ValueError, match="gain_log2"):
        _native.decimate_pdm(np.zeros(4, np.uint16), gain_log2=6)


def test_the_constant_part_of_a_microphone_goes_away_and_speech_stays():
    time = np.arange(RATE) / RATE
    speech = 8000 * np.sin(2 * np.pi * 100 * time)
    heard = _native.block_dc((speech + 1500).astype(np.int16))
    settled = heard[4000:]
    assert abs(settled.mean()) < 5
    assert np.abs(settled).max() == pytest.approx(8000, rel=0.02)
    extremes = np.tile(np.repeat(np.int16([-32768, 32767]), 500), 8)
    assert np.abs(_native.block_dc(extremes).astype(int)).max() <= 32768
