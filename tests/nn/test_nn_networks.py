# SPDX-License-Identifier: Apache-2.0
"""Whole random networks that mix operators give the bytes of upstream's reference kernels.

test_nn_operators.py has the single operators. Here are: memory that is planned over many layers,
buffers that are shared in place, branches that join again, and state that stays after an inference.
"""

from __future__ import annotations

import numpy as np
import pytest
from nn_models import CASES, Network, Random, check_models, int8_values, scale, small

HELD_FRAMES = 3


def add_window_layer(network: Network) -> None:
    """A convolution or a pooling of any shape, on an image."""
    rng = network.rng
    kind = rng.integers(4)
    if kind == 0:
        network.conv_2d(small(rng, 8), pointwise=bool(rng.integers(2)))
    elif kind == 1:
        network.depthwise_conv_2d(int(rng.choice([1, 1, 2])))
    else:
        network.pool_2d("AVERAGE_POOL_2D" if kind == 2 else "MAX_POOL_2D")


def add_values_layer(network: Network) -> None:
    """An operator that keeps the shape."""
    rng = network.rng
    name = str(rng.choice(["RELU", "RELU6", "QUANTIZE", "LOGISTIC", "TANH"]))
    if name == "RELU6":
        network.same_quantization(name, shape=network.shape)
    elif name in ("LOGISTIC", "TANH"):
        step, zero = (256, -128) if name == "LOGISTIC" else (128, 0)
        network.chain(name, shape=network.shape, scale_=1 / step, zero=zero)
    else:
        network.chain(name, shape=network.shape, scale_=float(network.scale) * scale(rng, 0.5, 2.0))


def add_residual(network: Network) -> None:
    """A pointwise convolution beside a shortcut; ADD, SUB or MUL brings them together."""
    rng = network.rng
    shortcut, before, shape = network.last, float(network.scale), network.shape
    network.conv_2d(shape[3], pointwise=True)
    if network.shape != shape:  # a stride made it smaller: no shortcut
        return
    name = str(rng.choice(["ADD", "SUB", "MUL"]))
    reach = before * float(network.scale) * 64 if name == "MUL" else before + float(network.scale)
    network.chain(name, shortcut, shape=shape, scale_=reach * scale(rng, 0.5, 2.0))


def add_split_and_join(network: Network) -> None:
    """Splits the channels, changes one part, and joins the parts in another order."""
    rng = network.rng
    *front, channels = network.shape
    if channels % 2 != 0:
        return
    axis, part = len(front), (*front, channels // 2)
    first, second = (network.activations(part, network.scale, network.zero) for _ in range(2))
    whole, whole_shape = network.last, network.shape
    network.operator(
        "SPLIT",
        inputs=[network.integers(axis), whole],
        outputs=[first, second],
        options={"numSplits": 2},
    )
    network.last, network.shape = first, part
    network.same_quantization("RELU6", shape=part)
    joined = [second, whole] if rng.integers(2) else [second]
    channels = 2 * part[-1] + (whole_shape[-1] if whole in joined else 0)
    shape = (*whole_shape[:-1], channels)
    network.same_quantization("CONCATENATION", *joined, shape=shape, options={"axis": axis})


def add_padding(network: Network) -> None:
    paddings = np.zeros((4, 2), np.int64)
    paddings[1:3] = network.rng.integers(0, 3, (2, 2))
    shape = tuple(int(n + sum(p)) for n, p in zip(network.shape, paddings, strict=True))
    network.same_quantization("PAD", network.integers(paddings), shape=shape)


def add_mean(network: Network) -> None:
    shape = (network.shape[0], network.shape[3])
    network.chain("MEAN", network.integers([1, 2]), shape=shape, scale_=network.scale, options={})


def add_classifier(network: Network) -> None:
    """Flattens to one row, then dense layers, then sometimes softmax."""
    rng = network.rng
    if len(network.shape) == 4 and rng.integers(2):
        add_mean(network)
    size = int(np.prod(network.shape))
    if network.shape != (1, size):
        network.same_quantization("RESHAPE", shape=(1, size))
    for _ in range(small(rng, 2)):
        network.fully_connected(1 + small(rng, 8), per_row=bool(rng.integers(2)))
    if rng.integers(2):
        network.softmax()


IMAGE_LAYERS = [
    add_window_layer,
    add_window_layer,
    add_values_layer,
    add_residual,
    add_split_and_join,
    add_padding,
]


def convolutions(rng: Random) -> Network:
    """A network of some of IMAGE_LAYERS."""
    shape = (1, 4 + small(rng, 7), 4 + small(rng, 7), 2 * small(rng, 3))
    network = Network(rng, shape, calm=True)
    for _ in range(2 + small(rng, 6)):
        IMAGE_LAYERS[int(rng.integers(len(IMAGE_LAYERS)))](network)
    add_classifier(network)
    return network


def test_networks_of_convolutions_with_branches_equal_upstream():
    check_models(convolutions, cases=2 * CASES)


def test_streaming_networks_of_svdf_with_branches_equal_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (1, 2 * small(rng, 20)), calm=True)
        for _ in range(1 + small(rng, 5)):
            kind = rng.integers(4)
            if kind <= 1:
                state = "int16" if kind else "int8"
                memory = int(rng.choice([small(rng, 12), 8, 16]))
                network.svdf(2 * small(rng, 8), small(rng, 2), memory, state=state)
            elif kind == 2:
                network.fully_connected(2 * small(rng, 8))
            else:
                add_split_and_join(network)
        add_classifier(network)
        return network

    check_models(make)


def add_held_frames(network: Network, name: str, starts: list) -> None:
    """Joins the newest frame with those that a resource variable holds, as converters write it."""
    _, _, width, channels = network.shape
    options = {"container": "", "sharedName": name}
    held = (1, HELD_FRAMES, width, channels)
    joined = (1, HELD_FRAMES + 1, width, channels)
    handle = network.tensor("handle", shape=(), dtype="resource")
    network.operator("VAR_HANDLE", inputs=[], outputs=[handle], options=options)
    past = network.activations(held, network.scale, network.zero)
    network.operator("READ_VARIABLE", inputs=[handle], outputs=[past])
    newest, all_frames = network.last, network.activations(joined, network.scale, network.zero)
    network.operator(
        "CONCATENATION", inputs=[past, newest], outputs=[all_frames], options={"axis": 1}
    )
    kept = network.activations(held, network.scale, network.zero)
    bounds = [network.integers(v) for v in ([0, 1, 0, 0], [0] * 4, [1] * 4)]
    masks = {"beginMask": 0b1101, "endMask": 0b1111}
    network.operator("STRIDED_SLICE", inputs=[all_frames, *bounds], outputs=[kept], options=masks)
    network.operator("ASSIGN_VARIABLE", inputs=[handle, kept], outputs=[])
    network.last, network.shape = all_frames, joined
    starts.append((options, held, network.scale))


def add_starts(network: Network, starts: list) -> None:
    """The subgraph that gives every variable its first value."""
    network.subgraph("init")
    for options, held, scale_ in starts:
        handle = network.tensor("handle", shape=(), dtype="resource")
        network.operator("VAR_HANDLE", inputs=[], outputs=[handle], options=options)
        data = int8_values(network.rng, held)
        start = network.tensor(
            "start", shape=held, dtype="int8", scale=scale_, zero_point=0, data=data
        )
        network.operator("ASSIGN_VARIABLE", inputs=[handle, start], outputs=[])
    network.finish_subgraph()


def test_streaming_networks_of_convolutions_with_variables_equal_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (1, 1, small(rng, 6), small(rng, 3)), calm=True)
        network.operator("CALL_ONCE", inputs=[], outputs=[], options={"initSubgraphIndex": 1})
        starts: list = []
        for layer in range(small(rng, 3)):
            add_held_frames(network, f"stream/{layer}", starts)
            add_window_layer(network)
            if rng.integers(2):
                add_values_layer(network)
            size = int(np.prod(network.shape))
            network.same_quantization("RESHAPE", shape=(1, 1, 1, size))
        add_classifier(network)
        add_starts(network, starts)
        return network

    check_models(make)


@pytest.mark.parametrize("scores", ["int32", "float32"])
def test_networks_with_wide_inputs_and_outputs_equal_upstream(scores: str):
    """The kind of upstream's keyword benchmark: int16 in, SVDF, int32 or float32 out."""

    def make(rng: Random) -> Network:
        network = Network(rng, (1, small(rng, 40)), calm=True)
        narrow = network.last
        network.input = network.tensor(
            "wide", shape=network.shape, dtype="int16", scale=float(network.scale) / 200
        )
        network.operator("QUANTIZE", inputs=[network.input], outputs=[narrow])
        for _ in range(small(rng, 3)):
            network.svdf(small(rng, 10), small(rng, 2), 8 * small(rng, 2), state="int8")
            network.fully_connected(1 + small(rng, 6))
        softmax = network.tensor(
            "softmax", shape=network.shape, dtype="int16", scale=1 / 65536, zero_point=-32768
        )
        network.operator("SOFTMAX", inputs=[network.last], outputs=[softmax], options={"beta": 1.0})
        if scores == "float32":
            network.last = network.tensor("scores", shape=network.shape, dtype="float32")
            network.operator("DEQUANTIZE", inputs=[softmax], outputs=[network.last])
        else:
            network.last = network.tensor(
                "scores", shape=network.shape, dtype="int32", scale=1 / 32768, zero_point=0
            )
            network.operator("QUANTIZE", inputs=[softmax], outputs=[network.last])
        return network

    check_models(make)
