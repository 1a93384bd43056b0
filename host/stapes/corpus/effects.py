"""What happens to sound between a mouth and a network: pure functions over single clips.

Each takes float32 or int16 [samples] in units of int16 steps and returns float32 [samples] of the
same length; the caller draws the numbers, or passes the generator that noise is drawn from.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.signal

FULL_SCALE = 32768.0
EQUALIZER_BANDS = 6
_VOCODER_WINDOW = 512
_VOCODER_HOP = 128


def power(clip: np.ndarray) -> float:
    """Mean square of [samples], in squared int16 steps."""
    return float(np.mean(np.square(clip, dtype=np.float64)))


def apply_gain(clip: np.ndarray, decibels: float) -> np.ndarray:
    """float32 [samples], `decibels` louder."""
    return clip.astype(np.float32) * np.float32(10.0 ** (decibels / 20.0))


def add_noise(clip: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """The clip with `noise` [samples], scaled so that the ratio of their powers is `snr_db`.

    Powers are means over the whole clip. Silence, on either side, leaves the clip as it is.
    """
    signal, disturbance = power(clip), power(noise)
    if not signal or not disturbance:
        return clip.astype(np.float32)
    scale = (signal / disturbance) ** 0.5 * 10.0 ** (-snr_db / 20.0)
    return clip.astype(np.float32) + np.float32(scale) * noise


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


def change_speed(clip: np.ndarray, rate: float) -> np.ndarray:
    """Plays the clip `rate` times as fast and as high, as a tape, around its middle.

    What moves out is cut, zeros move in; frequencies that pass half the sample rate are filtered
    out. Speed perturbation (Ko et al. 2015), by linear interpolation.
    """
    tape = clip.astype(np.float32)
    if rate > 1:
        tape = _low_pass(tape, 1.0 / rate)
    return _centred(_interpolated(tape, max(2, round(len(tape) / rate))), len(clip))


def change_voice(clip: np.ndarray, *, rate: float = 1.0, semitones: float = 0.0) -> np.ndarray:
    """Plays the clip `rate` times as fast and `semitones` higher, around its middle.

    What moves out is cut, zeros move in; frequencies that pass half the sample rate are filtered
    out. A phase vocoder: magnitudes are read at another pace, phases advance as they did
    (Dolson 1986, "The phase vocoder: a tutorial"); then linear interpolation.
    """
    factor = 2.0 ** (semitones / 12.0)
    voice = _vocoded(clip, rate / factor)
    if factor > 1:
        voice = _low_pass(voice, 1.0 / factor)
    if factor != 1:
        voice = _interpolated(voice, max(2, round(len(voice) / factor)))
    return _centred(voice, len(clip))


def room_response(
    *, rt60_ms: float, direct_db: float, sample_rate: int, generator: np.random.Generator
) -> np.ndarray:
    """A made-up room: the direct sound, then noise that decays by 60 dB in `rt60_ms`.

    The statistical model of Polack (1988); after 2.5 ms, the way of the first echo. float32
    [samples] of energy 1.

    Args:
        direct_db: energy of the direct sound against all that follows.
    """
    count = max(2, int(sample_rate * rt60_ms / 1000))
    first = min(count - 1, max(1, sample_rate // 400))
    tail = generator.standard_normal(count, dtype=np.float32)
    tail *= np.exp(np.arange(count, dtype=np.float32) * np.float32(-np.log(1000.0) / count))
    tail[:first] = 0
    tail *= np.float32((10 ** (-direct_db / 10) / max(np.square(tail).sum(), 1e-30)) ** 0.5)
    tail[0] = 1
    return tail / np.float32(np.square(tail).sum() ** 0.5)


def reverberate(clip: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The clip as heard through `response`; echoes beyond its end are cut."""
    size = scipy.fft.next_fast_len(len(clip) + len(response), real=True)
    spectrum = scipy.fft.rfft(clip.astype(np.float32), size)
    return scipy.fft.irfft(spectrum * scipy.fft.rfft(response, size), size)[: len(clip)]


def equalize(clip: np.ndarray, gains_db: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Gains [bands] at frequencies spaced evenly in octaves from 60 Hz up to half the rate,
    interpolated between; zero phase."""
    size = scipy.fft.next_fast_len(len(clip) + sample_rate // 20, real=True)
    octaves, centres = _octaves(size, sample_rate, len(gains_db))
    gains = np.float32(10.0) ** (np.interp(octaves, centres, gains_db).astype(np.float32) / 20)
    spectrum = scipy.fft.rfft(clip.astype(np.float32), size)
    return scipy.fft.irfft(spectrum * gains, size)[: len(clip)]


def limit_band(
    clip: np.ndarray, *, low_hertz: float, high_hertz: float, sample_rate: int
) -> np.ndarray:
    """The band of a poor microphone or line: the magnitudes of Butterworth filters of second order
    at the lower edge, of fourth at the upper one (none at half the rate); zero phase."""
    size = scipy.fft.next_fast_len(len(clip) + sample_rate // 20, real=True)
    frequency = np.arange(size // 2 + 1, dtype=np.float32) * np.float32(sample_rate / size)
    loss = np.ones_like(frequency)  # of power
    if low_hertz > 0:
        loss += np.square(np.square(np.float32(low_hertz) / np.maximum(frequency, 1e-3)))
    if high_hertz < sample_rate / 2:
        loss += np.square(np.square(np.square(frequency / np.float32(high_hertz))))
    spectrum = scipy.fft.rfft(clip.astype(np.float32), size)
    return scipy.fft.irfft(spectrum / np.sqrt(loss), size)[: len(clip)]


def overdrive(clip: np.ndarray, decibels: float) -> np.ndarray:
    """Cuts off all within `decibels` of the clip's peak, as a microphone that is spoken to too
    loudly; the level of what is left stays as it was."""
    limit = np.float32(np.abs(clip).max(initial=0) * 10.0 ** (-decibels / 20.0))
    return np.clip(clip.astype(np.float32), -limit, limit)


def mask_features(
    features: np.ndarray, *, frames: slice, channels: slice, fill: float
) -> np.ndarray:
    """A copy of [frames, channels] with a band of frames and one of channels set to `fill`.

    SpecAugment's masks (Park et al. 2019, arXiv 1904.08779).
    """
    masked = features.copy()
    masked[frames, :] = fill
    masked[:, channels] = fill
    return masked


def _vocoded(clip: np.ndarray, rate: float) -> np.ndarray:
    """About len(clip) / rate samples."""
    window, hop = _window(), _VOCODER_HOP
    # Mirrored at its ends: out of silence the phases of a tone's bins would start apart.
    ends = (_VOCODER_WINDOW, _VOCODER_WINDOW + hop)
    padded = np.pad(clip.astype(np.float32), ends, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _VOCODER_WINDOW)[::hop]
    spectra = scipy.fft.rfft(frames * window, axis=1)
    magnitudes = np.abs(spectra)
    # A bin without sound has no phase: 0 will do, and the next frame's turn leads on from there.
    spectra += np.complex64(1e-9)
    units = spectra / np.abs(spectra)
    turns = units.copy()
    turns[1:] *= np.conj(units[:-1])
    places = np.arange(0, len(spectra) - 1, rate)
    whole = places.astype(np.int32)
    share = (places - whole).astype(np.float32)[:, None]
    stretched = magnitudes[whole]
    stretched += share * (magnitudes[whole + 1] - stretched)
    phases = np.cumprod(turns[np.concatenate([[0], whole[:-1] + 1])], axis=0)
    waves = scipy.fft.irfft(stretched * phases, axis=1) * window
    # The squares of Hann windows a quarter apart add up to 1.5.
    quarters = waves.reshape(len(waves), 4, hop)
    total = np.zeros((len(waves) + 3, hop), np.float32)
    for quarter in range(4):
        total[quarter : quarter + len(waves)] += quarters[:, quarter]
    start = round(_VOCODER_WINDOW / rate)
    return total.ravel()[start : start + max(2, round(len(clip) / rate))] / np.float32(1.5)


def _centred(samples: np.ndarray, length: int) -> np.ndarray:
    """The middle `length` samples, or all of them amid zeros."""
    if len(samples) >= length:
        start = (len(samples) - length) // 2
        return samples[start : start + length]
    start = (length - len(samples)) // 2
    return np.pad(samples, (start, length - len(samples) - start))


def _interpolated(samples: np.ndarray, length: int) -> np.ndarray:
    """The same sound in `length` samples."""
    positions = np.arange(length) * (len(samples) / length)
    whole = np.minimum(positions.astype(np.int32), len(samples) - 2)
    share = (positions - whole).astype(np.float32)
    return (1 - share) * samples[whole] + share * samples[whole + 1]


def _low_pass(samples: np.ndarray, share: float) -> np.ndarray:
    """Cuts off above `share` of half the sample rate."""
    size = scipy.fft.next_fast_len(len(samples), real=True)
    spectrum = scipy.fft.rfft(samples, size)
    spectrum[int(len(spectrum) * share) :] = 0
    return scipy.fft.irfft(spectrum, size)[: len(samples)]


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    return scipy.signal.windows.hann(_VOCODER_WINDOW, sym=False).astype(np.float32)


@lru_cache(maxsize=8)
def _octaves(size: int, sample_rate: int, bands: int) -> tuple[np.ndarray, np.ndarray]:
    """log2 of the frequencies of an FFT's bins in Hz, and of the bands' centres."""
    frequency = np.maximum(np.arange(size // 2 + 1) * (sample_rate / size), 1.0)
    return np.log2(frequency), np.linspace(np.log2(60), np.log2(sample_rate / 2), bands)
