# SPDX-License-Identifier: Apache-2.0
"""The device's front end, callable from Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stapes import _native
from stapes.device.tables import build_tables
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings


class FrontEnd:
    """MFCC, log-mel or PCEN features exactly as a board computes them.

    `scale` and `zero_point` are the quantization of the model's int8 input: a feature's value is
    about (int8 - zero_point) * scale. Audio is int16, mono, at `settings.sample_rate`.

    Raises:
        StapesError: the settings leave no FFT bin, or the quantization does not fit.
    """

    def __init__(self, settings: FrontEndSettings, *, scale: float, zero_point: int) -> None:
        self.settings = settings
        self.tables = build_tables(settings, scale=scale, zero_point=zero_point)
        self._native = _native.FrontEnd(self.tables)

    def process(self, samples: ArrayLike) -> NDArray[np.int8]:
        """The frames that `samples` (int16 [n], any n) complete: int8 [frames, features].

        Keeps the rest for the next call: frames do not depend on how the audio is cut up.
        """
        return self._native.process(as_int16(samples, dimensions=1))

    def process_q(self, samples: ArrayLike) -> NDArray[np.int32]:
        """Like `process`, before rounding to int8: int32 in Q(tables.feature_bits)."""
        return self._native.process_q(as_int16(samples, dimensions=1))

    def process_float(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Like `process_q`, as numbers: natural logarithms, their DCT, or normalised energies."""
        return self.process_q(samples) / 2.0**self.tables.feature_bits

    def reset(self) -> None:
        """Forgets all audio."""
        self._native.reset()

    def compute_features(self, clips: ArrayLike, *, threads: int = 1) -> NDArray[np.int8]:
        """Each clip from a fresh state: int16 [n, samples] to int8 [n, frames, features].

        Does not touch the stream that `process` works on; lets other Python threads run.
        """
        return _native.compute_features(self.tables, as_int16(clips, dimensions=2), threads)


def as_int16(audio: ArrayLike, *, dimensions: int) -> NDArray[np.int16]:
    """`audio` as the firmware's code takes it.

    Raises:
        StapesError: another type, or another number of dimensions.
    """
    array = np.asarray(audio)
    if array.dtype != np.int16 or array.ndim != dimensions:
        raise StapesError(
            f"audio is {array.dtype} with {array.ndim} dimensions: expected int16 with "
            f"{dimensions}; convert it to 16-bit PCM"
        )
    return np.ascontiguousarray(array)
