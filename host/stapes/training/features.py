"""Features for training: computed by the firmware's front end, then made real numbers again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from stapes import _native
from stapes.frontend.tables import build_tables
from stapes.settings import FrontEndSettings

# Natural logarithms of filter bank outputs: the floor of TensorFlow's Mfcc op, and above the
# loudest clip.
_LOG_RANGE = (-28.0, 10.0)
_KEPT_PERCENTILES = (0.5, 99.95)


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """real = (stored - zero_point) * scale, stored in int8."""

    scale: float
    zero_point: int

    @classmethod
    def of_range(cls, low: float, high: float) -> Quantization:
        """The finest int8 steps over low to high, with 0 among the values that they hold."""
        scale = float(np.float32(max(high - low, 1e-6) / 255))
        zero_point = round(-128 - low / scale)
        return cls(scale=scale, zero_point=int(np.clip(zero_point, -128, 127)))

    def real(self, stored: np.ndarray) -> np.ndarray:
        """float32 of the shape of `stored`."""
        return (stored.astype(np.float32) - self.zero_point) * np.float32(self.scale)


class FeatureExtractor:
    """The firmware's front end over whole clips."""

    def __init__(self, settings: FrontEndSettings, quantization: Quantization) -> None:
        self.settings = settings
        self.quantization = quantization
        self._tables: Any = build_tables(
            settings, scale=quantization.scale, zero_point=quantization.zero_point
        )

    def stored(self, clips: np.ndarray) -> np.ndarray:
        """int16 [clips, samples] -> int8 [clips, frames, features], as the device computes them."""
        return _native.compute_features(self._tables, clips)

    def real(self, clips: np.ndarray) -> np.ndarray:
        """int16 [clips, samples] -> float32 [clips, frames, features]."""
        return self.quantization.real(self.stored(clips))


def choose_quantization(settings: FrontEndSettings, clips: np.ndarray) -> Quantization:
    """The int8 range of the features over typical clips, int16 [clips, samples].

    The lowest percentiles, near-silent frames at the floor of the logarithm, are cut off in
    favour of finer steps for speech.
    """
    gain = math.sqrt(2 * settings.channel_count) if settings.dct_coefficient_count else 1.0
    wide = Quantization.of_range(gain * _LOG_RANGE[0], gain * _LOG_RANGE[1])
    features = FeatureExtractor(settings, wide).real(clips)
    low, high = np.percentile(features, _KEPT_PERCENTILES)
    return Quantization.of_range(float(low), float(high))
