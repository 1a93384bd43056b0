# SPDX-License-Identifier: Apache-2.0
"""The engine from Python: streaming, what it says about a model, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from nn_models import Network, upstream_outputs

from stapes._native import operators
from stapes.device.engine import Engine
from stapes.errors import StapesError
from stapes.model.builder import ModelBuilder

INPUTS, UNITS, RANK, MEMORY, LABELS = 10, 6, 2, 5, 3
SEED = 25  # of a network whose outputs change from frame to frame


def streaming_network() -> Network:
    network = Network(np.random.default_rng(SEED), (1, INPUTS))
    network.svdf(UNITS, RANK, MEMORY)
    network.fully_connected(LABELS)
    network.softmax()
    return network


@pytest.fixture
def model() -> bytes:
    return streaming_network().finish()


def frames(count: int) -> np.ndarray:
    return np.random.default_rng(9).integers(-128, 128, (count, INPUTS)).astype(np.int8)


def test_the_page_to_which_errors_point_lists_every_operator():
    page = (Path(__file__).parents[2] / "docs" / "engines.md").read_text()
    section = page.split("## Operators\n")[1].split("\n## ")[0]
    listed = re.findall(r"[A-Z][A-Z0-9_]+", section)
    assert listed == [name for name, _, _ in operators()]


def test_run_equals_one_upstream_inference_per_frame(model: bytes):
    expected = upstream_outputs(model, [frame[None] for frame in frames(40)])
    np.testing.assert_array_equal(
        Engine.from_bytes(model).run(frames(40)), np.concatenate(expected)
    )


def test_run_carries_the_state_from_call_to_call(model: bytes):
    whole = Engine.from_bytes(model).run(frames(30))
    engine = Engine.from_bytes(model)
    parts = [engine.run(part) for part in np.split(frames(30), [1, 8, 8, 29])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_reset_starts_the_stream_again(model: bytes):
    engine = Engine.from_bytes(model)
    first = engine.run(frames(12))
    assert not np.array_equal(engine.run(frames(12)), first)
    engine.reset()
    np.testing.assert_array_equal(engine.run(frames(12)), first)


def test_shapes_and_quantization_are_those_of_the_model(model: bytes):
    network = streaming_network()
    engine = Engine.from_bytes(model)
    assert engine.input_shape == (1, INPUTS)
    assert engine.output_shape == (1, LABELS)
    quantization = network.tensors[network.input].quantization
    assert engine.input_scale == quantization.scale[0]
    assert engine.input_zero_point == quantization.zeroPoint[0]
    assert (engine.output_scale, engine.output_zero_point) == (1 / 256, -128)


def test_operators_tell_their_work_and_weights(model: bytes):
    svdf, dense, softmax = Engine.from_bytes(model).operators
    assert (svdf["name"], dense["name"], softmax["name"]) == ("SVDF", "FULLY_CONNECTED", "SOFTMAX")
    filters = UNITS * RANK
    assert svdf["macs"] == filters * (INPUTS + MEMORY)
    assert svdf["weight_bytes"] == filters * (INPUTS + 2 * MEMORY) + 4 * UNITS
    assert dense["macs"] == UNITS * LABELS
    assert dense["output_shape"] == (1, LABELS)
    assert softmax["macs"] == softmax["weight_bytes"] == 0


def pool(rows: int) -> bytes:
    """A window of `rows`, of which nearly all are beside an image of three."""
    network = Network(np.random.default_rng(1), (1, 3, 1, 2))
    options = {
        "padding": "SAME",
        "strideH": 2,
        "strideW": 1,
        "filterHeight": rows,
        "filterWidth": 1,
    }
    network.chain(
        "MAX_POOL_2D",
        shape=(1, 2, 1, 2),
        scale_=network.scale,
        zero=network.zero,
        options={**options, "fusedActivationFunction": "NONE"},
    )
    return network.finish()


def test_as_many_rows_beside_an_image_as_upstream_can_keep_and_no_more():
    values = np.arange(6, dtype=np.int8).reshape(1, 3, 1, 2)
    largest = pool(2 * 32767 + 1)
    np.testing.assert_array_equal(
        Engine.from_bytes(largest).invoke(values), upstream_outputs(largest, [values])[0]
    )
    with pytest.raises(StapesError, match="more than 32767 rows or columns are beside the image"):
        Engine.from_bytes(pool(2 * 32768 + 1))


def test_an_arena_of_the_size_told_is_enough_and_a_smaller_one_refused(model: bytes):
    needed = Engine.from_bytes(model).arena_used
    assert Engine.from_bytes(model, arena_bytes=needed).arena_used == needed
    with pytest.raises(StapesError, match="the arena is too small"):
        Engine.from_bytes(model, arena_bytes=needed - 8)


def test_inputs_of_another_type_or_size_are_refused(model: bytes):
    engine = Engine.from_bytes(model)
    with pytest.raises(TypeError, match="expected int8"):
        engine.invoke(np.zeros((1, INPUTS), np.uint8))
    with pytest.raises(TypeError, match="expected int8"):
        engine.run(np.zeros((4, INPUTS), np.float32))
    with pytest.raises(ValueError, match="expected 10 values per frame"):
        engine.run(np.zeros((4, INPUTS + 1), np.int8))
    with pytest.raises(ValueError, match="one frame a row"):
        engine.run(np.zeros(INPUTS, np.int8))


def floor_after_relu() -> bytes:
    model = ModelBuilder()
    tensors = [
        model.tensor("t", shape=[1, 4], dtype="int8", scale=0.1, zero_point=0) for _ in range(3)
    ]
    model.operator("RELU", inputs=[tensors[0]], outputs=[tensors[1]])
    model.operator("FLOOR", inputs=[tensors[1]], outputs=[tensors[2]])
    return model.build(inputs=[tensors[0]], outputs=[tensors[2]])


def float_softmax() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", shape=[1, 4], dtype="int8", scale=0.1)
    y = model.tensor("y", shape=[1, 4], dtype="int8", scale=0.1)
    model.operator("SOFTMAX", inputs=[x], outputs=[y], options={"beta": 1.0})
    return model.build(inputs=[x], outputs=[y])


def huge_tensor() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", shape=[65536, 65536, 65536], dtype="int8", scale=0.1)
    y = model.tensor("y", shape=[65536, 65536, 65536], dtype="int8", scale=0.1)
    model.operator("RELU", inputs=[x], outputs=[y])
    return model.build(inputs=[x], outputs=[y])


def large_tensors() -> bytes:
    """Each of these tensors is allowed by itself."""
    model = ModelBuilder()
    x = model.tensor("x", shape=[1, 1 << 29], dtype="int8", scale=0.1)
    y = model.tensor("y", shape=[1, 1 << 29], dtype="int8", scale=0.1)
    model.operator("RELU", inputs=[x], outputs=[y])
    return model.build(inputs=[x], outputs=[y])


def unquantized_dense() -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", shape=[1, 4], dtype="int8", scale=0.1)
    w = model.tensor("w", shape=[2, 4], dtype="int8", data=np.zeros((2, 4), np.int8))
    y = model.tensor("y", shape=[1, 2], dtype="int8", scale=0.1)
    model.operator("FULLY_CONNECTED", inputs=[x, w, -1], outputs=[y])
    return model.build(inputs=[x], outputs=[y])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (floor_after_relu(), "operator 1 FLOOR: this engine has no such operator"),
        (float_softmax(), "operator 0 SOFTMAX: expected output scale 1/256 and zero point -128"),
        (huge_tensor(), "tensor 0: a tensor of more than 1 GiB"),
        (large_tensors(), "activations of more than 256 MiB"),
        (unquantized_dense(), "operator 0 FULLY_CONNECTED: expected constant int8 weights"),
        (b"no model at all", "no TFL3 identifier"),
    ],
)
def test_models_it_cannot_run_are_refused_with_the_operator_and_the_reason(
    content: bytes, reason: str, tmp_path: Path
):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(StapesError) as caught:
        Engine.from_file(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(caught.value)
