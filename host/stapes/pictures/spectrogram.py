# SPDX-License-Identifier: Apache-2.0
"""Pictures of sound: its waveform, its spectrogram, and the features that a device computes of it.

The spectrogram and its brightness are those of TensorFlow's wav_to_spectrogram.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stapes.device.features import Quantization, choose_quantization
from stapes.device.front_end import FrontEnd
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings
from stapes.options import check, setting
from stapes.pictures.figures import grey_png, new_figure, png_bytes

_MARGIN_DB = 80.0


@dataclass(frozen=True, kw_only=True)
class SpectrogramSettings:
    """Window and stride in samples; the defaults are those of wav_to_spectrogram."""

    window_size: int = setting(
        256, least=2, most=65536, help="window of the spectrogram, in samples"
    )
    stride: int = setting(128, least=1, most=1 << 20, help="from window to window, in samples")
    brightness: float = setting(
        64.0, above=0, most=1e9, help="factor on what the spectrogram shows; higher is brighter"
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class DeviceView:
    """The front end whose features are drawn, and the int8 steps of its model's input."""

    settings: FrontEndSettings
    quantization: Quantization

    @classmethod
    def for_samples(cls, settings: FrontEndSettings, samples: np.ndarray) -> DeviceView:
        """The steps that training would choose for int16 [samples]."""
        quantization = choose_quantization(settings, samples[None, :])
        return cls(settings=settings, quantization=quantization)

    def features(self, samples: np.ndarray) -> np.ndarray:
        """int16 [samples] -> int8 [frames, features], bit for bit as a board has them."""
        front_end = FrontEnd(
            self.settings, scale=self.quantization.scale, zero_point=self.quantization.zero_point
        )
        return front_end.process(samples)


def magnitudes(samples: np.ndarray, settings: SpectrogramSettings) -> np.ndarray:
    """float32 [frames, bins] of int16 [samples]: as tf.raw_ops.AudioSpectrogram, not squared."""
    if len(samples) < settings.window_size:
        raise StapesError(
            f"--window_size={settings.window_size}: found {len(samples)} samples of audio, "
            "expected at least one window; make it smaller"
        )
    scaled = samples.astype(np.float32) / np.float32(32768)
    frames = np.lib.stride_tricks.sliding_window_view(scaled, settings.window_size)
    size = 1 << (settings.window_size - 1).bit_length()
    place = np.arange(settings.window_size) / settings.window_size
    window = (0.5 - 0.5 * np.cos(2 * np.pi * place)).astype(np.float32)  # periodic Hann
    return np.abs(np.fft.rfft(frames[:: settings.stride] * window, size, axis=1)).astype(np.float32)


def pixels(spectrogram: np.ndarray, brightness: float) -> np.ndarray:
    """uint8 of the shape of `spectrogram`: magnitudes times brightness, 255 at most."""
    return np.minimum(spectrogram * np.float32(brightness), 255).astype(np.uint8)


def plain_png(samples: np.ndarray, settings: SpectrogramSettings) -> bytes:
    """The picture that wav_to_spectrogram writes: grey, a pixel per value, time downwards."""
    return grey_png(pixels(magnitudes(samples, settings), settings.brightness))


def drawing_png(samples: np.ndarray, settings: SpectrogramSettings, view: DeviceView) -> bytes:
    """Waveform, spectrogram and device features of int16 [samples], one below the other."""
    figure = new_figure(9, 7)
    wave, spectrum, device = figure.subplots(3, 1, sharex=True)
    draw_wave(wave, samples, view.settings.sample_rate)
    shown = pixels(magnitudes(samples, settings), settings.brightness)
    seconds = len(samples) / view.settings.sample_rate
    half_khz = view.settings.sample_rate / 2000
    extent = (0, seconds, 0, half_khz)
    spectrum.imshow(shown.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
    spectrum.set(ylabel="kHz", title=f"spectrogram, {settings.window_size} samples a window")
    draw_features(device, view.features(samples), view)
    device.set(xlabel="seconds")
    return png_bytes(figure)


def draw_wave(axes: Any, samples: np.ndarray, sample_rate: int) -> None:
    """Peaks of the waveform: as many points as the picture can show."""
    step = max(1, len(samples) // 1500)
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    time = np.arange(len(whole)) * step / sample_rate
    axes.fill_between(time, whole.min(axis=1), whole.max(axis=1), linewidth=0.5)
    axes.set(ylim=(-32768, 32767), ylabel="int16", title="samples")


def draw_decibels(axes: Any, samples: np.ndarray, sample_rate: int) -> None:
    """The spectrogram in decibels, from the loudest down to 80 dB below full scale."""
    settings = SpectrogramSettings(window_size=min(400, len(samples)), stride=100)
    spectrum = magnitudes(samples, settings).T
    level = 20 * np.log10(np.maximum(spectrum, 1e-9) / (settings.window_size / 4))
    extent = (0, len(samples) / sample_rate, 0, sample_rate / 2000)
    axes.imshow(
        level, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=-_MARGIN_DB, vmax=0
    )


def draw_features(axes: Any, features: np.ndarray, view: DeviceView) -> None:
    """int8 [frames, features] as the device's network gets them."""
    settings = view.settings
    seconds = len(features) * settings.stride_samples / settings.sample_rate
    extent = (0, max(seconds, 1e-3), 0, settings.feature_count)
    shown = features.T if len(features) else np.full((settings.feature_count, 1), -128, np.int8)
    axes.imshow(
        shown, origin="lower", aspect="auto", cmap="viridis", extent=extent, vmin=-128, vmax=127
    )
    kind = "PCEN channels" if settings.pcen else "log-mel channels"
    kind = "MFCC" if settings.dct_coefficient_count else kind
    axes.set(ylabel=kind, title=f"{kind} as the device sees them, int8")
