# SPDX-License-Identifier: Apache-2.0
"""Multipliers that differ in float32 and float64. Random networks almost never have them.

The bias puts sums at the border between two outputs. There, the last bits of a multiplier decide.
"""

import numpy as np
import pytest
from nn_models import assert_same_bytes

from stapes.model.builder import ModelBuilder

CASES = 60


def svdf(scales, bias):
    build = ModelBuilder()
    state, time, out = scales
    tensors = [
        build.tensor("input", shape=[1, 4], dtype="int8", scale=0.1),
        build.tensor(
            "feature", shape=[1, 4], dtype="int8", scale=0.01, data=np.ones((1, 4), np.int8)
        ),
        build.tensor(
            "time", shape=[1, 1], dtype="int16", scale=time, data=np.ones((1, 1), np.int16)
        ),
        build.tensor("bias", shape=[1], dtype="int32", scale=state * time, data=np.int32([bias])),
        build.tensor("state", shape=[1, 1], dtype="int16", scale=state, variable=True),
    ]
    output = build.tensor("output", shape=[1, 1], dtype="int8", scale=out)
    build.operator("SVDF", inputs=tensors, outputs=[output], options={"rank": 1})
    return build.build(inputs=tensors[:1], outputs=[output])


def fully_connected(scales, bias):
    build = ModelBuilder()
    first, weights, out = scales
    ones = np.ones((1, 4), np.int8)
    tensors = [
        build.tensor("input", shape=[1, 4], dtype="int8", scale=first),
        build.tensor("weights", shape=[1, 4], dtype="int8", scale=weights, data=ones),
        build.tensor(
            "bias", shape=[1], dtype="int32", scale=first * weights, data=np.int32([bias])
        ),
    ]
    output = build.tensor("output", shape=[1, 1], dtype="int8", scale=out)
    build.operator("FULLY_CONNECTED", inputs=tensors, outputs=[output])
    return build.build(inputs=tensors[:1], outputs=[output])


@pytest.mark.parametrize("network", [svdf, fully_connected])
def test_sums_at_the_border_between_two_outputs_round_as_upstream(network):
    rng = np.random.default_rng(3)
    silence = np.zeros((1, 4), np.int8)
    for _ in range(CASES):
        first, second = np.float32(rng.uniform(1e-4, 1e-3)), np.float32(rng.uniform(1e-5, 1e-4))
        out = np.float32(first * second * 2**24 * rng.uniform(0.5, 1))
        border = (rng.integers(60, 110) + 0.5) * float(out) / (float(first) * float(second))
        for bias in np.unique(np.linspace(border - 60, border + 60, 9).astype(int)):
            model = network((first, second, out), int(bias))
            assert_same_bytes(model, [silence], what=f"{network.__name__} of bias {bias}")


def test_relu_between_decimal_scales_rounds_ties_as_upstream():
    values = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    for hundredths in range(5, 40, 5):
        for out in (0.02, 0.1, 0.2):
            build = ModelBuilder()
            form = {"shape": [1, 256], "dtype": "int8"}
            source = build.tensor("input", **form, scale=hundredths / 100)
            output = build.tensor("output", **form, scale=out)
            build.operator("RELU", inputs=[source], outputs=[output])
            model = build.build(inputs=[source], outputs=[output])
            assert_same_bytes(model, [values], what=f"{hundredths / 100} to {out}")
