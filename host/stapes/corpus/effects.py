# SPDX-License-Identifier: Apache-2.0
"""What happens to sound between a mouth and a network: pure functions over clips.

Each takes float32 or int16 in units of int16 steps and returns float32 of the same shape: those
that move sound in time one clip [samples], all others also many at once, [..., samples] with their
amounts [...]. The caller draws the numbers, or passes the generator that noise is drawn from.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from stapes import _native

FULL_SCALE = 32768.0
EQUALIZER_BANDS = 6
_LIFTER_SECONDS = 0.0015  # shorter than the period of any voice


def power(clips: np.ndarray) -> np.ndarray:
    """Mean squares [...] of [..., samples], in squared int16 steps."""
    clips = np.asarray(clips, np.float32)
    return np.einsum("...i,...i->...", clips, clips) / np.float32(clips.shape[-1])


def apply_gain(clips: np.ndarray, decibels: ArrayLike) -> np.ndarray:
    """`decibels` [...] louder."""
    return clips.astype(np.float32) * _each(10.0 ** (np.asarray(decibels) / 20.0))


def add_noise(clips: np.ndarray, noise: np.ndarray, snr_db: ArrayLike) -> np.ndarray:
    """The clips with `noise` [..., samples], scaled so that the ratio of their powers is `snr_db`.

    Powers are means over the whole clip. Silence, on either side, leaves the clip as it is.
    """
    signal, disturbance = power(clips), power(noise)
    ratio = np.divide(signal, disturbance, out=np.zeros_like(signal), where=disturbance > 0)
    scale = np.sqrt(ratio) * 10.0 ** (-np.asarray(snr_db) / 20.0)
    return clips.astype(np.float32) + _each(scale) * noise


def coloured_noise(
    samples: int, exponent: float, *, sample_rate: int, generator: np.random.Generator
) -> np.ndarray:
    """Noise whose power falls with frequency**-exponent (0 white, 1 pink, 2 brown): float32
    [samples] of power 1. Nothing below 20 Hz, which would take all of the range."""
    bins = samples // 2 + 1
    frequency = np.arange(bins, dtype=np.float32) * np.float32(sample_rate / samples)
    spectrum = generator.standard_normal((2, bins), dtype=np.float32)
    weight = np.zeros(bins, np.float32)
    audible = frequency >= 20
    weight[audible] = frequency[audible] ** np.float32(-exponent / 2)
    noise = scipy.fft.irfft((spectrum[0] + 1j * spectrum[1]) * weight, samples)
    return (noise / max(power(noise) ** 0.5, 1e-30)).astype(np.float32)


def change_voice(
    clip: np.ndarray,
    *,
    sample_rate: int,
    rate: float = 1.0,
    semitones: float = 0.0,
    speed: float = 1.0,
) -> np.ndarray:
    """Plays the clip `rate` times as fast and `semitones` higher, around its middle. `speed` works
    like the speed of a tape: it changes tempo and pitch together (Ko et al. 2015).

    Sound that moves out of the clip is cut, and zeros move in; frequencies that would pass half the
    sample rate are filtered out. Pieces of the clip overlap where they fit best (WSOLA: Verhelst
    and Roelands 1993), which keeps the pitch; then the sound is resampled.
    """
    factor = 2.0 ** (semitones / 12.0)
    voice = np.asarray(clip, np.float32)
    if rate != factor:
        voice = _native.stretch(voice, rate / factor, sample_rate)
    return _centred(_resampled(voice, factor * speed), len(clip))


def change_tract(clip: np.ndarray, *, sample_rate: int, factor: float) -> np.ndarray:
    """The clip [samples] as if said with a vocal tract `factor` times as short: its resonances lie
    `factor` times as high, its pitch and its tempo stay.

    The envelope of the spectrum is stretched for each 32 ms of the sound. The envelope is the part
    of the cepstrum below _LIFTER_SECONDS.
    """
    voice = np.asarray(clip, np.float32)
    if factor == 1.0 or not len(voice):
        return voice
    size = 1 << round(np.log2(0.032 * sample_rate))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    padded = np.pad(voice, (size, size + -len(voice) % (size // 4)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 4]
    spectra = scipy.fft.rfft(frames * window)
    spectra *= _tract_gains(np.abs(spectra), sample_rate, factor)
    changed = scipy.fft.irfft(spectra, size) * window
    sound = np.zeros(len(padded), np.float32)
    for number, frame in enumerate(changed):
        sound[number * size // 4 :][:size] += frame
    return sound[size:][: len(voice)] / np.float32(1.5)  # the sum of the squared windows


def _tract_gains(magnitudes: np.ndarray, sample_rate: int, factor: float) -> np.ndarray:
    """Gains [frames, bins] that move the resonances of each frame to `factor` times as high."""
    logs = np.log(magnitudes + np.float32(1e-3 * magnitudes.max() + 1e-9))
    cepstra = scipy.fft.irfft(logs)
    kept = max(2, int(_LIFTER_SECONDS * sample_rate))
    cepstra[:, kept : cepstra.shape[1] - kept + 1] = 0
    envelopes = scipy.fft.rfft(cepstra).real
    bins = np.arange(magnitudes.shape[1])
    source = np.minimum(bins / factor, bins[-1])
    low = source.astype(int)
    high, part = np.minimum(low + 1, bins[-1]), source - low
    moved = envelopes[:, low] * (1 - part) + envelopes[:, high] * part
    return np.exp(np.clip(moved - envelopes, -4, 4))


def echoes(white: np.ndarray, *, rt60_ms: float, sample_rate: int) -> np.ndarray:
    """A computed room without the direct sound: noise that decays by 60 dB in `rt60_ms` and ends
    there. float32 [samples] of energy 1.

    The statistical model of Polack (1988). It begins after 2.5 ms, when the first echo arrives.

    Args:
        white: white noise of any level, as long as the reverberation or longer.
    """
    count = max(2, int(sample_rate * rt60_ms / 1000))
    decay = np.exp(np.arange(count, dtype=np.float32) * np.float32(-np.log(1000.0) / count))
    tail = white[:count] * decay
    tail[: min(count - 1, max(1, sample_rate // 400))] = 0
    return tail / np.float32(max(np.square(tail).sum(), 1e-30) ** 0.5)


def room_size(samples: int, sample_rate: int, rt60_ms: float) -> int:
    """The FFT size at which the echoes of such a room do not wrap around to the clip's start."""
    return scipy.fft.next_fast_len(samples + max(2, int(sample_rate * rt60_ms / 1000)), real=True)


def reverberate(
    clips: np.ndarray, rooms: np.ndarray, *, direct_db: ArrayLike, size: int
) -> np.ndarray:
    """The clips as heard in rooms, at the level they had; echoes beyond their end are cut.

    Args:
        rooms: transforms of `echoes` in `size` points, complex64 [..., size // 2 + 1].
        direct_db: [...], energy of the direct sound against all that follows.
    """
    share = 1 / (1 + 10.0 ** (-np.asarray(direct_db) / 10))  # of the energy
    spectra = scipy.fft.rfft(np.asarray(clips, np.float32), size)
    response = rooms * _each(np.sqrt(1 - share))
    response += _each(np.sqrt(share))
    spectra *= response
    return scipy.fft.irfft(spectra, size, overwrite_x=True)[..., : clips.shape[-1]]


def filtered(clips: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """The clips with gains [..., filter_bins] at 0 Hz to half the rate; zero phase."""
    size = 2 * (gains.shape[-1] - 1)
    spectra = scipy.fft.rfft(np.asarray(clips, np.float32), size)
    spectra *= gains
    return scipy.fft.irfft(spectra, size, overwrite_x=True)[..., : clips.shape[-1]]


def filter_bins(samples: int, sample_rate: int) -> int:
    """How many frequencies `filtered` takes: they are closer than 20 Hz and make an FFT cheap."""
    return scipy.fft.next_fast_len(-(-(samples + sample_rate // 20) // 2), real=True) + 1


def equalizer_gains(gains_db: np.ndarray, *, bins: int, sample_rate: int) -> np.ndarray:
    """Gains [..., bands] at frequencies spaced evenly in octaves from 60 Hz up to half the rate,
    interpolated between: float32 [..., bins] for `filtered`."""
    below, share = _bands(bins, sample_rate, gains_db.shape[-1])
    levels = (np.asarray(gains_db) * (np.log(10) / 20)).astype(np.float32)
    gains = np.take(np.diff(levels, axis=-1), below, axis=-1)
    gains *= share
    gains += np.take(levels, below, axis=-1)
    return np.exp(gains, out=gains)


def band_gains(
    *, low_hertz: ArrayLike, high_hertz: ArrayLike, bins: int, sample_rate: int
) -> np.ndarray:
    """The band of a poor microphone or line: the magnitudes of Butterworth filters of second order
    at the lower edge, of fourth at the upper one (none at half the rate): float32 [..., bins] for
    `filtered`."""
    squares = _squares(bins, sample_rate)
    low, high = np.asarray(low_hertz, np.float64), np.asarray(high_hertz, np.float64)
    high = np.where(high < sample_rate / 2, high, np.inf)
    below = _each(low**2) / squares
    above = _each(high**-2) * squares
    above *= above
    return (1 / np.sqrt(1 + below * below + above * above)).astype(np.float32)


def overdrive(clips: np.ndarray, decibels: ArrayLike) -> np.ndarray:
    """Clips at `decibels` below a clip's peak, like a microphone that is spoken to too loudly. The
    samples below that limit do not change."""
    clips = np.asarray(clips, np.float32)
    peak = np.maximum(clips.max(axis=-1, initial=0), -clips.min(axis=-1, initial=0))
    limit = _each(peak * 10.0 ** (-np.asarray(decibels) / 20.0))
    return np.clip(clips, -limit, limit)


def _each(amounts: ArrayLike) -> np.ndarray:
    """float32 [..., 1], for clips [..., samples]."""
    return np.asarray(amounts, np.float32)[..., None]


def _centred(samples: np.ndarray, length: int) -> np.ndarray:
    """The middle `length` samples; if there are fewer, all of them, with zeros on both sides."""
    if len(samples) >= length:
        start = (len(samples) - length) // 2
        return samples[start : start + length]
    start = (length - len(samples)) // 2
    return np.pad(samples, (start, length - len(samples) - start))


def _resampled(samples: np.ndarray, rate: float) -> np.ndarray:
    """The same sound, `rate` times as fast and as high."""
    if rate == 1:
        return samples
    return _native.resample(samples, max(2, round(len(samples) / rate)))


@lru_cache(maxsize=8)
def _squares(bins: int, sample_rate: int) -> np.ndarray:
    """Squares of the frequencies of `filtered`, in Hz; 0 Hz counts as a little above 0."""
    return np.square(np.maximum(np.linspace(0, sample_rate / 2, bins), 1e-3)).astype(np.float32)


@lru_cache(maxsize=8)
def _bands(bins: int, sample_rate: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """For each frequency of `filtered`: the number of the band below it, and which share of the way
    from this band to the next it lies (0 to 1)."""
    octaves = np.log2(np.maximum(np.linspace(0, sample_rate / 2, bins), 60) / 60)
    places = octaves * ((count - 1) / np.log2(sample_rate / 2 / 60))
    below = np.minimum(places.astype(np.int64), count - 2)
    return below, (places - below).astype(np.float32)
