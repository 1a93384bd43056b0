# SPDX-License-Identifier: Apache-2.0
"""Per-channel energy normalisation compared with the paper's formula in float64, and its use."""

from __future__ import annotations

import dataclasses
import functools
import os
import random
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from stapes import _native
from stapes.device.features import choose_quantization, widest_quantization
from stapes.device.front_end import FrontEnd
from stapes.device.tables import build_tables
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, ModelSettings, PcenSettings

CLIPS = 60
PCEN = FrontEndSettings(upper_edge_hertz=7600, dct_coefficient_count=0, pcen=PcenSettings())


def energies(settings: FrontEndSettings, audio: np.ndarray) -> np.ndarray:
    """float64 [frames, channels]: sums of magnitudes under triangles, by their definition."""
    size, count = settings.fft_size, settings.window_samples
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / count)
    frames = np.lib.stride_tricks.sliding_window_view(audio / 32768, count)
    magnitudes = np.abs(np.fft.rfft(frames[:: settings.stride_samples] * window, size))
    hertz = np.arange(size // 2 + 1) * settings.sample_rate / size
    mel = 1127 * np.log1p(hertz / 700)
    edges = 1127 * np.log1p(np.array([settings.lower_edge_hertz, settings.upper_edge_hertz]) / 700)
    spacing = (edges[1] - edges[0]) / (settings.channel_count + 1)
    centres = edges[0] + spacing * np.arange(1, settings.channel_count + 1)
    weights = np.maximum(0, 1 - np.abs(mel[:, None] - centres) / spacing)
    first = int(1.5 + settings.lower_edge_hertz * size / settings.sample_rate)
    last = int(settings.upper_edge_hertz * size / settings.sample_rate)
    inside = (np.arange(len(hertz)) >= first) & (np.arange(len(hertz)) <= last)
    return (magnitudes * inside) @ weights


def reference_features(settings: FrontEndSettings, audio: np.ndarray) -> np.ndarray:
    """Wang et al. 2017, equations 1 and 2, float64 [frames, channels]; s grows into its value."""
    pcen, count = settings.pcen, settings.window_samples
    rate = 1 - np.exp(
        -settings.stride_samples / settings.sample_rate * 1000 / pcen.time_constant_ms
    )
    smoothed, heard, features = np.zeros(settings.channel_count), 0, []
    for number, energy in enumerate(energies(settings, audio)):
        start = number * settings.stride_samples
        if np.any(audio[start : start + count]):
            smoothed += max(rate, 1 / (heard + 1)) * (energy - smoothed)
            heard += 1
        gained = energy / (pcen.floor + smoothed) ** pcen.alpha
        curved = (gained + pcen.delta) ** pcen.root - pcen.delta**pcen.root
        features.append(curved if pcen.root else np.log1p(gained / pcen.delta))
    return np.array(features)


def bursts() -> np.ndarray:
    """int16 [20, 16000]: noise at another level every 20 ms, over 60 dB."""
    generator = np.random.default_rng(7)
    levels = np.repeat(10 ** generator.uniform(1, 4, (20, 50)), 320, axis=1)
    return np.rint(generator.normal(0, levels)).clip(-32768, 32767).astype(np.int16)


@functools.cache
def clips() -> tuple[np.ndarray, ...]:
    """Real clips of many words when STAPES_CORPUS names a corpus, else bursts; 1 s, 16 kHz."""
    corpus = os.environ.get("STAPES_CORPUS")
    if not corpus:
        return tuple(bursts())
    paths = sorted(p for p in Path(corpus).glob("*/*.wav") if not p.parent.name.startswith("_"))
    sounds = [wavfile.read(path)[1] for path in random.Random(61).sample(paths, CLIPS)]
    return tuple(sound for sound in sounds if len(sound) == 16000)


def features(settings: FrontEndSettings, audio: np.ndarray) -> np.ndarray:
    return FrontEnd(settings, scale=0.02, zero_point=-128).process_float(audio)


def snr_db(expected: np.ndarray, found: np.ndarray) -> float:
    """SNR in dB of what differs between frames: the mean of each feature does not count."""
    signal = expected - expected.mean(axis=0)
    return 10 * np.log10(np.sum(signal**2) / np.sum((found - expected) ** 2))


def variant(**changes: float) -> FrontEndSettings:
    return dataclasses.replace(PCEN, pcen=dataclasses.replace(PCEN.pcen, **changes))


@pytest.mark.parametrize(
    "settings",
    [
        PCEN,
        variant(time_constant_ms=60, alpha=0.8),
        variant(time_constant_ms=5000, alpha=1, floor=1e-5),
        variant(alpha=0, delta=0.001),
        variant(root=1),
        variant(root=0, delta=0.1),
        variant(root=0.1, delta=100),
        dataclasses.replace(PCEN, sample_rate=8000, upper_edge_hertz=4000, channel_count=20),
        dataclasses.replace(PCEN, sample_rate=48000, window_size_ms=85, upper_edge_hertz=20000),
    ],
)
def test_features_of_speech_follow_the_formula(settings: FrontEndSettings) -> None:
    expected = np.concatenate([reference_features(settings, clip) for clip in clips()])
    found = np.concatenate([features(settings, clip) for clip in clips()])
    step = np.ptp(np.percentile(expected, (0.5, 99.95))) / 255
    difference = np.abs(found - expected)
    print(f"most {difference.max() / step:.2f} steps, SNR {snr_db(expected, found):.1f} dB")
    assert difference.max() < step
    assert snr_db(expected, found) > 45


@pytest.mark.parametrize("gain", [0.5, 0.1])
def test_the_level_of_the_sound_hardly_matters(gain: float) -> None:
    settings = variant(alpha=1, floor=1e-5)
    differences = []
    for clip in bursts():
        quiet = np.rint(clip * gain).astype(np.int16)
        differences.append(np.abs(features(settings, quiet) - features(settings, clip)))
    assert np.percentile(differences, 99) < 0.02  # of about 5


def test_a_stream_forgets_what_was_before() -> None:
    """A clip from its start, and the same clip in a stream after sound 30 dB above it."""
    generator = np.random.default_rng(5)
    clip = generator.normal(0, 300, 64000).astype(np.int16)
    before = generator.normal(0, 10000, 32000).clip(-32768, 32767).astype(np.int16)
    alone = features(PCEN, clip)
    streamed = features(PCEN, np.concatenate([before, clip]))[100:]
    difference = np.abs(streamed - alone[: len(streamed)]).max(axis=1)
    assert difference[0] > 0.1
    assert difference[-10:].max() < 0.01


def test_frames_of_zeros_do_not_count_as_a_past() -> None:
    """Clips are padded with zeros. The sound after them gives the same features as without them."""
    generator = np.random.default_rng(6)
    clip = generator.normal(0, 300, 16000).astype(np.int16)
    stride = PCEN.stride_samples
    soon, late = (
        features(PCEN, np.concatenate([np.zeros(frames * stride, np.int16), clip]))
        for frames in (2, 12)
    )
    assert np.allclose(late[:11], 0, atol=1e-4)
    assert np.array_equal(late[11:], soon[1:])


def test_reset_forgets_the_energies() -> None:
    stream = FrontEnd(PCEN, scale=0.02, zero_point=-128)
    first = stream.process_q(clips()[0])
    stream.process_q(clips()[1])
    stream.reset()
    assert np.array_equal(stream.process_q(clips()[0]), first)


def test_eight_frames_at_a_time_carry_the_energies_of_their_clips() -> None:
    batch = np.stack([*clips()[:13], np.zeros_like(clips()[0])])
    batch[3, :5000] = 0
    for settings in (PCEN, variant(alpha=0.5, time_constant_ms=20), variant(root=0)):
        tables = build_tables(settings, scale=0.02, zero_point=-128)
        streamed = [_native.FrontEnd(tables).process(clip) for clip in batch]
        for lanes in (True, False):
            for threads in (1, 3):
                found = _native.compute_features(tables, batch, threads, lanes=lanes)
                assert np.array_equal(found, streamed)


def test_steps_of_int8_cover_the_features() -> None:
    batch = np.stack(clips())
    chosen, widest = choose_quantization(PCEN, batch), widest_quantization(PCEN)
    assert chosen.zero_point == widest.zero_point == -128
    highest = reference_features(PCEN, batch[0]).max()
    assert chosen.scale <= widest.scale
    assert 0.2 * highest < 255 * chosen.scale < 255 * widest.scale + 1e-6
    assert 255 * widest.scale >= highest


def test_models_without_it_keep_their_settings_and_their_tables() -> None:
    log_mel = dataclasses.replace(PCEN, pcen=None)
    model = ModelSettings(name="m", labels=("a", "b"), front_end=log_mel)
    assert "pcen" not in model.to_json()
    tables = build_tables(log_mel)
    assert (tables.pcen_curve.size, tables.pcen_rate) == (0, 0)
    other = dataclasses.replace(tables, pcen_floor=1)
    assert tables.crc32(model) == other.crc32(model)


def test_settings_travel_inside_a_model() -> None:
    settings = variant(alpha=0.9, root=0.3)
    model = ModelSettings(name="m", labels=("a", "b"), front_end=settings)
    assert ModelSettings.from_json(model.to_json(), source="m") == model
    plain = dataclasses.replace(model, front_end=PCEN)
    assert build_tables(settings).crc32(model) != build_tables(PCEN).crc32(plain)


@pytest.mark.parametrize(
    ("name", "value"),
    [("time_constant_ms", 9), ("alpha", 1.1), ("delta", 0), ("root", -0.1), ("floor", 0)],
)
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(StapesError, match=f"{name}="):
        PcenSettings(**{name: value})


def test_there_is_no_dct_of_normalised_energies() -> None:
    with pytest.raises(StapesError, match="dct_coefficient_count=40: expected 0 with pcen"):
        FrontEndSettings(pcen=PcenSettings())
