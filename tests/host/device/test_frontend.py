# SPDX-License-Identifier: Apache-2.0
"""The front end's features compared with TensorFlow's own audio ops in float."""

from __future__ import annotations

import dataclasses
import functools
import os
import random
from pathlib import Path

import numpy as np
import pytest
from scipy.fft import idct
from scipy.io import wavfile

from stapes.device.front_end import FrontEnd
from stapes.model.settings import FrontEndSettings

CLIPS = 200
MFCC = FrontEndSettings()
LOG_MEL = FrontEndSettings(window_size_ms=25, window_stride_ms=10, dct_coefficient_count=0)


def reference_features(settings: FrontEndSettings, audio: np.ndarray) -> np.ndarray:
    """float64 [frames, features] of int16 audio through AudioSpectrogram and Mfcc.

    TensorFlow has no op that stops before the DCT: log-mel channels are the inverse of a whole one.
    """
    tf = pytest.importorskip("tensorflow")
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=(audio.astype(np.float32) / 32768)[:, np.newaxis],
        window_size=settings.window_samples,
        stride=settings.stride_samples,
        magnitude_squared=True,
    )
    mfcc = tf.raw_ops.Mfcc(
        spectrogram=spectrogram,
        sample_rate=settings.sample_rate,
        upper_frequency_limit=settings.upper_edge_hertz,
        lower_frequency_limit=settings.lower_edge_hertz,
        filterbank_channel_count=settings.channel_count,
        dct_coefficient_count=settings.dct_coefficient_count or settings.channel_count,
    )
    features = mfcc.numpy()[0].astype(np.float64)
    if settings.dct_coefficient_count:
        return features
    features[:, 0] /= np.sqrt(2)  # the op scales the constant row like the others
    return idct(features, type=2, norm="ortho", axis=-1)


def rounding_noise_log_mel(settings: FrontEndSettings) -> np.ndarray:
    """What rounding to 16 bits alone puts into each channel, on average: [channels]."""
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 50 * settings.window_samples)
    # Scaled up to full scale and, as logarithms, down again.
    full = np.rint(noise * 65534).astype(np.int16)
    log_mel = dataclasses.replace(settings, dct_coefficient_count=0)
    return reference_features(log_mel, full).mean(axis=0) - np.log(65534)


def speech_like(sample_rate: int, seconds: float, seed: int) -> np.ndarray:
    """Harmonics under moving formants, hiss and pauses: int16."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(sample_rate * seconds)) / sample_rate
    phase = 2 * np.pi * np.cumsum(110 + 30 * np.sin(2 * np.pi * 1.7 * time)) / sample_rate
    formant = 900 + 600 * np.sin(2 * np.pi * 2.3 * time + generator.uniform(0, 6))
    voice = sum(
        np.sin(k * phase) * np.exp(-(((k * 110 - formant) / 500) ** 2) - k / 20)
        for k in range(1, min(40, sample_rate // 300))
    )
    hiss = generator.normal(size=len(time)) * (0.003 + 0.1 * (np.sin(2 * np.pi * 1.1 * time) > 0.8))
    envelope = 0.02 + np.clip(np.sin(2 * np.pi * 1.3 * time), 0, None)
    audio = 0.4 * voice * envelope + hiss * 0.3
    return np.clip(np.rint(audio * 10.0 ** generator.uniform(3.3, 4.3)), -32768, 32767).astype(
        np.int16
    )


@functools.cache
def clips() -> tuple[np.ndarray, ...]:
    """Real clips of many words when STAPES_CORPUS names a corpus, else synthetic ones; 16 kHz."""
    corpus = os.environ.get("STAPES_CORPUS")
    if not corpus:
        return tuple(speech_like(16000, 1.0, seed) for seed in range(20))
    paths = sorted(p for p in Path(corpus).glob("*/*.wav") if not p.parent.name.startswith("_"))
    return tuple(wavfile.read(path)[1] for path in random.Random(59).sample(paths, CLIPS))


def snr_db(expected: np.ndarray, found: np.ndarray) -> float:
    """SNR in dB of what differs between frames: the mean of each feature does not count."""
    signal = expected - expected.mean(axis=0)
    return 10 * np.log10(np.sum(signal**2) / np.sum((found - expected) ** 2))


def quantization(values: np.ndarray) -> tuple[float, int]:
    """Scale and zero point that just cover `values` with int8."""
    scale = float(np.ptp(values)) / 255
    return scale, round(-128 - float(values.min()) / scale)


def assert_follows_reference(settings: FrontEndSettings, audio: tuple[np.ndarray, ...]) -> None:
    expected = np.concatenate([reference_features(settings, clip) for clip in audio])
    scale, zero_point = quantization(expected)
    front_end = FrontEnd(settings, scale=scale, zero_point=zero_point)
    unrounded, rounded = [], []
    for clip in audio:
        front_end.reset()
        unrounded.append(front_end.process_float(clip))
        front_end.reset()
        rounded.append(front_end.process(clip))
    steps = np.clip(np.rint(expected / scale) + zero_point, -128, 127)
    difference = np.abs(np.concatenate(rounded) - steps)
    print(
        f"{len(audio)} clips, {difference.size} values: {np.mean(difference == 0):.4%} equal, "
        f"{np.mean(difference <= 1):.4%} within 1 step, most {difference.max():g} steps of "
        f"{scale:.4f}; SNR {snr_db(expected, np.concatenate(unrounded)):.1f} dB"
    )
    assert np.mean(difference <= 1) >= 0.99
    if settings.dct_coefficient_count == 0:  # coefficients mix all channels: each counts
        difference = difference[expected > rounding_noise_log_mel(settings)]
    assert difference.max() <= 2
    assert snr_db(expected, np.concatenate(unrounded)) >= 40


@pytest.mark.parametrize("settings", [MFCC, LOG_MEL], ids=["mfcc", "log_mel"])
def test_features_of_speech_follow_tensorflow(settings: FrontEndSettings) -> None:
    assert_follows_reference(settings, clips())


@pytest.mark.parametrize(
    "settings",
    [
        FrontEndSettings(sample_rate=8000, upper_edge_hertz=3800, dct_coefficient_count=13),
        FrontEndSettings(sample_rate=8000, window_size_ms=25, dct_coefficient_count=0),
        FrontEndSettings(sample_rate=16000, upper_edge_hertz=8000, channel_count=64),
        FrontEndSettings(sample_rate=44100, window_size_ms=25, upper_edge_hertz=7600),
        FrontEndSettings(sample_rate=44100, channel_count=80, dct_coefficient_count=0),
        FrontEndSettings(sample_rate=48000, upper_edge_hertz=24000, window_stride_ms=50),
        FrontEndSettings(sample_rate=48000, window_size_ms=85, dct_coefficient_count=0),
        FrontEndSettings(sample_rate=11025, window_size_ms=20.1, dct_coefficient_count=13),
    ],
    ids=lambda s: (
        f"{s.sample_rate}-{s.window_size_ms:g}ms-{s.channel_count}ch-{s.dct_coefficient_count}dct"
    ),
)
def test_features_follow_tensorflow_at_other_settings(settings: FrontEndSettings) -> None:
    assert_follows_reference(
        settings, tuple(speech_like(settings.sample_rate, 1.5, seed) for seed in range(3))
    )


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01, 0.001])
def test_quiet_speech_is_as_exact_as_loud_speech(gain: float) -> None:
    quiet = tuple(np.rint(clip * gain).astype(np.int16) for clip in clips()[:20])
    settings = dataclasses.replace(LOG_MEL, window_size_ms=30)
    front_end = FrontEnd(settings, scale=0.1, zero_point=0)
    for clip in quiet:
        front_end.reset()
        expected = reference_features(settings, clip)
        # Digital silence inside a clip is the floor in both.
        assert np.abs(front_end.process_float(clip) - expected).max() < 0.05


def signals(count: int) -> dict[str, np.ndarray]:
    index = np.arange(count)
    impulse = np.zeros(count)
    impulse[count // 3] = 32767
    noise = np.random.default_rng(2).integers(-32768, 32768, count)
    return {
        "square_32": np.where(index % 32 < 16, 32767, -32768),
        "square_100": np.where(index % 100 < 50, 32767, -32768),
        "square_nyquist": np.where(index % 2 == 0, 32767, -32768),
        "dc_positive": np.full(count, 32767),
        "dc_negative": np.full(count, -32768),
        "impulse": impulse,
        "noise": noise,
        "sine": np.rint(32767 * np.sin(index * 0.3)),
    }


@pytest.mark.parametrize("name", list(signals(8)))
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_extreme_signals_follow_tensorflow_where_they_carry_signal(name: str, rate: int) -> None:
    """The floor: a channel counts if it has more than rounding to 16 bits puts there."""
    settings = FrontEndSettings(
        sample_rate=rate, upper_edge_hertz=rate / 2, dct_coefficient_count=0
    )
    audio = signals(4 * settings.window_samples)[name].astype(np.int16)
    expected = reference_features(settings, audio)
    found = FrontEnd(settings, scale=0.12, zero_point=90).process_float(audio)
    carries_signal = expected > rounding_noise_log_mel(settings)
    assert np.all(np.abs(found - expected)[carries_signal] < 0.12)  # one step of int8
    assert np.all(found[~carries_signal] < rounding_noise_log_mel(settings).max() + 1)


def test_silence_is_the_floor_of_tensorflow() -> None:
    silence = np.zeros(16000, np.int16)
    expected = reference_features(LOG_MEL, silence)
    found = FrontEnd(LOG_MEL, scale=0.1, zero_point=0).process_float(silence)
    assert np.allclose(found, np.log(1e-12), atol=1e-4)
    assert np.allclose(found, expected, atol=1e-3)
