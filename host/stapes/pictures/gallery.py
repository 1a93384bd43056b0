# SPDX-License-Identifier: Apache-2.0
"""Every variation of training clips, made visible and audible: one clip before and after each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stapes.audio.wav import write_wav
from stapes.corpus.augment import mask_randomly, random_variations
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.effects import coloured_noise
from stapes.corpus.long_recordings import LongRecordings
from stapes.files import new_folder, write_bytes
from stapes.model.settings import FrontEndSettings
from stapes.pictures.figures import new_figure, png_bytes
from stapes.pictures.spectrogram import DeviceView, draw_decibels, draw_features

_DOTS_PER_INCH = 80
_COLOURS = 48  # few enough for small files


# Each setting by itself, strong enough to be seen and heard, and what it does.
_SHOWN: dict[str, tuple[Any, str]] = {
    "time_shift_ms": (150.0, "shifted by up to 150 ms"),
    "background_volume": (0.1, "pink background, volume up to 0.1"),
    "gain_db": (12.0, "up to 12 dB softer or louder"),
    "noise_snr_db": ((5.0, 5.0), "noise 5 dB below the clip"),
    "chatter_snr_db": ((5.0, 5.0), "a voice 5 dB below: the clip backwards"),
    "speed_percent": (25.0, "up to 25% faster or slower, pitch with it"),
    "time_stretch_percent": (25.0, "up to 25% faster or slower"),
    "pitch_shift_semitones": (5.0, "up to 5 semitones higher or lower"),
    "reverb_ms": (600.0, "a room of up to 600 ms"),
    "equalizer_db": (9.0, "bands up to 9 dB up and down"),
    "band_limit_hertz": (1500.0, "a band whose upper edge is 1500 Hz or higher"),
    "clipping_db": (24.0, "clipped up to 24 dB below the peak"),
    "time_mask_frames": (12, "up to 12 frames masked"),
    "frequency_mask_channels": (10, "up to 10 channels masked"),
}
_MASKS = ("time_mask_frames", "frequency_mask_channels")
_OFF = {"time_shift_ms": 0.0, "background_volume": 0.0}
_TRIES = 6  # the one that changes most is shown


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
    with new_folder(folder) as place:
        for name, (_, title) in _SHOWN.items():
            varied = clip if name in _MASKS else _varied(clip, name, sample_rate, seed)
            features = view.features(varied)
            if name in _MASKS:
                features = _masked(features, name, seed)
            after = Heard(title=title, samples=varied, features=features)
            write_bytes(place / f"{name}.png", draw_variation(clip, after, view))
            if audio and name not in _MASKS:
                write_wav(place / f"{name}.wav", varied, sample_rate=sample_rate)
    return list(_SHOWN)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A clip after a variation, and the features that the device computes from it."""

    title: str
    samples: np.ndarray
    features: np.ndarray


def _varied(clip: np.ndarray, name: str, sample_rate: int, seed: int) -> np.ndarray:
    """int16 [samples]: what training makes of the clip with this setting alone."""
    settings = AugmentSettings(
        **(_OFF | {name: _SHOWN[name][0]}), background_frequency=1, augment_frequency=1
    )
    pink = coloured_noise(
        len(clip), 1, sample_rate=sample_rate, generator=np.random.default_rng(seed)
    )
    backwards = LongRecordings([clip[::-1]], samples=len(clip))

    def drawn(number: int) -> np.ndarray:
        generator = np.random.default_rng([seed, number])
        (varied,) = random_variations(
            clip[None],
            [9000 * pink],
            settings,
            sample_rate=sample_rate,
            generators=[generator],
            chatter=backwards,
        )
        return varied

    def distance(varied: np.ndarray) -> float:
        return float(np.square(varied.astype(np.float64) - clip).sum())

    return max((drawn(number) for number in range(_TRIES)), key=distance)


def _masked(features: np.ndarray, name: str, seed: int) -> np.ndarray:
    """int8 [frames, channels] as training masks them with this setting alone."""
    settings = AugmentSettings(**(_OFF | {name: _SHOWN[name][0]}))
    drawn = []
    for number in range(_TRIES):
        hidden = features[None].astype(np.float32)
        mask_randomly(hidden, settings, np.random.default_rng([seed, number]))
        drawn.append(np.rint(hidden[0]).astype(np.int8))
    return max(drawn, key=lambda hidden: np.count_nonzero(hidden != features))


def draw_variation(clip: np.ndarray, after: Heard, view: DeviceView) -> bytes:
    """Spectrograms left, the device's features right; before above, after below."""
    figure = new_figure(7.5, 4.2, dots_per_inch=_DOTS_PER_INCH)
    rows = figure.subplots(2, 2, sharex=True)
    before = Heard(title="before", samples=clip, features=view.features(clip))
    for (spectrum, device), heard in zip(rows, (before, after), strict=True):
        draw_decibels(spectrum, heard.samples, view.settings.sample_rate)
        draw_features(device, heard.features, view)
        spectrum.set(title=heard.title)
        device.set(title="as the device sees it")
    for axes in rows[1]:
        axes.set(xlabel="seconds")
    return png_bytes(figure, colours=_COLOURS)
