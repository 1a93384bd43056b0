"""From float layers to the bytes of an int8 .tflite model: one frame of features per inference.

Numerics are those of TensorFlow Lite's 8-bit quantization specification; SVDF keeps its state and
its time filters in int16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stapes.quantize.calibration import Ranges
from stapes.quantize.layers import AddLayer, DenseLayer, Layer, SvdfLayer
from stapes.settings import METADATA_NAME, ModelSettings
from stapes.tflite.builder import ModelBuilder

_INT32_MAX = 2**31 - 1
_STATE_MAX = 2**15 - 1
# Loud audio beyond the calibration clips must not saturate the state.
_STATE_HEADROOM = 1.25


@dataclass(frozen=True, kw_only=True)
class QuantizedSvdf:
    """int8 `feature`, int16 `time`, int32 `bias`, and the scales of feature, time and state."""

    feature: np.ndarray
    time: np.ndarray
    bias: np.ndarray
    feature_scale: np.float32
    time_scale: np.float32
    state_scale: np.float32

    @property
    def bias_scale(self) -> np.float32:
        return self.state_scale * self.time_scale


@dataclass(frozen=True, kw_only=True)
class _Activation:
    """A tensor on its way through the network."""

    index: int
    size: int
    scale: np.float32


def quantize_svdf(layer: SvdfLayer, state_range: np.ndarray) -> QuantizedSvdf:
    """Scales such that no sum can leave int32, whatever the input.

    Every filter is first divided by its largest feature weight, and its time filter multiplied by
    it: the result is the same, and one int8 scale then serves all filters as well as one for each.
    """
    largest = np.maximum(np.abs(layer.feature).max(axis=1), 1e-12)
    feature, time = layer.feature / largest[:, None], layer.time * largest[:, None]
    state_scale = np.float32(
        _STATE_HEADROOM * max((state_range / largest).max(), 1e-9) / _STATE_MAX
    )
    # |sum of state * time + bias| <= (_STATE_MAX + 1) * sum |time| + |bias|, unit by unit.
    weight_sums = np.abs(time).reshape(len(layer.bias), -1).sum(axis=1)
    needed = ((_STATE_MAX + 1) * weight_sums + np.abs(layer.bias) / state_scale).max()
    # Rounding may add half a step to each of the weights.
    slack = (_STATE_MAX + 1) * layer.memory * layer.rank
    finest = np.abs(time).max() / _STATE_MAX
    time_scale = np.float32(max(needed / (_INT32_MAX - slack), finest, 1e-12))
    feature_scale = np.float32(1 / 127)
    bias_scale = state_scale * time_scale
    return QuantizedSvdf(
        feature=_rounded(feature / feature_scale, np.int8, limit=127),
        time=_rounded(time / time_scale, np.int16, limit=_STATE_MAX),
        bias=_rounded(layer.bias / bias_scale, np.int32, limit=_INT32_MAX),
        feature_scale=feature_scale,
        time_scale=time_scale,
        state_scale=state_scale,
    )


def build_model(
    layers: Sequence[Layer],
    ranges: Sequence[Ranges],
    settings: ModelSettings,
    *,
    input_scale: float,
    input_zero_point: int,
) -> bytes:
    """The .tflite file: int8 [1, features] in, int8 softmax scores [1, labels] out.

    The features' quantization is that of the input; `settings` go into the metadata.
    """
    builder = ModelBuilder()
    scale = np.float32(input_scale)
    size = settings.front_end.feature_count
    index = builder.tensor(
        "features", shape=[1, size], dtype="int8", scale=scale, zero_point=input_zero_point
    )
    first = current = _Activation(index=index, size=size, scale=scale)
    inputs = []  # of every layer so far
    for layer, layer_ranges in zip(layers, ranges, strict=True):
        inputs.append(current)
        if isinstance(layer, SvdfLayer):
            current = _add_svdf(builder, layer, layer_ranges, current)
        elif isinstance(layer, AddLayer):
            current = _add_sum(builder, layer, layer_ranges, current, inputs[-1 - layer.back])
        else:
            current = _add_dense(builder, layer, layer_ranges, current)
    scores = builder.tensor(
        "scores", shape=[1, current.size], dtype="int8", scale=1 / 256, zero_point=-128
    )
    builder.operator("SOFTMAX", inputs=[current.index], outputs=[scores], options={"beta": 1.0})
    builder.metadata(METADATA_NAME, settings.to_json().encode())
    return builder.build(inputs=[first.index], outputs=[scores], description=settings.name)


def _add_svdf(
    builder: ModelBuilder, layer: SvdfLayer, ranges: Ranges, source: _Activation
) -> _Activation:
    assert ranges.state is not None
    parts = quantize_svdf(layer, ranges.state)
    filters, memory = layer.time.shape
    feature = builder.tensor(
        f"{layer.name}/feature",
        shape=parts.feature.shape,
        dtype="int8",
        scale=parts.feature_scale,
        data=parts.feature,
    )
    time = builder.tensor(
        f"{layer.name}/time",
        shape=parts.time.shape,
        dtype="int16",
        scale=parts.time_scale,
        data=parts.time,
    )
    bias = builder.tensor(
        f"{layer.name}/bias",
        shape=parts.bias.shape,
        dtype="int32",
        scale=parts.bias_scale,
        data=parts.bias,
    )
    state = builder.tensor(
        f"{layer.name}/state",
        shape=[1, filters * memory],
        dtype="int16",
        scale=parts.state_scale,
        variable=True,
    )
    output = _add_activation(builder, layer.name, len(parts.bias), low=0.0, high=ranges.high)
    builder.operator(
        "SVDF",
        inputs=[source.index, feature, time, bias, state],
        outputs=[output.index],
        options={"rank": layer.rank, "fusedActivationFunction": "RELU"},
    )
    return output


def _add_dense(
    builder: ModelBuilder, layer: DenseLayer, ranges: Ranges, source: _Activation
) -> _Activation:
    weight_scale = np.float32(max(np.abs(layer.weights).max(), 1e-9) / 127)
    bias_scale = source.scale * weight_scale
    weights = builder.tensor(
        f"{layer.name}/weights",
        shape=layer.weights.shape,
        dtype="int8",
        scale=weight_scale,
        data=_rounded(layer.weights / weight_scale, np.int8, limit=127),
    )
    bias = builder.tensor(
        f"{layer.name}/bias",
        shape=layer.bias.shape,
        dtype="int32",
        scale=bias_scale,
        data=_rounded(layer.bias / bias_scale, np.int32, limit=_INT32_MAX),
    )
    output = _add_activation(builder, layer.name, len(layer.bias), low=ranges.low, high=ranges.high)
    builder.operator(
        "FULLY_CONNECTED",
        inputs=[source.index, weights, bias],
        outputs=[output.index],
        options={"fusedActivationFunction": "RELU" if layer.relu else "NONE"},
    )
    return output


def _add_sum(
    builder: ModelBuilder,
    layer: AddLayer,
    ranges: Ranges,
    source: _Activation,
    earlier: _Activation,
) -> _Activation:
    output = _add_activation(builder, layer.name, source.size, low=ranges.low, high=ranges.high)
    builder.operator("ADD", inputs=[source.index, earlier.index], outputs=[output.index])
    return output


def _add_activation(
    builder: ModelBuilder, name: str, size: int, *, low: float, high: float
) -> _Activation:
    scale = np.float32((high - low) / 255)
    zero_point = int(np.clip(round(-128 - low / scale), -128, 127))
    index = builder.tensor(
        f"{name}/output", shape=[1, size], dtype="int8", scale=scale, zero_point=zero_point
    )
    return _Activation(index=index, size=size, scale=scale)


def _rounded(values: np.ndarray, dtype: type, *, limit: int) -> np.ndarray:
    return np.clip(np.rint(values.astype(np.float64)), -limit, limit).astype(dtype)
