# SPDX-License-Identifier: Apache-2.0
"""Features for training: computed by the firmware's front end, then made real numbers again."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np

from stapes.device.front_end import FrontEnd
from stapes.device.tables import build_tables
from stapes.model.settings import FrontEndSettings

# Natural logarithms of filter bank outputs: from the floor of TensorFlow's Mfcc op to a value above
# the loudest clip.
_LOG_RANGE = (-28.0, 10.0)
_KEPT_PERCENTILES = (0.5, 99.95)


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """real = (stored - zero_point) * scale, stored in int8; `scale` is the value of a float32."""

    scale: float
    zero_point: int

    @classmethod
    def of_range(cls, low: float, high: float) -> Quantization:
        """The finest int8 steps that cover `low` to `high`, and 0: int8 tensors must hold 0."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = np.float32(max(high - low, 1e-6) / 255)
        zero_point = round(
            -128 - np.float32(low) / scale
        )  # in float32, as in quantization-aware training
        return cls(scale=float(scale), zero_point=int(np.clip(zero_point, -128, 127)))

    def real(self, stored: np.ndarray) -> np.ndarray:
        """float32 of the shape of `stored`."""
        return (stored.astype(np.float32) - self.zero_point) * np.float32(self.scale)


class FeatureExtractor:
    """The firmware's front end over whole clips."""

    def __init__(
        self, settings: FrontEndSettings, quantization: Quantization, *, threads: int = 0
    ) -> None:
        """`threads` 0: one for each core."""
        self.settings = settings
        self.quantization = quantization
        self._threads = threads or min(os.cpu_count() or 1, 16)
        self._front_end = FrontEnd(
            settings, scale=quantization.scale, zero_point=quantization.zero_point
        )

    def stored(self, clips: np.ndarray, *, threads: int = 0) -> np.ndarray:
        """int16 [clips, samples] -> int8 [clips, frames, features], as the device computes them.
        `threads` 0: as many as the extractor was given."""
        return self._front_end.compute_features(clips, threads=threads or self._threads)

    def real(self, clips: np.ndarray, *, threads: int = 0) -> np.ndarray:
        """int16 [clips, samples] -> float32 [clips, frames, features]."""
        return self.quantization.real(self.stored(clips, threads=threads))


def widest_quantization(settings: FrontEndSettings) -> Quantization:
    """int8 steps over all that the front end can give."""
    if settings.pcen is not None:
        return Quantization.of_range(0, build_tables(settings).pcen_highest)
    gain = math.sqrt(2 * settings.channel_count) if settings.dct_coefficient_count else 1.0
    return Quantization.of_range(gain * _LOG_RANGE[0], gain * _LOG_RANGE[1])


def choose_quantization(settings: FrontEndSettings, clips: np.ndarray) -> Quantization:
    """The int8 range of the features over typical clips, int16 [clips, samples].

    Frames of digital silence lie far below all others, at the floor of the logarithm. They do not
    count: they saturate at the low end, so that frames with sound get finer steps.
    """
    wide = widest_quantization(settings)
    extractor = FeatureExtractor(settings, wide)
    silence = extractor.stored(np.zeros((1, settings.window_samples), np.int16))[0, 0]
    frames = extractor.stored(clips).reshape(-1, settings.feature_count)
    sound = frames[np.any(frames != silence, axis=1)]
    if not len(sound):
        return wide
    low, high = np.percentile(wide.real(sound), _KEPT_PERCENTILES)
    return Quantization.of_range(float(low), float(high))
