# SPDX-License-Identifier: Apache-2.0
"""The microphone of this machine, through PortAudio (the extra `record`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stapes.errors import StapesError

_BLOCKS_PER_SECOND = 20
_SILENCE_DB = -90.0


class SoundDevice:
    """An input that stays open, 16-bit and mono.

    Raises:
        StapesError: the package is not installed, or there is no such input.
    """

    def __init__(self, *, sample_rate: int, device: str | None = None) -> None:
        sounddevice = _load()
        self._error = sounddevice.PortAudioError
        self._block = sample_rate // _BLOCKS_PER_SECOND
        try:
            self._stream = sounddevice.InputStream(
                samplerate=sample_rate, channels=1, dtype="int16", device=_number(device)
            )
            self._stream.start()
        except (self._error, ValueError) as error:
            raise StapesError(
                f"microphone: cannot be opened ({error}), expected an input of {sample_rate} Hz; "
                "connect one, or choose another with --device"
            ) from error

    def hear(self, samples: int, on_level: Callable[[float], None]) -> NDArray[np.int16]:
        """The next samples, int16 [samples]; what came before the call is left out."""
        try:
            self._stream.read(self._stream.read_available)
            parts, left = [], samples
            while left > 0:
                block, _ = self._stream.read(min(left, self._block))
                parts.append(block[:, 0].copy())
                left -= len(block)
                on_level(level_db(parts[-1]))
        except self._error as error:
            raise self._gone(error) from error
        return np.concatenate(parts)

    def read(self, samples: int) -> NDArray[np.int16]:
        """The next samples after those of the last call, int16 [samples]."""
        try:
            block, _ = self._stream.read(samples)
        except self._error as error:
            raise self._gone(error) from error
        return np.asarray(block[:, 0], np.int16).copy()

    def _gone(self, error: Exception) -> StapesError:
        return StapesError(
            f"microphone: gone ({error}), expected it to stay; connect it and start again"
        )

    def close(self) -> None:
        self._stream.close()


def level_db(samples: NDArray[np.int16]) -> float:
    """Root mean square of int16 [n] in dB of full scale."""
    power = np.square(samples.astype(np.float64) / 32768).mean()
    return max(_SILENCE_DB, float(10 * np.log10(power))) if power > 0 else _SILENCE_DB


def _number(device: str | None) -> str | int | None:
    return int(device) if device and device.isdecimal() else device


def _load() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: there is no PortAudio
        raise StapesError(
            f"microphone: found no working package sounddevice ({error}), expected it to be "
            "installed; run: pip install 'stapes[record]' (on Debian also apt-get install "
            "libportaudio2)"
        ) from error
    return sounddevice
