# SPDX-License-Identifier: Apache-2.0
"""A small model that often hears "yes", and other labels in between; and audio for it."""

import numpy as np

from stapes.model.settings import (
    DecoderSettings,
    FrontEndSettings,
    ModelSettings,
    PcenSettings,
)

LABELS = ("_silence_", "_unknown_", "yes", "no")
WAKE_SEED = 3  # of `small_model`
_QUICK = DecoderSettings(
    average_window_duration_ms=60, detection_threshold=0.4, minimum_count=1, suppression_ms=100
)
WAKE = ModelSettings(name="wake", labels=LABELS, decoder=_QUICK)

# The model that it wakes. Its front end has a memory, which a sleep must clear.
WOKEN = ModelSettings(
    name="woken",
    labels=(*LABELS, "go"),
    front_end=FrontEndSettings(dct_coefficient_count=0, pcen=PcenSettings(), window_stride_ms=10),
    decoder=_QUICK,
)
WOKEN_SCALE = 0.02


def loud_and_soft(seconds: int) -> np.ndarray:
    """Noise that changes every quarter of a second, int16 at 16 kHz."""
    audio = np.random.default_rng(5).integers(-9000, 9000, (4 * seconds, 4000))
    audio[::2] //= 100
    return audio.astype(np.int16).reshape(-1)
