# SPDX-License-Identifier: Apache-2.0
"""How high a voice is: its fundamental frequency.

Source: Boersma 1993, Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound: the autocorrelation of a frame over that of its window.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

_LOWEST_HERTZ, _HIGHEST_HERTZ = 65.0, 420.0  # of voices that speak
_FRAME_SECONDS, _HOP_SECONDS = 0.05, 0.02
_LOUD = 0.1  # of the loudest frame's power: vowels
_VOICED = 0.5  # least autocorrelation at the period
_OCTAVE = 0.85  # of the highest peak, which may lie at a multiple of the period
_FEWEST_FRAMES = 3
_MOST_FRAMES = 300  # of long recordings, evenly


def median_pitch(samples: np.ndarray, *, sample_rate: int) -> float | None:
    """The pitch in Hz of [samples] in which one voice speaks; None if too little is voiced."""
    samples, size = np.asarray(samples, np.float64), int(_FRAME_SECONDS * sample_rate)
    if len(samples) < size:
        return None
    frames = sliding_window_view(samples, size)[:: int(_HOP_SECONDS * sample_rate)]
    powers = np.einsum("ij,ij->i", frames, frames)
    loud = frames[powers > _LOUD * powers.max()]
    loud = loud[:: -(-len(loud) // _MOST_FRAMES) or 1]
    heights = [height for frame in loud if (height := _pitch(frame, sample_rate))]
    return float(np.median(heights)) if len(heights) >= _FEWEST_FRAMES else None


def _pitch(frame: np.ndarray, sample_rate: int) -> float | None:
    window = np.hanning(len(frame))
    alike = _autocorrelation(frame * window)
    if alike[0] <= 0:
        return None
    alike = (alike / alike[0]) / (_autocorrelation(window) / (window @ window))
    shortest, longest = (int(sample_rate / hertz) for hertz in (_HIGHEST_HERTZ, _LOWEST_HERTZ))
    within = alike[shortest - 1 : longest + 2]
    peaks = 1 + np.flatnonzero((within[1:-1] >= within[:-2]) & (within[1:-1] >= within[2:]))
    if not len(peaks) or within[peaks].max() < _VOICED:
        return None
    # The autocorrelation is high at every multiple of the period: take the first one.
    first = peaks[within[peaks] >= _OCTAVE * within[peaks].max()][0]
    return sample_rate / (shortest - 1 + int(first))


def _autocorrelation(frame: np.ndarray) -> np.ndarray:
    """At delays up to half of the frame: there, the autocorrelation of the window is far from 0."""
    size = scipy.fft.next_fast_len(2 * len(frame), real=True)
    spectrum = scipy.fft.rfft(frame, size)
    return scipy.fft.irfft((spectrum * spectrum.conj()).real, size)[: len(frame) // 2]
