# SPDX-License-Identifier: Apache-2.0
"""Audio in about half of its bytes, without loss, as firmware/link/packed_audio.h reads it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stapes.link.protocol import MAX_PAYLOAD_BYTES

MAX_SAMPLES = 256
_ESCAPE = 16  # so many ones mark an escaped value
_ORDERS = 3
_PARAMETERS = 16


def pack(samples: NDArray[np.int16]) -> bytes:
    """One payload of 1 to MAX_SAMPLES samples; it may be longer than a frame takes."""
    choices = []
    for order in range(_ORDERS):
        folded = _folded(samples, order)
        # So that quotients have one bit on average: nearly the best for a geometric distribution.
        parameter = min(int(folded.mean() * math.log(2) + 1).bit_length() - 1, _PARAMETERS - 1)
        choices.append((_lengths(folded, parameter).sum(), order, parameter, folded))
    _, order, parameter, folded = min(choices, key=lambda choice: choice[0])
    bits = _bits(folded, parameter)
    return bytes([order << 4 | parameter, len(samples) - 1]) + np.packbits(bits).tobytes()


def cut(samples: NDArray[np.int16]) -> list[tuple[int, bytes | None]]:
    """Cuts audio into pieces: how many samples, and their packed payload, or None if that is not
    shorter than the samples themselves."""
    pieces: list[tuple[int, bytes | None]] = []
    start, size = 0, MAX_SAMPLES
    while start < len(samples):
        piece = samples[start : start + size]
        packed = pack(piece)
        if len(packed) > MAX_PAYLOAD_BYTES and len(piece) > MAX_PAYLOAD_BYTES // 2:
            # Somewhat fewer samples than would have fitted.
            size = max(int(size * MAX_PAYLOAD_BYTES / len(packed) * 0.97), MAX_PAYLOAD_BYTES // 2)
            continue
        start += len(piece)
        size = min(MAX_SAMPLES, size + 16)
        pieces.append((len(piece), packed if len(packed) < 2 * len(piece) else None))
    return pieces


def _folded(samples: NDArray[np.int16], order: int) -> NDArray[np.uint32]:
    """The remainders after the predictor, folded to positive numbers: uint32 [n], 16 bits each."""
    padded = np.concatenate([np.zeros(2, np.int16), samples]).astype(np.int64)
    predicted = (0 * padded[1:-1], padded[1:-1], 2 * padded[1:-1] - padded[:-2])[order]
    difference = (padded[2:] - predicted).astype(np.int16).astype(np.int32)
    folded = (difference << 1) ^ (difference >> 31)
    return folded.astype(np.uint32) & np.uint32(0xFFFF)


def _lengths(folded: NDArray[np.uint32], parameter: int) -> NDArray[np.int64]:
    """Bits of each code."""
    quotients = (folded >> parameter).astype(np.int64)
    return np.where(quotients < _ESCAPE, quotients + 1 + parameter, _ESCAPE + 16)


def _bits(folded: NDArray[np.uint32], parameter: int) -> NDArray[np.uint8]:
    """The bits of all codes, one bit in each element."""
    quotients = (folded >> parameter).astype(np.int64)
    wide = folded.astype(np.int64)
    low = wide & ((1 << parameter) - 1)
    codes = np.where(
        quotients < _ESCAPE,
        (((1 << np.minimum(quotients, _ESCAPE)) - 1) << (parameter + 1)) | low,
        (((1 << _ESCAPE) - 1) << 16) | wide,
    )
    lengths = _lengths(folded, parameter)
    places = np.arange(lengths.max() - 1, -1, -1)
    bits = (codes[:, np.newaxis] >> places & 1).astype(np.uint8)
    return bits[places < lengths[:, np.newaxis]]
