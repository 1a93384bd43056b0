# SPDX-License-Identifier: Apache-2.0
"""Multipliers computed with integers equal those of IEEE floats, as upstream computes them."""

from __future__ import annotations

import os

import numpy as np
import pytest

from stapes import _native

COUNT = 1000 * int(os.environ.get("STAPES_TEST_CASES", "200"))
FLOAT_BITS, DOUBLE_BITS = 24, 53


def random_scales(seed: int) -> np.ndarray:
    """float32 of any mantissa, exponents -20 to 10; every eighth with few mantissa bits."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(107 << 23, 137 << 23, COUNT, dtype=np.uint32)
    bits[::8] &= np.uint32(0xFFF00000)
    return bits.view(np.float32)


def quantize_multiplier(real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """TensorFlow Lite's QuantizeMultiplier in float64."""
    fraction, shift = np.frexp(real)
    significand = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    carried = significand == 2**31
    significand = np.where(carried, 2**30, significand)
    shift = shift + carried
    tiny = shift < -31
    return np.where(tiny, 0, significand), np.where(tiny, 0, shift)


@pytest.mark.parametrize(
    ("product_bits", "quotient_bits"),
    [(FLOAT_BITS, DOUBLE_BITS), (DOUBLE_BITS, DOUBLE_BITS), (FLOAT_BITS, FLOAT_BITS)],
    ids=["fully connected", "convolution", "svdf"],
)
def test_ratios_of_scales_round_as_floats_do(product_bits: int, quotient_bits: int):
    a, b, c = (random_scales(seed) for seed in (1, 2, 3))
    kinds = {FLOAT_BITS: np.float32, DOUBLE_BITS: np.float64}
    product = a.astype(kinds[product_bits]) * b.astype(kinds[product_bits])
    ratio = product.astype(kinds[quotient_bits]) / c.astype(kinds[quotient_bits])
    expected = quantize_multiplier(ratio.astype(np.float64))
    bits = (x.view(np.uint32) for x in (a, b, c))
    actual = _native.quantize_ratio(*bits, product_bits=product_bits, quotient_bits=quotient_bits)
    np.testing.assert_array_equal(actual[0], expected[0])
    np.testing.assert_array_equal(actual[1], expected[1])


def test_the_smallest_multipliers_become_zero():
    tiny = np.float32([2.0**-30, 2.0**-31, 2.0**-32, 2.0**-33, 2.0**-40])
    one = np.ones_like(tiny).view(np.uint32)
    significands, shifts = _native.quantize_ratio(
        tiny.view(np.uint32), one, one, product_bits=DOUBLE_BITS, quotient_bits=DOUBLE_BITS
    )
    assert significands.tolist() == [2**30, 2**30, 2**30, 0, 0]
    assert shifts.tolist() == [-29, -30, -31, 0, 0]


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan, 1e-30, 1e30])
def test_what_is_no_usable_scale_is_refused(scale: float):
    one = np.float32([1.0]).view(np.uint32)
    with pytest.raises(ValueError, match="not a scale"):
        _native.quantize_ratio(
            np.float32([scale]).view(np.uint32), one, one, product_bits=53, quotient_bits=53
        )
