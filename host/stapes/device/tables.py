# SPDX-License-Identifier: Apache-2.0
"""Tables of the fixed-point front end: computed here in float64, once; all else is integer.

The facts are those of TensorFlow's audio ops (tensorflow/core/kernels: spectrogram.cc,
mfcc_mel_filterbank.cc, mfcc_dct.cc).
"""

from __future__ import annotations

import dataclasses
import math
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, ModelSettings, PcenSettings

_LARGEST = 2.0**31 * 0.999  # a 32-bit sum may reach this: a little is left for rounding


@dataclass(frozen=True, kw_only=True)
class FrontEndTables:
    """The C++ struct of the same name (firmware/frontend/front_end_tables.h), field by field."""

    window_samples: int
    stride_samples: int
    fft_log2: int
    input_bits: int
    channel_count: int
    coefficient_count: int
    first_bin: int
    last_bin: int
    window: NDArray[np.int32]
    twiddles: NDArray[np.int32]
    bin_twiddles: NDArray[np.int32]
    band_bins: NDArray[np.uint16]
    mel_weights: NDArray[np.uint16]
    dct: NDArray[np.int16]
    feature_bits: int
    zero_point: int
    multiplier: int
    shift: int
    work_bytes: int
    pcen_curve: NDArray[np.uint16]
    pcen_energy_bits: int
    pcen_rate: int
    pcen_alpha: int
    pcen_floor: int

    @property
    def feature_count(self) -> int:
        """Values per frame."""
        return self.coefficient_count or self.channel_count

    @property
    def pcen_highest(self) -> float:
        """The largest feature of PCEN; the smallest is 0."""
        return float(self.pcen_curve[-1]) / 2.0 ** (self.feature_bits - 15)

    def crc32(self, settings: ModelSettings) -> int:
        """A checksum that identifies the tables and the windows of frames that a network takes,
        without the quantization, which is different for each model."""
        crc = zlib.crc32(settings.front_end.sample_rate.to_bytes(4, "little"))
        if settings.window_frames > 1:
            windows = (settings.window_frames, settings.clip_stride_frames)
            crc = zlib.crc32(struct.pack("<II", *windows), crc)
        for entry in dataclasses.fields(self):
            absent = entry.name.startswith("pcen_") and not self.pcen_curve.size
            if not absent and entry.name not in ("zero_point", "multiplier", "shift"):
                value = getattr(self, entry.name)
                array = np.asarray(value, np.int64 if isinstance(value, int) else value.dtype)
                crc = zlib.crc32(array.astype(array.dtype.newbyteorder("<")).tobytes(), crc)
        return crc


def build_tables(
    settings: FrontEndSettings, *, scale: float = 1.0, zero_point: int = 0
) -> FrontEndTables:
    """Tables for one model: `scale` and `zero_point` are those of its int8 input tensor.

    Raises:
        StapesError: no FFT bin lies between the band edges, or the quantization does not fit.
    """
    window = _periodic_hann(settings.window_samples)
    fft_log2 = settings.fft_size.bit_length() - 1
    first_bin, band_bins, weights = _mel_bands(settings)
    dct, feature_bits = _dct(settings.channel_count, settings.dct_coefficient_count)
    pcen = _Pcen()
    if settings.pcen is not None:
        largest = _largest_channel(window, settings.fft_size, band_bins, weights)
        pcen = _pcen(settings, settings.pcen, largest)
        feature_bits = pcen.feature_bits
    multiplier, shift = _multiplier(scale, zero_point, feature_bits)
    return FrontEndTables(
        window_samples=settings.window_samples,
        stride_samples=settings.stride_samples,
        fft_log2=fft_log2,
        input_bits=_input_bits(window),
        channel_count=settings.channel_count,
        coefficient_count=settings.dct_coefficient_count,
        first_bin=first_bin,
        last_bin=first_bin + len(weights) - 1,
        window=_fixed(window[: (len(window) + 1) // 2 + 1], 31, np.int32),
        twiddles=_stage_twiddles(fft_log2 - 1),
        bin_twiddles=_cos_sin(
            2 * np.pi * np.arange(first_bin, first_bin + len(weights)) / settings.fft_size
        ),
        band_bins=band_bins,
        mel_weights=_fixed(weights, 16, np.uint16),
        dct=dct,
        feature_bits=feature_bits,
        zero_point=zero_point,
        multiplier=multiplier,
        shift=shift,
        work_bytes=_work_bytes(settings),
        pcen_curve=pcen.curve,
        pcen_energy_bits=pcen.energy_bits,
        pcen_rate=pcen.rate,
        pcen_alpha=pcen.alpha,
        pcen_floor=pcen.floor,
    )


def _periodic_hann(size: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)


def _fixed(values: NDArray[np.float64], bits: int, dtype: type) -> NDArray:
    """Rounded to Q`bits`; values that do not fit `dtype` become its largest or smallest number."""
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values * 2.0**bits), limits.min, limits.max).astype(dtype)


def _input_bits(window: NDArray[np.float64]) -> int:
    """The largest q so that windowed samples up to 2^q overflow nowhere.

    Sums in the FFT never exceed the sum of |z| over its complex inputs (pairs of samples); sums
    and doubled bins of the real spectrum never exceed twice the sum of |sample|.
    """
    padded = np.append(window, np.zeros(len(window) % 2))
    fft = np.hypot(padded[0::2], padded[1::2]).sum()
    spectrum = 2 * window.sum()
    return math.floor(math.log2(_LARGEST / max(fft, spectrum)))


def _cos_sin(angles: NDArray[np.float64]) -> NDArray[np.int32]:
    """Shape [n, 2], Q31."""
    return _fixed(np.stack([np.cos(angles), np.sin(angles)], axis=-1), 31, np.int32)


def _stage_twiddles(size_log2: int) -> NDArray[np.int32]:
    """Shape [n, 6]; firmware/frontend/fft.h says the order."""
    size = 1 << size_log2
    quarter = 2 if size_log2 % 2 else 4
    stages = []
    while quarter < size:
        angles = np.outer(np.arange(quarter) / (4 * quarter), 2 * np.pi * np.arange(1, 4))
        stages.append(_cos_sin(angles).reshape(quarter, 6))
        quarter *= 4
    return np.concatenate(stages)


def _mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return 1127.0 * np.log1p(np.asarray(hertz, dtype=np.float64) / 700.0)


def _mel_steps(settings: FrontEndSettings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lower edge of the lowest channel, and the distance from centre to centre, in mel."""
    low, high = _mel(settings.lower_edge_hertz), _mel(settings.upper_edge_hertz)
    return low, (high - low) / (settings.channel_count + 1)


def mel_places(
    settings: FrontEndSettings, hertz: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Where frequencies lie among the channels: the centre of channel c at c + 0.5."""
    low, step = _mel_steps(settings)
    return (_mel(hertz) - low) / step - 0.5


def _mel_bands(
    settings: FrontEndSettings,
) -> tuple[int, NDArray[np.uint16], NDArray[np.float64]]:
    """First bin, bins per band ([channels + 1]), share of each bin for the channel below it.

    Band c holds the bins above the centre of channel c-1 up to that of channel c; a bin gives its
    weight to channel c-1 and the rest to channel c.
    """
    hertz_per_bin = settings.sample_rate / settings.fft_size
    first = int(1.5 + settings.lower_edge_hertz / hertz_per_bin)
    last = int(settings.upper_edge_hertz / hertz_per_bin)
    if last < first:
        raise StapesError(
            f"band edges {settings.lower_edge_hertz:g} to {settings.upper_edge_hertz:g} Hz: no FFT "
            f"bin between them, bins are {hertz_per_bin:g} Hz apart; widen the band or the window"
        )
    count = settings.channel_count
    low, step = _mel_steps(settings)
    # Edges of the triangles: lower edge, then the centres, then the upper edge.
    edges = low + step * np.arange(count + 2)
    mel = _mel(np.arange(first, last + 1, dtype=np.float64) * hertz_per_bin)
    band = np.minimum(np.searchsorted(edges[1:], mel, side="left"), count)
    weights = (edges[band + 1] - mel) / (edges[band + 1] - edges[band])
    return first, np.bincount(band, minlength=count + 1).astype(np.uint16), weights


def _dct(channels: int, coefficients: int) -> tuple[NDArray[np.int16], int]:
    """The folded DCT table ([coefficients, row], firmware/frontend/dct.h) and its Q format."""
    if coefficients == 0:
        return np.zeros((0, 0), np.int16), 16
    norm = math.sqrt(2 / channels)
    bits = math.floor(math.log2(32767.4 / norm))
    half = channels // 2
    index = np.arange(coefficients)[:, np.newaxis]
    cosines = norm * np.cos(np.pi / channels * index * (np.arange(channels) + 0.5))
    table = np.zeros((coefficients, _dct_row(channels)))
    table[0::2, : channels - half] = cosines[0::2, : channels - half]
    table[1::2, :half] = cosines[1::2, half - 1 :: -1] if half else 0
    return _fixed(table, bits, np.int16), bits


def _dct_row(channels: int) -> int:
    return (channels + 7) // 8 * 4


@dataclass(frozen=True, kw_only=True)
class _Pcen:
    """The fields of `FrontEndTables` that PCEN needs; the defaults are the values without PCEN."""

    curve: NDArray[np.uint16] = dataclasses.field(default_factory=lambda: np.empty(0, np.uint16))
    feature_bits: int = 0
    energy_bits: int = 0
    rate: int = 0
    alpha: int = 0
    floor: int = 0


def _pcen(settings: FrontEndSettings, pcen: PcenSettings, largest: float) -> _Pcen:
    """`largest`: the largest possible value of a channel."""
    energy_bits = math.floor(math.log2(_LARGEST / largest))
    stride_ms = 1000 * settings.stride_samples / settings.sample_rate
    rate = 1 - math.exp(-stride_ms / pcen.time_constant_ms)
    # No channel can be further above its past than this, so the curve's steps end there.
    highest = (1 - pcen.alpha) * max(math.log2(largest), 0) - pcen.alpha * math.log2(rate)
    curve = pcen_curve(np.minimum(np.arange(257) / 8 - 16, highest + 1 / 8), pcen)
    curve_bits = min(math.floor(math.log2(65535 / curve[-1])), 16)
    return _Pcen(
        curve=_fixed(curve, curve_bits, np.uint16),
        feature_bits=curve_bits + 15,
        energy_bits=energy_bits,
        rate=max(1, round(rate * 2**16)),
        alpha=int(_fixed(np.array(pcen.alpha), 31, np.int32)),
        floor=int(np.clip(round(pcen.floor * 2.0**energy_bits), 1, 2**31)),
    )


def pcen_curve(octaves: NDArray[np.float64], pcen: PcenSettings) -> NDArray[np.float64]:
    """Features of log2(E / (floor + M)^alpha)."""
    if pcen.root == 0:
        return np.log1p(2.0**octaves / pcen.delta)
    return (2.0**octaves + pcen.delta) ** pcen.root - pcen.delta**pcen.root


def _largest_channel(
    window: NDArray[np.float64],
    fft_size: int,
    band_bins: NDArray[np.uint16],
    weights: NDArray[np.float64],
) -> float:
    """An upper bound of all mel channels for samples from -1 to 1: Parseval's theorem bounds the
    sum of the squared magnitudes, and the inequality of Cauchy and Schwarz the weighted sum."""
    starts = np.cumsum(band_bins)[:-1]
    rising, falling = np.split(1 - weights, starts), np.split(weights, starts)
    triangles = zip(rising[:-1], falling[1:], strict=True)
    squares = [np.sum(up**2) + np.sum(down**2) for up, down in triangles]
    return math.sqrt(fft_size * np.sum(window**2) * max(squares))


def _multiplier(scale: float, zero_point: int, feature_bits: int) -> tuple[int, int]:
    """multiplier / 2^shift = 1 / (scale 2^feature_bits)."""
    if not (math.isfinite(scale) and scale > 0):
        raise StapesError(f"feature scale {scale!r}: expected a positive number; quantize again")
    if not -128 <= zero_point <= 127:
        raise StapesError(f"feature zero point {zero_point}: expected -128 to 127; quantize again")
    mantissa, exponent = math.frexp(2.0**-feature_bits / scale)
    multiplier, shift = round(mantissa * 2**31), 31 - exponent
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift - 1
    if not 32 <= shift <= 62:
        raise StapesError(f"feature scale {scale!r}: expected 1e-4 to 1e4; quantize again")
    return multiplier, shift


def _work_bytes(settings: FrontEndSettings) -> int:
    """Spectrum (later the DCT's output), PCEN's energies, logarithms, samples; a multiple of 8."""
    spectrum = max(settings.fft_size // 2 + 1, (settings.dct_coefficient_count + 1) // 2)
    logs = (settings.channel_count + 1) // 2 + _dct_row(settings.channel_count)
    smoothed = settings.channel_count if settings.pcen else 0
    total = 8 * (spectrum + smoothed) + 4 * logs + 2 * settings.window_samples
    return (total + 7) // 8 * 8
