# SPDX-License-Identifier: Apache-2.0
"""The flatbuffer writer: upstream's reader finds what was put in; equal calls give equal bytes."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from nn_models import Network

from stapes.errors import StapesError
from stapes.model import builder as builder_module
from stapes.model.builder import ModelBuilder


def small_model() -> ModelBuilder:
    """One dense layer: 3 values in, 2 out."""
    model = ModelBuilder()
    x = model.tensor("x", shape=[1, 3], dtype="int8", scale=0.5, zero_point=-3)
    weights = np.array([[1, 2, 3], [-4, 5, -6]], np.int8)
    w = model.tensor(
        "w", shape=[2, 3], dtype="int8", scale=[0.25, 0.5], quantized_dimension=0, data=weights
    )
    b = model.tensor("b", shape=[2], dtype="int32", scale=0.125, data=np.int32([7, -7]))
    y = model.tensor("y", shape=[1, 2], dtype="int8", scale=1.0, zero_point=4)
    model.operator(
        "FULLY_CONNECTED",
        inputs=[x, w, b],
        outputs=[y],
        options={"fusedActivationFunction": "RELU"},
    )
    model.metadata("note", b"hello")
    return model


def test_litert_reads_back_what_was_written():
    interpreter = Interpreter(model_content=small_model().build(inputs=[0], outputs=[3]))
    details = {entry["name"]: entry for entry in interpreter.get_tensor_details()}
    assert details["x"]["shape"].tolist() == [1, 3]
    assert details["x"]["quantization"] == (0.5, -3)
    assert details["w"]["quantization_parameters"]["scales"].tolist() == [0.25, 0.5]
    np.testing.assert_array_equal(
        interpreter.get_tensor(details["w"]["index"]), [[1, 2, 3], [-4, 5, -6]]
    )
    np.testing.assert_array_equal(interpreter.get_tensor(details["b"]["index"]), [7, -7])
    assert [entry["op_name"] for entry in interpreter._get_ops_details()] == ["FULLY_CONNECTED"]


def test_equal_calls_give_equal_bytes():
    first, second = (small_model().build(inputs=[0], outputs=[3]) for _ in range(2))
    assert first == second


def test_buffers_lie_at_multiples_of_16_bytes():
    model = small_model().build(inputs=[0], outputs=[3])
    for content in (bytes([1, 2, 3, 252, 5, 250]), b"hello", np.int32([7, -7]).tobytes()):
        assert model.count(content) == 1
        assert model.index(content) % 16 == 0


def test_operators_of_one_kind_share_their_code():
    network = Network(np.random.default_rng(0), (1, 4))
    for _ in range(3):
        network.fully_connected(4)
    unpacked = builder_module.load_schema().ModelT.InitFromPackedBuf(network.finish(), 0)
    assert len(unpacked.operatorCodes) == 1
    assert len(unpacked.subgraphs[0].operators) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.operator("CONV_9D", inputs=[], outputs=[]), "CONV_9D: not a builtin"),
        (
            lambda b: b.operator("SVDF", inputs=[], outputs=[], options={"ranks": 1}),
            "SVDFOptions: no field 'ranks'",
        ),
        (
            lambda b: b.operator("RELU", inputs=[], outputs=[], options={"x": 1}),
            "RELU: takes no options",
        ),
        (lambda b: b.tensor("t", shape=[1], dtype="int4"), "t: dtype 'int4'"),
        (
            lambda b: b.tensor("t", shape=[2], dtype="int8", data=np.zeros(3, np.int8)),
            r"t: data is int8\[3\], expected int8\[2\]",
        ),
        (
            lambda b: b.tensor("t", shape=[2], dtype="int8", data=np.zeros(2)),
            r"t: data is float64\[2\], expected int8\[2\]",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_once(call, message: str):
    with pytest.raises(ValueError, match=message):
        call(ModelBuilder())


def test_a_missing_schema_package_names_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.schema_py_generated", None)
    with pytest.raises(StapesError, match=r"pip install 'stapes\[train\]'"):
        ModelBuilder()
