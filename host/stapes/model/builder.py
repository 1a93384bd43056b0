# SPDX-License-Identifier: Apache-2.0
"""Writes .tflite flatbuffers operator by operator, without TensorFlow.

The schema classes come from `ai_edge_litert` (extra `train`); they are imported when the first
model is built, so that reading models never needs them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from stapes._native import operators
from stapes.errors import StapesError

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
BUFFER_ALIGNMENT = 16
NO_TENSOR = -1

_TENSOR_TYPES = {
    "float32": "FLOAT32",
    "int32": "INT32",
    "uint8": "UINT8",
    "int64": "INT64",
    "bool": "BOOL",
    "int16": "INT16",
    "int8": "INT8",
    "resource": "RESOURCE",
}

# Options table and version of the operators that the engine has.
_OPERATORS = {name: (table, version) for name, table, version in operators()}


@dataclass(kw_only=True)
class _Subgraph:
    """Tensors and operators of one subgraph while it grows."""

    name: str
    tensors: list[Any] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    inputs: Sequence[int] = ()
    outputs: Sequence[int] = ()


class ModelBuilder:
    """Collects tensors and operators, then packs them into the bytes of a .tflite file.

    Equal calls give equal bytes. Tensors and operators go to the current subgraph: the first one
    until `subgraph` opens another.

    Raises:
        StapesError: the package that holds the flatbuffer schema is not installed.
    """

    def __init__(self) -> None:
        self._schema = load_schema()
        self._buffers: list[Any] = [self._new_buffer(None)]
        self._codes: list[tuple[int, int]] = []
        self._subgraphs = [_Subgraph(name="main")]
        self._current = self._subgraphs[0]
        self._metadata: list[Any] = []

    def tensor(
        self,
        name: str,
        *,
        shape: Sequence[int],
        dtype: str,
        scale: float | np.floating | Sequence[float] | np.ndarray | None = None,
        zero_point: int = 0,
        quantized_dimension: int = 0,
        data: np.ndarray | None = None,
        variable: bool = False,
    ) -> int:
        """Adds a tensor and returns its index.

        Args:
            shape: sizes of the dimensions.
            dtype: one of int8, int16, int32, int64, uint8, float32, bool, resource.
            scale: real value of one step; an array is one scale per slice of
                `quantized_dimension`. None leaves the quantization out.
            zero_point: the stored value that stands for real 0; the same for all slices.
            data: constant content with exactly the shape and dtype given.
            variable: state kept from one inference to the next.

        Raises:
            ValueError: unknown dtype, or data that disagrees with shape or dtype.
        """
        if dtype not in _TENSOR_TYPES:
            raise ValueError(f"{name}: dtype {dtype!r} is not one of {sorted(_TENSOR_TYPES)}")
        tensor = self._schema.TensorT()
        tensor.name = name.encode()
        tensor.shape = [int(size) for size in shape]
        tensor.type = getattr(self._schema.TensorType, _TENSOR_TYPES[dtype])
        tensor.isVariable = variable
        tensor.hasRank = True
        tensor.buffer = 0
        if data is not None:
            tensor.buffer = self._add_buffer(_little_endian(name, data, tensor.shape, dtype))
        if scale is not None:
            tensor.quantization = self._quantization(scale, zero_point, quantized_dimension)
        self._current.tensors.append(tensor)
        return len(self._current.tensors) - 1

    def operator(
        self,
        name: str,
        *,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> None:
        """Adds an operator by its builtin name, e.g. "SVDF".

        Args:
            inputs: tensor indices in the operator's order; -1 stands for an absent one.
            outputs: tensor indices.
            options: fields of the builtin options table by their Python names, e.g. `rank`,
                `fusedActivationFunction` (a number or a name such as "RELU").
            version: the operator's version; by default the version in int8 models.

        Raises:
            ValueError: no such operator, option or enumerator.
        """
        code = getattr(self._schema.BuiltinOperator, name, None)
        if code is None:
            raise ValueError(f"{name}: not a builtin operator of TensorFlow Lite")
        operator = self._schema.OperatorT()
        table, int8_version = _OPERATORS.get(name, (_options_table(name), 1))
        key = (code, version or int8_version)
        if key not in self._codes:
            self._codes.append(key)
        operator.opcodeIndex = self._codes.index(key)
        operator.inputs = [int(index) for index in inputs]
        operator.outputs = [int(index) for index in outputs]
        if hasattr(self._schema, table + "T"):
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, table)
            operator.builtinOptions = self._options(table, options or {})
        elif options:
            raise ValueError(f"{name}: takes no options, got {sorted(options)}")
        self._current.operators.append(operator)

    def subgraph(self, name: str) -> int:
        """Opens another subgraph for the tensors and operators that follow; returns its index."""
        self._current = _Subgraph(name=name)
        self._subgraphs.append(self._current)
        return len(self._subgraphs) - 1

    def finish_subgraph(self, *, inputs: Sequence[int] = (), outputs: Sequence[int] = ()) -> None:
        """Closes the current subgraph and returns to the first one."""
        self._current.inputs, self._current.outputs = inputs, outputs
        self._current = self._subgraphs[0]

    def metadata(self, name: str, content: bytes) -> None:
        """Attaches named bytes to the model."""
        self._metadata.append(self._metadata_entry(name, self._add_buffer(content)))

    def build(
        self, *, inputs: Sequence[int], outputs: Sequence[int], description: str = ""
    ) -> bytes:
        """Packs the model; `inputs` and `outputs` are tensors of the first subgraph."""
        first = self._subgraphs[0]
        first.inputs, first.outputs = inputs, outputs
        model = self._schema.ModelT()
        model.version = SCHEMA_VERSION
        model.description = description.encode()
        model.operatorCodes = [self._operator_code(*key) for key in self._codes]
        model.subgraphs = [self._pack_subgraph(subgraph) for subgraph in self._subgraphs]
        model.buffers = self._buffers
        model.metadata = self._metadata
        return pack_model(self._schema, model)

    def _pack_subgraph(self, subgraph: _Subgraph) -> Any:
        packed = self._schema.SubGraphT()
        packed.name = subgraph.name.encode()
        packed.tensors = subgraph.tensors
        packed.operators = subgraph.operators
        packed.inputs = [int(index) for index in subgraph.inputs]
        packed.outputs = [int(index) for index in subgraph.outputs]
        return packed

    def _new_buffer(self, content: bytes | None) -> Any:
        buffer = self._schema.BufferT()
        if content is not None:
            buffer.data = np.frombuffer(content, dtype=np.uint8)
        return buffer

    def _add_buffer(self, content: bytes) -> int:
        self._buffers.append(self._new_buffer(content))
        return len(self._buffers) - 1

    def _metadata_entry(self, name: str, buffer: int) -> Any:
        entry = self._schema.MetadataT()
        entry.name = name.encode()
        entry.buffer = buffer
        return entry

    def _quantization(self, scale: Any, zero_point: int, dimension: int) -> Any:
        quantization = self._schema.QuantizationParametersT()
        quantization.scale = np.atleast_1d(np.asarray(scale, dtype=np.float32))
        quantization.zeroPoint = np.full(quantization.scale.shape, zero_point, dtype=np.int64)
        quantization.quantizedDimension = dimension
        return quantization

    def _options(self, table: str, values: Mapping[str, Any]) -> Any:
        options = getattr(self._schema, table + "T")()
        for name, value in values.items():
            if not hasattr(options, name):
                raise ValueError(f"{table}: no field {name!r}; has {sorted(vars(options))}")
            setattr(options, name, self._enumerator(name, value))
        return options

    def _enumerator(self, field_name: str, value: Any) -> Any:
        enums = {"fusedActivationFunction": "ActivationFunctionType", "padding": "Padding"}
        if not isinstance(value, str) or field_name not in enums:
            return value
        number = getattr(getattr(self._schema, enums[field_name]), value, None)
        if number is None:
            raise ValueError(f"{field_name}: no such value {value!r}")
        return number

    def _operator_code(self, code: int, version: int) -> Any:
        entry = self._schema.OperatorCodeT()
        entry.builtinCode = code
        entry.deprecatedBuiltinCode = min(code, 127)
        entry.version = version
        return entry


def load_schema() -> ModuleType:
    """The generated flatbuffer classes.

    Raises:
        StapesError: the package `ai_edge_litert` is missing.
    """
    try:
        return importlib.import_module("ai_edge_litert.schema_py_generated")
    except ImportError as error:
        raise StapesError(
            f"writing .tflite files: cannot import {error.name} (expected the package "
            "ai-edge-litert); run pip install 'stapes[train]'"
        ) from error


def pack_model(schema: ModuleType, model: Any) -> bytes:
    """Packs a `ModelT`, every buffer 16-byte aligned as TFLite's readers expect."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    # Buffers first: object API packing gives them byte alignment, so they are written by hand.
    offsets = [_pack_buffer(schema, builder, buffer) for buffer in model.buffers]
    packed = [_Packed(offset) for offset in offsets]
    original, model.buffers = model.buffers, packed
    try:
        root = model.Pack(builder)
    finally:
        model.buffers = original
    builder.Finish(root, file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())


class _Packed:
    """Stands for an object that is already in the flatbuffer."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def Pack(self, _builder: Any) -> int:
        return self._offset


def _pack_buffer(schema: ModuleType, builder: Any, buffer: Any) -> int:
    data = None
    if buffer.data is not None:
        content = bytes(np.asarray(buffer.data, dtype=np.uint8))
        builder.StartVector(1, len(content), BUFFER_ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.Head() : builder.Head() + len(content)] = content
        data = builder.EndVector()
    schema.BufferStart(builder)
    if data is not None:
        schema.BufferAddData(builder, data)
    return schema.BufferEnd(builder)


def _options_table(name: str) -> str:
    """The usual name of an operator's options, for example LogSoftmaxOptions for LOG_SOFTMAX."""
    return name.title().replace("_", "") + "Options"


def _little_endian(name: str, data: np.ndarray, shape: list[int], dtype: str) -> bytes:
    array = np.asarray(data)
    if list(array.shape) != shape or array.dtype != np.dtype(dtype):
        raise ValueError(
            f"{name}: data is {array.dtype}{list(array.shape)}, expected {dtype}{shape}"
        )
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
