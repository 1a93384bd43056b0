# SPDX-License-Identifier: Apache-2.0
"""Every operator of the engine gives the bytes of upstream's reference kernels."""

from __future__ import annotations

import numpy as np
import pytest
from nn_models import (
    CASES,
    Network,
    Random,
    WideNetwork,
    activation,
    check_models,
    int8_values,
    random_shape,
    scale,
    small,
    zero_point,
)

from stapes.device.engine import Engine
from stapes.errors import StapesError


def test_fully_connected_with_one_scale_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 4), small(rng, 70)))
        network.fully_connected(small(rng), with_bias=bool(rng.integers(2)))
        return network

    check_models(make)


def test_fully_connected_with_long_rows_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (1, 500 + small(rng, 600)))
        network.fully_connected(small(rng, 9), per_row=bool(rng.integers(2)))
        return network

    check_models(make)


def test_fully_connected_with_a_scale_per_row_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 4), small(rng, 70)))
        network.fully_connected(small(rng) + 1, per_row=True, with_bias=bool(rng.integers(2)))
        return network

    check_models(make)


@pytest.mark.parametrize("state", ["int16", "int8"])
def test_svdf_keeps_its_state_like_upstream(state: str):
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 3), small(rng, 50)))
        network.svdf(small(rng), small(rng, 4), small(rng, 9), state=state)
        return network

    check_models(make)


def test_svdf_without_bias_is_svdf_with_a_bias_of_zero():
    def make(*, with_bias: bool) -> Engine:
        network = Network(np.random.default_rng(4), (1, 9))
        network.svdf(5, 2, 4)
        (svdf,) = network.operators
        products = network.tensors[svdf.inputs[3]].quantization.scale
        zeros = network.constant(np.zeros(5, np.int32), products)
        svdf.inputs[3] = zeros if with_bias else -1
        return Engine.from_bytes(network.finish())

    frames = np.random.default_rng(0).integers(-128, 128, (20, 9)).astype(np.int8)
    expected = make(with_bias=True).run(frames)
    assert len(np.unique(expected)) > 5
    np.testing.assert_array_equal(make(with_bias=False).run(frames), expected)


def test_softmax_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 3), small(rng, 40)), input_scale=scale(rng, 1e-4, 2.0))
        network.softmax()
        return network

    check_models(make)


def test_reshape_between_layers_equals_upstream():
    def make(rng: Random) -> Network:
        rows, columns = small(rng, 6), small(rng, 6)
        network = Network(rng, (1, rows, columns))
        zero = int(rng.integers(-128, 128))
        network.chain("RESHAPE", shape=(1, rows * columns), scale_=network.scale, zero=zero)
        network.fully_connected(small(rng))
        return network

    check_models(make)


def image(rng: Random, channels: int = 6) -> tuple[int, int, int, int]:
    return (small(rng, 2), small(rng, 9), small(rng, 9), small(rng, channels))


def test_conv_2d_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, image(rng))
        network.conv_2d(small(rng, 9), pointwise=bool(rng.integers(4) == 0))
        return network

    check_models(make, cases=2 * CASES)


def test_conv_2d_in_groups_equals_upstream():
    def make(rng: Random) -> Network:
        groups = small(rng, 4)
        shape = (*image(rng)[:3], groups * small(rng, 3))
        network = Network(rng, shape)
        network.conv_2d(groups * small(rng, 3), groups=groups)
        return network

    check_models(make)


def test_depthwise_conv_2d_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, image(rng, 9))
        network.depthwise_conv_2d(int(rng.choice([1, 1, 2, 3])))
        return network

    check_models(make, cases=2 * CASES)


def test_convolutions_of_many_channels_equal_upstream():
    def make(rng: Random) -> Network:
        channels = 8 * small(rng, 9) + (small(rng, 7) if rng.integers(3) == 0 else 0)
        network = Network(rng, (1, small(rng, 4), small(rng, 4), channels))
        if rng.integers(2):
            network.depthwise_conv_2d(1)
        else:
            network.conv_2d(small(rng, 70), pointwise=bool(rng.integers(4)))
        return network

    check_models(make)


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pooling_equals_upstream(name: str):
    def make(rng: Random) -> Network:
        network = Network(rng, image(rng))
        network.pool_2d(name)
        return network

    check_models(make)


@pytest.mark.parametrize("name", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize("broadcast", [False, True])
def test_arithmetic_of_two_inputs_equals_upstream(name: str, broadcast: bool):
    def make(rng: Random) -> Network:
        whole = random_shape(rng, small(rng, 4))
        shapes = [whole, whole]
        if broadcast:
            narrow = tuple(1 if rng.integers(2) else size for size in whole)
            shapes[int(rng.integers(2))] = narrow[int(rng.integers(len(whole))) :]
        network = Network(rng, shapes[0])
        other_scale = scale(rng, 0.01, 100.0) * network.scale
        other = network.tensor(
            "other",
            shape=shapes[1],
            dtype="int8",
            scale=other_scale,
            zero_point=zero_point(rng),
            data=int8_values(rng, shapes[1]),
        )
        reach = max(network.scale, other_scale) if name != "MUL" else network.scale * other_scale
        spread = 1.5 if name != "MUL" else 128
        network.chain(
            name,
            other,
            shape=tuple(np.broadcast_shapes(*shapes)),
            scale_=float(reach) * spread * scale(rng, 0.3, 3.0),
            options={"fusedActivationFunction": activation(rng)},
        )
        return network

    check_models(make)


def test_an_input_added_to_what_was_made_of_it_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (1, small(rng, 20)))
        skipped = network.last
        network.fully_connected(network.shape[1])
        network.chain("ADD", skipped, shape=network.shape, scale_=2 * network.scale)
        network.chain("RELU", shape=network.shape, scale_=network.scale)
        return network

    check_models(make)


def test_relu_scales_to_the_output():
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, 3))
        network.chain(
            "RELU", shape=network.shape, scale_=float(network.scale) * scale(rng, 0.1, 10.0)
        )
        return network

    check_models(make)


def test_relu6_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, 3), input_scale=scale(rng, 0.01, 1.0))
        network.same_quantization("RELU6", shape=network.shape)
        return network

    check_models(make)


@pytest.mark.parametrize(("name", "step", "zero"), [("LOGISTIC", 256, -128), ("TANH", 128, 0)])
def test_curves_equal_upstream(name: str, step: int, zero: int):
    def make(rng: Random) -> Network:
        network = Network(rng, (1, 256), input_scale=scale(rng, 1e-6, 10.0))
        network.chain(name, shape=network.shape, scale_=1 / step, zero=zero)
        return network

    check_models(make)


def test_mean_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, 4))
        axes = rng.permutation(4)[: small(rng, 4)]
        keep = bool(rng.integers(2))
        shape = [
            1 if d in axes else size
            for d, size in enumerate(network.shape)
            if keep or d not in axes
        ]
        axes = [int(axis) - 4 * int(rng.integers(2)) for axis in axes]
        network.chain(
            "MEAN",
            network.integers(axes),
            shape=tuple(shape),
            scale_=float(network.scale) * scale(rng, 0.1, 10.0),
            options={"keepDims": keep},
        )
        return network

    check_models(make)


def test_pad_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, 4))
        paddings = rng.integers(0, 4, (4, 2))
        shape = tuple(
            int(size + sum(pair)) for size, pair in zip(network.shape, paddings, strict=True)
        )
        network.same_quantization("PAD", network.integers(paddings), shape=shape)
        return network

    check_models(make)


def test_concatenation_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, small(rng, 4)))
        axis = int(rng.integers(len(network.shape)))
        shape = list(network.shape)
        others = []
        for _ in range(small(rng, 3)):
            own = list(network.shape)
            own[axis] = small(rng, 5)
            shape[axis] += own[axis]
            data = int8_values(rng, tuple(own))
            others.append(
                network.tensor(
                    "other",
                    shape=own,
                    dtype="int8",
                    scale=network.scale,
                    zero_point=network.zero,
                    data=data,
                )
            )
        negative = len(shape) * int(rng.integers(2))
        options = {"axis": axis - negative}
        network.same_quantization("CONCATENATION", *others, shape=tuple(shape), options=options)
        return network

    check_models(make)


def test_split_and_concatenation_in_another_order_equal_upstream():
    def make(rng: Random) -> Network:
        shape = list(random_shape(rng, 3))
        axis, parts = int(rng.integers(3)), small(rng, 4)
        part = tuple(shape)
        shape[axis] *= parts
        network = Network(rng, tuple(shape))
        outputs = [network.activations(part, network.scale, network.zero) for _ in range(parts)]
        network.operator(
            "SPLIT",
            inputs=[network.integers(axis), network.last],
            outputs=outputs,
            options={"numSplits": parts},
        )
        network.last = outputs.pop()
        network.same_quantization(
            "CONCATENATION", *outputs, shape=tuple(shape), options={"axis": axis}
        )
        return network

    check_models(make)


@pytest.mark.parametrize("kind", [Network, WideNetwork])
def test_split_v_and_concatenation_in_another_order_equal_upstream(kind: type[Network]):
    def make(rng: Random) -> Network:
        shape = list(random_shape(rng, small(rng, 4)))
        axis = int(rng.integers(len(shape)))
        sizes = [small(rng, 4) for _ in range(small(rng, 4))]
        shape[axis] = sum(sizes)
        network = kind(rng, tuple(shape))
        parts = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
        outputs = [network.activations(part, network.scale, network.zero) for part in parts]
        negative = axis - len(shape) * int(rng.integers(2))
        network.operator(
            "SPLIT_V",
            inputs=[network.last, network.integers(sizes), network.integers(negative)],
            outputs=outputs,
            options={"numSplits": len(sizes)},
        )
        network.last, network.shape = outputs[-1], parts[-1]
        if kind is Network:
            network.same_quantization(
                "CONCATENATION", *outputs[:-1], shape=tuple(shape), options={"axis": axis}
            )
        return network

    check_models(make)


@pytest.mark.parametrize("kind", [Network, WideNetwork])
def test_dimensions_of_one_that_come_and_go_equal_upstream(kind: type[Network]):
    def make(rng: Random) -> Network:
        network = kind(rng, random_shape(rng, small(rng, 4)))
        shape = list(network.shape)
        axis = int(rng.integers(len(shape) + 1))
        shape.insert(axis, 1)
        negative = axis - len(shape) * int(rng.integers(2))
        network.same_quantization("EXPAND_DIMS", network.integers(negative), shape=tuple(shape))
        network.chain(
            "MUL", network.last, shape=network.shape, scale_=float(network.scale) ** 2 * 200
        )
        ones = [d for d, size in enumerate(shape) if size == 1]
        dropped = ones if rng.integers(2) else [axis]
        kept = tuple(size for d, size in enumerate(shape) if d not in dropped)
        options = {"squeezeDims": [] if dropped == ones and rng.integers(2) else dropped}
        network.same_quantization("SQUEEZE", shape=kept, options=options)
        return network

    check_models(make)


def damaged_shapes(name: str) -> Network:
    network = Network(np.random.default_rng(2), (1, 2, 3))
    axis = network.integers(1)
    if name == "SPLIT_V":
        output = network.activations((1, 1, 3), network.scale, network.zero)
        sizes = network.integers([1])
        network.operator(name, inputs=[network.last, sizes, axis], outputs=[output])
        network.last = output
    elif name == "EXPAND_DIMS":
        network.same_quantization(name, axis, shape=(1, 1, 3, 2))
    else:
        network.same_quantization(name, shape=(3, 2))
    return network


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SPLIT_V", "outputs do not add up to the input along the axis"),
        ("EXPAND_DIMS", "expected an output with one more dimension of 1"),
        ("SQUEEZE", "expected an output that lacks dimensions of 1 alone"),
    ],
)
def test_shapes_that_do_not_follow_are_refused(name: str, reason: str):
    with pytest.raises(StapesError, match=reason):
        Engine.from_bytes(damaged_shapes(name).finish())


def test_strided_slice_equals_upstream():
    def make(rng: Random) -> Network:
        while True:
            shape = random_shape(rng, small(rng, 4))
            begin, end = rng.integers(-6, 7, (2, len(shape)))
            strides = rng.choice([1, 1, 2, 3, -1, -2], len(shape))
            begin_mask, end_mask, shrink = (int(rng.integers(16)) for _ in range(3))
            shrink &= int(rng.integers(16)) & int(rng.integers(16))
            taken = numpy_slice(shape, begin, end, strides, begin_mask, end_mask, shrink)
            if taken is not None:
                break
        network = Network(rng, shape)
        network.same_quantization(
            "STRIDED_SLICE",
            *(network.integers(values) for values in (begin, end, strides)),
            shape=taken,
            options={"beginMask": begin_mask, "endMask": end_mask, "shrinkAxisMask": shrink},
        )
        return network

    check_models(make, cases=2 * CASES)


def numpy_slice(shape, begin, end, strides, begin_mask, end_mask, shrink) -> tuple | None:
    """Shape that NumPy gives for the slice; None for an empty one or an index out of range."""
    index = []
    for d in range(len(shape)):
        if shrink >> d & 1:
            if strides[d] < 0 or begin_mask >> d & 1 or not -shape[d] <= begin[d] < shape[d]:
                return None
            index.append(int(begin[d]))
            continue
        first = None if begin_mask >> d & 1 else int(begin[d])
        last = None if end_mask >> d & 1 else int(end[d])
        index.append(slice(first, last, int(strides[d])))
    taken = np.zeros(shape)[tuple(index)].shape
    return taken if np.prod(taken) > 0 else None


def test_transpose_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, small(rng, 5)))
        order = rng.permutation(len(network.shape))
        shape = tuple(network.shape[d] for d in order)
        network.same_quantization("TRANSPOSE", network.integers(order), shape=shape)
        return network

    check_models(make)


def typed(network: Network, dtype: str, scale_: float, zero: int | None = None) -> int:
    """Adds a tensor without content of any type that can be quantized."""
    low = {"uint8": 128, "int32": None}.get(dtype, 0)
    if zero is None:
        zero = 0 if low is None else zero_point(network.rng) + low
    return network.tensor("t", shape=network.shape, dtype=dtype, scale=scale_, zero_point=zero)


QUANTIZE_TYPES = [
    *(("int8", to) for to in ("int8", "uint8", "int16", "int32")),
    *(("int16", to) for to in ("int8", "int16", "int32")),
    *(("int32", to) for to in ("int8", "int16")),
    ("uint8", "int8"),
]


@pytest.mark.parametrize(("source", "target"), QUANTIZE_TYPES)
def test_quantize_equals_upstream(source: str, target: str):
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, 2))
        ratio = 1.0 if rng.integers(4) == 0 else scale(rng, 0.1, 10.0)
        network.input = typed(network, source, network.scale)
        network.last = typed(network, target, float(network.scale) * ratio)
        network.operator("QUANTIZE", inputs=[network.input], outputs=[network.last])
        return network

    check_models(make)


@pytest.mark.parametrize("target", ["int8", "int16"])
def test_quantize_of_floats_equals_upstream(target: str):
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, 3))
        network.input = network.tensor("float", shape=network.shape, dtype="float32")
        network.last = typed(network, target, network.scale)
        network.operator("QUANTIZE", inputs=[network.input], outputs=[network.last])
        return network

    check_models(make)


@pytest.mark.parametrize("source", ["int8", "uint8", "int16"])
def test_dequantize_equals_upstream_to_the_last_bit(source: str):
    def make(rng: Random) -> Network:
        network = Network(rng, random_shape(rng, 3))
        network.input = typed(network, source, scale(rng, 1e-9, 1e6))
        network.last = network.tensor("float", shape=network.shape, dtype="float32")
        network.operator("DEQUANTIZE", inputs=[network.input], outputs=[network.last])
        return network

    check_models(make)


def test_infinities_saturate_and_what_is_no_number_becomes_zero():
    network = Network(np.random.default_rng(0), (1, 6), input_scale=0.5)
    network.input = network.tensor("float", shape=(1, 6), dtype="float32")
    network.last = typed(network, "int8", 0.5, 3)
    network.operator("QUANTIZE", inputs=[network.input], outputs=[network.last])
    values = np.array([[np.inf, -np.inf, np.nan, 1e-40, 3e38, -1.25]], np.float32)
    assert Engine.from_bytes(network.finish()).invoke(values).tolist() == [
        [127, -128, 3, 3, 127, 0]
    ]


def test_softmax_with_int16_outputs_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 3), small(rng, 40)), input_scale=scale(rng, 1e-4, 2.0))
        network.last = typed(network, "int16", 1 / 65536, -32768)
        network.operator(
            "SOFTMAX", inputs=[network.input], outputs=[network.last], options={"beta": 1.0}
        )
        return network

    check_models(make)


def streaming_conv(rng: Random, *, name_at_start: str = "stream/states") -> Network:
    """What streaming converters write: a variable holds the last frames, joined with the new. The
    subgraph that gives it its first value calls it `name_at_start`."""
    frames, width = small(rng, 5), small(rng, 6)
    network = Network(rng, (1, 1, width, 1))
    held = (1, frames, width, 1)
    names = {"container": "", "sharedName": "stream/states"}
    network.operator("CALL_ONCE", inputs=[], outputs=[], options={"initSubgraphIndex": 1})
    handle = network.tensor("handle", shape=(), dtype="resource")
    network.operator("VAR_HANDLE", inputs=[], outputs=[handle], options=names)
    past = network.activations(held, network.scale, network.zero)
    network.operator("READ_VARIABLE", inputs=[handle], outputs=[past])
    joined = network.activations((1, frames + 1, width, 1), network.scale, network.zero)
    network.operator(
        "CONCATENATION", inputs=[past, network.last], outputs=[joined], options={"axis": 1}
    )
    kept = network.activations(held, network.scale, network.zero)
    bounds = [network.integers(v) for v in ([0, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1])]
    masks = {"beginMask": 0b1101, "endMask": 0b1111}
    network.operator("STRIDED_SLICE", inputs=[joined, *bounds], outputs=[kept], options=masks)
    network.operator("ASSIGN_VARIABLE", inputs=[handle, kept], outputs=[])
    network.last, network.shape = joined, (1, frames + 1, width, 1)
    network.conv_2d(small(rng, 4))

    network.subgraph("init")
    handle = network.tensor("handle", shape=(), dtype="resource")
    options = {**names, "sharedName": name_at_start}
    network.operator("VAR_HANDLE", inputs=[], outputs=[handle], options=options)
    start = network.tensor(
        "start",
        shape=held,
        dtype="int8",
        scale=network.scale,
        zero_point=0,
        data=int8_values(rng, held),
    )
    network.operator("ASSIGN_VARIABLE", inputs=[handle, start], outputs=[])
    network.finish_subgraph()
    return network


def test_resource_variables_of_streaming_models_equal_upstream():
    check_models(streaming_conv)


def test_a_name_of_a_variable_ends_at_a_zero_as_upstream_reads_it():
    check_models(lambda rng: streaming_conv(rng, name_at_start="stream/states\0 and more"))


def test_layers_of_convolutions_equal_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (1, 6 + small(rng, 8), 6 + small(rng, 8), small(rng, 3)))
        for _ in range(small(rng, 4)):
            kind = rng.integers(3)
            if kind == 0:
                network.conv_2d(small(rng, 8))
            elif kind == 1:
                network.depthwise_conv_2d(1)
            else:
                network.pool_2d("AVERAGE_POOL_2D")
        size = int(np.prod(network.shape))
        network.same_quantization("RESHAPE", shape=(1, size))
        network.fully_connected(1 + small(rng, 8))
        network.softmax()
        return network

    check_models(make)


def test_layers_of_svdf_and_fully_connected_equal_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (1, small(rng, 40)))
        for _ in range(small(rng, 4)):
            if rng.integers(2):
                network.svdf(small(rng), small(rng, 3), small(rng, 12))
            else:
                network.fully_connected(small(rng), per_row=bool(rng.integers(2)))
        network.fully_connected(1 + small(rng, 8))
        network.softmax()
        return network

    check_models(make)
