"""Every variation of training clips, made visible and audible: one clip before and after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.audio.wav import write_wav
from stapes.corpus.augment import mix_background, shift_in_time, to_int16
from stapes.corpus.effects import (
    add_noise,
    apply_gain,
    change_speed,
    change_voice,
    coloured_noise,
    echoes,
    equalize,
    limit_band,
    mask_features,
    overdrive,
    reverberate,
    room_size,
)
from stapes.files import new_folder, write_bytes
from stapes.model.settings import FrontEndSettings
from stapes.pictures.figures import new_figure, png_bytes
from stapes.pictures.spectrogram import DeviceView, draw_decibels, draw_features

_DOTS_PER_INCH = 80
_COLOURS = 48  # few enough for small files


@dataclass(frozen=True, kw_only=True)
class _Variation:
    """A clip after a variation, or a mask over its features."""

    title: str
    samples: np.ndarray
    masked: Callable[[np.ndarray], np.ndarray] | None = None


def write_gallery(
    clip: np.ndarray, folder: Path, *, sample_rate: int, seed: int = 0, audio: bool = False
) -> list[str]:
    """Writes <name>.png, and with `audio` <name>.wav, for every variation of int16 [samples].

    Returns:
        The names, in the order of `AugmentSettings`.

    Raises:
        StapesError: the folder exists or cannot be written, or matplotlib is missing.
    """
    settings = FrontEndSettings(
        sample_rate=sample_rate,
        upper_edge_hertz=min(7600, sample_rate / 2),
        dct_coefficient_count=0,
    )
    view = DeviceView.for_samples(settings, clip)
    variations = _variations(clip, sample_rate, seed)
    with new_folder(folder) as place:
        for name, variation in variations.items():
            write_bytes(place / f"{name}.png", _picture(clip, variation, view))
            if audio and variation.masked is None:
                write_wav(place / f"{name}.wav", variation.samples, sample_rate=sample_rate)
    return list(variations)


def _variations(clip: np.ndarray, rate: int, seed: int) -> dict[str, _Variation]:
    generator = np.random.default_rng(seed)
    noise = coloured_noise(len(clip), 1, sample_rate=rate, generator=generator)
    white = generator.standard_normal(rate, np.float32)
    size = room_size(len(clip), rate, 600)
    room = np.fft.rfft(echoes(white, rt60_ms=600, sample_rate=rate), size)
    gains = np.array([9.0, 9.0, -9.0, 0.0, 9.0, -9.0])
    varied = {
        "time_shift_ms": ("100 ms later", shift_in_time(clip, rate // 10)),
        "background_volume": (
            "pink background, volume 0.1",
            mix_background(clip, 9000 * noise, 0.1),
        ),
        "gain_db": ("12 dB softer", apply_gain(clip, -12)),
        "noise_snr_db": ("pink noise, 5 dB below the clip", add_noise(clip, noise, 5)),
        "chatter_snr_db": (
            "a voice 5 dB below: the clip backwards",
            add_noise(clip, clip[::-1], 5),
        ),
        "speed_percent": ("25% faster and higher", change_speed(clip, 1.25)),
        "time_stretch_percent": ("25% faster", change_voice(clip, sample_rate=rate, rate=1.25)),
        "pitch_shift_semitones": (
            "5 semitones higher",
            change_voice(clip, sample_rate=rate, semitones=5),
        ),
        "reverb_ms": (
            "a room of 600 ms",
            reverberate(clip, room, direct_db=-3, size=size),
        ),
        "equalizer_db": ("bands 9 dB up and down", equalize(clip, gains, sample_rate=rate)),
        "band_limit_hertz": (
            "200 to 2000 Hz",
            limit_band(clip, low_hertz=200, high_hertz=2000, sample_rate=rate),
        ),
        "clipping_db": ("clipped 24 dB below the peak", overdrive(clip, 24)),
    }
    found = {
        name: _Variation(title=title, samples=to_int16(samples))
        for name, (title, samples) in varied.items()
    }
    for name, what, frames, channels in (
        ("time_mask_frames", "frames", slice(18, 26), slice(0, 0)),
        ("frequency_mask_channels", "channels", slice(0, 0), slice(12, 18)),
    ):
        width = max(frames.stop - frames.start, channels.stop - channels.start)
        found[name] = _Variation(
            title=f"{width} {what} masked", samples=clip, masked=_mask(frames, channels)
        )
    return found


def _mask(frames: slice, channels: slice) -> Callable[[np.ndarray], np.ndarray]:
    def masked(features: np.ndarray) -> np.ndarray:
        fill = float(np.rint(features.mean()))
        return mask_features(features, frames=frames, channels=channels, fill=fill)

    return masked


def _picture(clip: np.ndarray, variation: _Variation, view: DeviceView) -> bytes:
    """Spectrograms left, the device's features right; before above, after below."""
    figure = new_figure(7.5, 4.2, dots_per_inch=_DOTS_PER_INCH)
    rows = figure.subplots(2, 2, sharex=True)
    samples = {"before": clip, variation.title: variation.samples}
    for (spectrum, device), (title, sound) in zip(rows, samples.items(), strict=True):
        draw_decibels(spectrum, sound, view.settings.sample_rate)
        features = view.features(sound)
        if title == variation.title and variation.masked:
            features = variation.masked(features)
        draw_features(device, features, view)
        spectrum.set(ylabel="kHz", title=title)
        device.set(title="as the device sees it")
    for axes in rows[1]:
        axes.set(xlabel="seconds")
    return png_bytes(figure, colours=_COLOURS)
