# SPDX-License-Identifier: Apache-2.0
"""Operators on int16 activations (with int8 weights) give the bytes of upstream's kernels."""

from __future__ import annotations

import numpy as np
import pytest
from nn_models import (
    CASES,
    Network,
    Random,
    WideNetwork,
    activation,
    assert_same_bytes,
    check_models,
    random_shape,
    scale,
    small,
    values,
)

from stapes.device.engine import Engine
from stapes.errors import StapesError


def image(rng: Random, channels: int = 6) -> tuple[int, int, int, int]:
    return (small(rng, 2), small(rng, 9), small(rng, 9), small(rng, channels))


@pytest.mark.parametrize("sums", ["int64", "int32"])
@pytest.mark.parametrize("per_row", [False, True])
def test_fully_connected_equals_upstream(sums: str, per_row: bool):
    def make(rng: Random) -> WideNetwork:
        network = WideNetwork(rng, (small(rng, 4), small(rng, 70)), sums=sums)
        network.fully_connected(small(rng) + 1, per_row=per_row, with_bias=bool(rng.integers(3)))
        return network

    check_models(make)


@pytest.mark.parametrize("output_scale", [6.3e-6, 1 / 32768, 1 / 32767, 1e-4])
@pytest.mark.parametrize("activation", ["RELU6", "RELU_N1_TO_1"])
def test_limits_of_an_activation_equal_upstream(activation: str, output_scale: float):
    """Also where they lie beyond what 16 bits hold: -32768 below, 32767 above."""
    network = WideNetwork(np.random.default_rng(0), (1, 4), input_scale=1e-3)
    network.chain(
        "FULLY_CONNECTED",
        network.constant(np.full((1, 4), 127, np.int8), np.array([0.01])),
        -1,
        shape=(1, 1),
        scale_=output_scale,
        options={"fusedActivationFunction": activation, "keepNumDims": True},
    )
    extremes = [np.full((1, 4), value, np.int16) for value in (-32768, -300, 0, 300, 32767)]
    assert_same_bytes(network.finish(), extremes, what=f"{activation} at {output_scale}")


@pytest.mark.parametrize("sums", ["int64", "int32"])
def test_conv_2d_equals_upstream(sums: str):
    def make(rng: Random) -> WideNetwork:
        groups = int(rng.choice([1, 1, 2, 3]))
        shape = (*image(rng)[:3], groups * small(rng, 3))
        network = WideNetwork(rng, shape, sums=sums)
        network.conv_2d(groups * small(rng, 4), groups=groups, pointwise=bool(rng.integers(4) == 0))
        return network

    check_models(make, cases=2 * CASES)


def test_depthwise_conv_2d_equals_upstream():
    def make(rng: Random) -> WideNetwork:
        network = WideNetwork(rng, image(rng, 9))
        network.depthwise_conv_2d(int(rng.choice([1, 1, 2, 3])))
        return network

    check_models(make, cases=2 * CASES)


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pooling_equals_upstream(name: str):
    def make(rng: Random) -> WideNetwork:
        network = WideNetwork(rng, image(rng))
        network.pool_2d(name)
        return network

    check_models(make)


@pytest.mark.parametrize("name", ["ADD", "MUL"])
@pytest.mark.parametrize("broadcast", [False, True])
def test_arithmetic_of_two_inputs_equals_upstream(name: str, broadcast: bool):
    def make(rng: Random) -> WideNetwork:
        whole = random_shape(rng, small(rng, 4))
        shapes = [whole, whole]
        if broadcast:
            narrow = tuple(1 if rng.integers(2) else size for size in whole)
            shapes[int(rng.integers(2))] = narrow[int(rng.integers(len(whole))) :]
        network = WideNetwork(rng, shapes[0])
        other_scale = scale(rng, 0.01, 100.0) * network.scale
        other = network.constant(values(rng, shapes[1], "int16"), other_scale)
        reach = max(network.scale, other_scale) if name == "ADD" else network.scale * other_scale
        spread = 1.5 if name == "ADD" else 32768
        network.chain(
            name,
            other,
            shape=tuple(np.broadcast_shapes(*shapes)),
            scale_=float(reach) * spread * scale(rng, 0.3, 3.0),
            options={"fusedActivationFunction": activation(rng)},
        )
        return network

    check_models(make)


@pytest.mark.parametrize("name", ["LOGISTIC", "TANH"])
def test_curves_equal_upstream(name: str):
    def make(rng: Random) -> WideNetwork:
        network = WideNetwork(rng, (1, 512), input_scale=scale(rng, 1e-9, 2.6))
        network.chain(name, shape=network.shape, scale_=1 / 32768)
        return network

    check_models(make)


@pytest.mark.parametrize("name", ["LOGISTIC", "TANH"])
@pytest.mark.parametrize(
    "input_scale", [2.0**-12, 2.0**-11, 2.0**-15, 1.0003 * 2.0**-12, 16383.7 / 12288]
)
def test_curves_equal_upstream_over_all_inputs(name: str, input_scale: float):
    network = WideNetwork(np.random.default_rng(0), (1, 4096), input_scale=input_scale)
    network.chain(name, shape=network.shape, scale_=1 / 32768)
    every = np.arange(-32768, 32768).astype(np.int16).reshape(16, 1, 4096)
    assert_same_bytes(network.finish(), list(every), what=f"{name} of scale {input_scale}")


def test_softmax_equals_upstream():
    def make(rng: Random) -> WideNetwork:
        shape = (small(rng, 3), small(rng, 40))
        network = WideNetwork(rng, shape, input_scale=scale(rng, 1e-7, 0.4))
        beta = float(rng.choice([1.0, 1.0, scale(rng, 0.1, 10.0)]))
        network.chain("SOFTMAX", shape=shape, scale_=1 / 32768, options={"beta": beta})
        return network

    check_models(make, cases=2 * CASES)


def test_softmax_equals_upstream_over_all_differences():
    """Both tables, value by value: rows of two, and rows of many equal values."""
    for width, count in ((2, 65536), (256, 256)):
        network = WideNetwork(np.random.default_rng(0), (count, width), input_scale=10 / 65535)
        network.chain("SOFTMAX", shape=network.shape, scale_=1 / 32768, options={"beta": 1.0})
        rows = np.full((count, width), 32767, np.int16)
        if width == 2:
            rows[:, 1] = np.arange(-32768, 32768)
        else:
            for i, row in enumerate(rows):
                row[i + 1 :] = -32768
                row[0] -= i
        assert_same_bytes(network.finish(), [rows], what=f"rows of {width}")


def test_layers_of_16_bits_equal_upstream():
    def make(rng: Random) -> WideNetwork:
        shape = (1, 4 + small(rng, 6), 4 + small(rng, 6), small(rng, 4))
        network = WideNetwork(rng, shape, calm=True)
        for _ in range(small(rng, 5)):
            kind = rng.integers(4)
            shortcut, before, shape = network.last, float(network.scale), network.shape
            if kind == 0:
                network.depthwise_conv_2d(int(rng.choice([1, 2])))
            elif kind == 1:
                network.pool_2d(str(rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"])))
            else:
                network.conv_2d(shape[3] if kind == 2 else small(rng, 6), pointwise=True)
            if network.shape == shape and rng.integers(2):
                reach = before + float(network.scale)
                network.chain("ADD", shortcut, shape=shape, scale_=reach * scale(rng, 0.5, 2.0))
        size = int(np.prod(network.shape))
        network.same_quantization("RESHAPE", shape=(1, size))
        network.fully_connected(1 + small(rng, 8))
        if network.scale < 4:  # larger ones are refused
            network.chain("SOFTMAX", shape=network.shape, scale_=1 / 32768, options={"beta": 1.0})
        return network

    check_models(make)


def test_one_model_of_8_and_16_bits_equals_upstream():
    """Each call runs on the type of its own input."""

    def make(rng: Random) -> WideNetwork:
        network = WideNetwork(rng, (1, small(rng, 30)))
        network.fully_connected(small(rng) + 1)
        narrow = network.tensor(
            "narrow", shape=network.shape, dtype="int8", scale=256 * network.scale, zero_point=3
        )
        network.operator("QUANTIZE", inputs=[network.last], outputs=[narrow])
        matrix = rng.integers(-127, 128, (4, network.shape[1])).astype(np.int8)
        output = network.tensor(
            "output", shape=(1, 4), dtype="int8", scale=30 * network.scale, zero_point=-7
        )
        network.operator(
            "FULLY_CONNECTED",
            inputs=[narrow, network.constant(matrix, 0.001), -1],
            outputs=[output],
            options={"keepNumDims": True},
        )
        network.last = output
        return network

    check_models(make)


def test_firmware_links_wide_operators_only_for_calls_of_16_bits():
    def symbol(kind: type[Network]) -> str:
        network = kind(np.random.default_rng(0), (1, 8))
        network.fully_connected(4)
        (entry,) = Engine.from_bytes(network.finish()).operators
        return entry["symbol"]

    assert symbol(WideNetwork) == "kOperatorWideFullyConnected"
    assert symbol(Network) == "kOperatorFullyConnected"


@pytest.mark.parametrize(("state", "symbol"), [("int8", "Svdf"), ("int16", "WideSvdf")])
def test_firmware_links_the_time_stage_of_16_bits_only_for_states_of_16_bits(state, symbol):
    network = Network(np.random.default_rng(0), (1, 8))
    network.svdf(4, 1, 5, state=state)
    (entry,) = Engine.from_bytes(network.finish()).operators
    assert entry["symbol"] == f"kOperator{symbol}"


def refused(change, *, name: str = "FULLY_CONNECTED") -> str:
    network = WideNetwork(np.random.default_rng(1), (1, 4, 4, 2), input_scale=0.01)
    if name == "FULLY_CONNECTED":
        network.fully_connected(4)
    elif name == "DEPTHWISE_CONV_2D":
        network.depthwise_conv_2d(1)
    elif name == "MAX_POOL_2D":
        network.pool_2d(name)
    else:
        network.chain(name, shape=network.shape, scale_=1 / 32768)
    change(network)
    with pytest.raises(StapesError) as caught:
        Engine.from_bytes(network.finish())
    return str(caught.value)


def set_output(**fields):
    def change(network: WideNetwork) -> None:
        quantization = network.tensors[network.last].quantization
        for name, value in fields.items():
            kind = np.float32 if name == "scale" else np.int64
            setattr(quantization, name, np.array([value], kind))

    return change


def set_input_scale(value: float):
    def change(network: WideNetwork) -> None:
        network.tensors[network.input].quantization.scale = np.float32([value])

    return change


def shorten_bias(network: WideNetwork) -> None:
    bias = network.constant(np.zeros(3, np.int64), 0.1)
    network.operators[0].inputs[2] = bias


def narrow_bias(network: WideNetwork) -> None:
    network.operators[0].inputs = [*network.operators[0].inputs[:2], 0]
    network.operators[0].inputs[2] = network.constant(np.zeros(2, np.int32), 0.1)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("FULLY_CONNECTED", set_output(zeroPoint=1), "zero point 0"),
        ("FULLY_CONNECTED", set_output(scale=1e-9), "scales too far apart"),
        ("FULLY_CONNECTED", shorten_bias, "int64 or int32 bias value per output channel"),
        ("DEPTHWISE_CONV_2D", narrow_bias, "expected an int64 bias"),
        ("MAX_POOL_2D", set_output(scale=0.5), "differ in quantization"),
        ("LOGISTIC", set_output(scale=1 / 256), "expected output scale 1/32768"),
        ("LOGISTIC", set_input_scale(3.0), "an input scale above 2.6"),
        ("TANH", set_input_scale(1e-14), "an input scale below 2^-44"),
        ("SOFTMAX", set_output(scale=1 / 65536), "expected output scale 1/32768"),
    ],
)
def test_what_upstream_does_not_define_is_refused_with_a_reason(name, change, reason):
    assert reason in refused(change, name=name)
