# SPDX-License-Identifier: Apache-2.0
"""Pictures of sound: its waveform, its spectrogram, and the features that a device computes of it.

The spectrogram and its brightness are those of TensorFlow's wav_to_spectrogram.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stapes.device.bundle import ModelBundle
from stapes.device.features import Quantization, choose_quantization
from stapes.device.front_end import FrontEnd
from stapes.device.pipeline import Pipeline, Trace
from stapes.device.tables import mel_places
from stapes.errors import StapesError
from stapes.model.settings import NOT_WORDS, FrontEndSettings
from stapes.options import check, setting
from stapes.pictures.figures import grey_png, new_figure, png_bytes

_RANGE_DB = 80
_HERTZ = (100, 250, 500, 1000, 2000, 4000, 8000)  # ticks of a mel axis
_MAX_CURVES = 5
_BRIGHTNESS = 64.0


@dataclass(frozen=True, kw_only=True)
class SpectrogramSettings:
    """Window and stride in samples; the defaults are those of wav_to_spectrogram."""

    window_size: int = setting(
        256, least=2, most=65536, help="window of the spectrogram, in samples"
    )
    stride: int = setting(128, least=1, most=1 << 20, help="from window to window, in samples")
    brightness: float = setting(
        _BRIGHTNESS,
        above=0,
        most=1e9,
        help="factor on what the spectrogram shows; higher is brighter",
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


def drawing_png(
    samples: np.ndarray,
    settings: SpectrogramSettings,
    view: DeviceView,
    bundle: ModelBundle | None = None,
    *,
    colours: int = 0,
) -> bytes:
    """Waveform, spectrogram and device features of int16 [samples], one below the other; with a
    model also its scores, and the words that it detects. `colours` as in `png_bytes`."""
    rate, count = view.settings.sample_rate, 4 if bundle else 3
    figure = new_figure(9, 7 / 3 * count)
    wave, spectrum, device, *scores = rows = figure.subplots(count, 1, sharex=True)
    draw_wave(wave, samples, rate)
    top = draw_decibels(spectrum, samples, rate, settings)
    about = f"{settings.window_size} samples a window, {top - _RANGE_DB} to {top} dB of full scale"
    spectrum.set(title=f"spectrogram, {about}")
    draw_features(device, view.features(samples), view)
    if bundle:
        trace = Pipeline(bundle).process_all(samples)
        draw_scores(scores[0], bundle.settings.labels, trace)
        mark_detections(rows, trace)
    rows[-1].set(xlabel="seconds", xlim=(0, len(samples) / rate))
    return png_bytes(figure, colours=colours)


def draw_wave(axes: Any, samples: np.ndarray, sample_rate: int) -> None:
    """Peaks of the waveform: as many points as the picture can show."""
    step = max(1, len(samples) // 1500)
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    time = np.arange(len(whole)) * step / sample_rate
    axes.fill_between(time, whole.min(axis=1), whole.max(axis=1), linewidth=0.5)
    axes.set(ylim=(-32768, 32767), ylabel="int16", title="samples")


def draw_decibels(
    axes: Any,
    samples: np.ndarray,
    sample_rate: int,
    settings: SpectrogramSettings | None = None,
) -> int:
    """The spectrogram in decibels: the 80 dB below the loudest value or, without settings, below
    full scale. Returns the upper end in decibels of full scale."""
    shown = settings or SpectrogramSettings(window_size=min(400, len(samples)), stride=100)
    spectrum = magnitudes(samples, shown).T
    level = 20 * np.log10(np.maximum(spectrum, 1e-9) / (shown.window_size / 4))
    top = 0
    if settings:  # the next multiple of ten above; lower if a brighter picture is asked for
        top = 10 * int(np.ceil(max(level.max(), -_RANGE_DB) / 10))
        top -= round(20 * np.log10(settings.brightness / _BRIGHTNESS))
    extent = (0, len(samples) / sample_rate, 0, sample_rate / 2)
    limits = {"vmin": top - _RANGE_DB, "vmax": top}
    axes.imshow(level, origin="lower", aspect="auto", cmap="magma", extent=extent, **limits)
    axes.set(ylabel="Hz")
    return top


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
    if settings.dct_coefficient_count:
        kind = "MFCC"
        axes.set(ylabel="coefficient")
    else:
        places = mel_places(settings, np.array(_HERTZ, np.float64))
        inside = [place for place in places if 0 <= place <= settings.feature_count]
        names = [str(h) for h, p in zip(_HERTZ, places, strict=True) if p in inside]
        axes.set(ylabel="Hz (mel scale)")
        axes.set_yticks(inside, names)
    axes.set(title=f"{kind} as the device sees them, int8")


def draw_scores(axes: Any, labels: tuple[str, ...], trace: Trace) -> None:
    """A curve for each word; of many words, those that scored highest."""
    words = [number for number, label in enumerate(labels) if label not in NOT_WORDS]
    scores = (trace.scores.astype(np.float64) + 128) / 256
    peaks = scores.max(axis=0, initial=0)
    best = sorted(words, key=lambda number: -peaks[number])[:_MAX_CURVES]
    for number in sorted(best):
        axes.plot(trace.times_ms / 1000, scores[:, number], label=labels[number])
    found = "the words that are detected"
    if not trace.detections:
        highest = f" (highest: {labels[best[0]]}, {peaks[best[0]]:.2f})" if best else ""
        found = f"no word is detected{highest}"
    axes.set(ylim=(0, 1.05), ylabel="score", title=f"scores, and {found}")
    if best:
        axes.legend(loc="upper left")


def mark_detections(rows: Any, trace: Trace) -> None:
    """A line through all pictures for each detection, with its word on the lowest."""
    for found in trace.detections:
        seconds = found.time_ms / 1000
        for axes in rows:
            axes.axvline(seconds, color="tab:red", linestyle="--")
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "tab:red"}
        rows[-1].text(
            *(seconds, 0.5, found.label),
            fontweight="bold",
            horizontalalignment="center",
            bbox=box,
        )
