"""Augmentation of clips and features: small pure functions; the caller draws the numbers.

Time shift and background mixing are those of TensorFlow's speech_commands/input_data.py; the
masks are those of SpecAugment (Park et al. 2019, arXiv 1904.08779).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stapes.errors import StapesError

FULL_SCALE = 32768.0


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """How training clips are varied; the first three are the tutorial's, with its defaults."""

    time_shift_ms: float = 100.0
    background_volume: float = 0.1
    background_frequency: float = 0.8
    gain_db: float = 0.0
    time_mask_frames: int = 0
    frequency_mask_channels: int = 0

    def __post_init__(self) -> None:
        limits = {
            "time_shift_ms": 10000,
            "background_volume": 1,
            "background_frequency": 1,
            "gain_db": 40,
            "time_mask_frames": 1000,
            "frequency_mask_channels": 128,
        }
        for name, high in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= high:
                raise StapesError(f"--{name}={value:g}: expected 0 to {high}")


def shift_in_time(clip: np.ndarray, shift: int) -> np.ndarray:
    """Moves a clip [samples] later by `shift` samples (earlier if negative), zeros moving in."""
    moved = np.zeros_like(clip)
    length = len(clip) - abs(shift)
    if length > 0:
        moved[max(shift, 0) :][:length] = clip[max(-shift, 0) :][:length]
    return moved


def mix_background(clip: np.ndarray, noise: np.ndarray, volume: float) -> np.ndarray:
    """clip + volume * noise, as float32 [samples] in units of int16 steps, not yet clipped."""
    return clip.astype(np.float32) + np.float32(volume) * noise


def apply_gain(clip: np.ndarray, decibels: float) -> np.ndarray:
    """float32 [samples], `decibels` louder."""
    return clip.astype(np.float32) * np.float32(10.0 ** (decibels / 20.0))


def to_int16(clip: np.ndarray) -> np.ndarray:
    """Rounds to the nearest int16 and clips at full scale."""
    return np.clip(np.rint(clip), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def mask_features(
    features: np.ndarray, *, frames: slice, channels: slice, fill: float
) -> np.ndarray:
    """A copy of [frames, channels] with a band of frames and one of channels set to `fill`."""
    masked = features.copy()
    masked[frames, :] = fill
    masked[:, channels] = fill
    return masked


def background_segment(
    noises: list[np.ndarray], samples: int, generator: np.random.Generator
) -> np.ndarray:
    """int16 [samples] from a random place in a random recording; zeros if there is none."""
    if not noises:
        return np.zeros(samples, np.int16)
    noise = noises[generator.integers(len(noises))]
    start = generator.integers(len(noise) - samples + 1)
    return noise[start : start + samples]


def random_variation(
    clip: np.ndarray,
    noises: list[np.ndarray],
    settings: AugmentSettings,
    *,
    sample_rate: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """One training variation of a clip: gain, shift, background. int16 [samples] in and out."""
    limit = int(settings.time_shift_ms * sample_rate / 1000)
    varied = shift_in_time(clip, int(generator.integers(-limit, limit + 1)))
    varied = apply_gain(varied, generator.uniform(-settings.gain_db, settings.gain_db))
    noise = background_segment(noises, len(clip), generator)
    mixed = generator.random() < settings.background_frequency
    volume = generator.uniform(0, settings.background_volume) if mixed else 0.0
    return to_int16(mix_background(varied, noise, volume))


def random_silence(
    samples: int, noises: list[np.ndarray], generator: np.random.Generator
) -> np.ndarray:
    """A clip of the label _silence_: background at a volume of 0 to 1. int16 [samples]."""
    noise = background_segment(noises, samples, generator)
    return to_int16(mix_background(np.zeros(samples), noise, generator.uniform(0, 1)))
