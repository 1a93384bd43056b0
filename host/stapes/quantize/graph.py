# SPDX-License-Identifier: Apache-2.0
"""From float layers to the bytes of an int8 .tflite model.

A network with SVDF layers takes one frame of features per inference, or the few frames that its
first convolution sees; any other network takes a whole clip of frames. Numerics are those of
TensorFlow Lite's 8-bit quantization specification; SVDF keeps its state and its time filters in
int16, convolutions have a scale for every output channel.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stapes.device.features import Quantization
from stapes.model.builder import ModelBuilder
from stapes.model.settings import METADATA_NAME, ModelSettings
from stapes.networks.backend import tf
from stapes.quantize.calibration import Ranges
from stapes.quantize.layers import (
    AddLayer,
    ConvLayer,
    DenseLayer,
    DepthwiseLayer,
    Layer,
    MeanLayer,
    PoolLayer,
    ReshapeLayer,
    SvdfLayer,
    frames_at_once,
    output_shape,
)

_INT32_MAX = 2**31 - 1
STATE_MAX = 2**15 - 1
# Loud audio beyond the calibration clips must not saturate the state.
_STATE_HEADROOM = 1.25
BIAS_MAX = 2**30


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
    """A tensor on its way through the network; its shape without the leading 1."""

    index: int
    shape: tuple[int, ...]
    quantization: Quantization

    @property
    def scale(self) -> np.float32:
        return np.float32(self.quantization.scale)

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def quantize_svdf(layer: SvdfLayer, state_range: np.ndarray) -> QuantizedSvdf:
    """Chooses scales with which no sum can leave int32, whatever the input is.

    Every feature filter is first divided by its largest weight, and its time filter is multiplied
    by this weight. The result is the same, and one int8 scale for all filters is then as good as a
    scale for each filter.
    """
    largest = np.maximum(np.abs(layer.feature).max(axis=1), 1e-12)
    feature, time = layer.feature / largest[:, None], layer.time * largest[:, None]
    state_scale, time_scale = (
        np.float32(scale) for scale in svdf_scales(time, layer.bias, state_range / largest)
    )
    feature_scale = np.float32(1 / 127)
    bias_scale = state_scale * time_scale
    return QuantizedSvdf(
        feature=_rounded(feature / feature_scale, np.int8, limit=127),
        time=_rounded(time / time_scale, np.int16, limit=STATE_MAX),
        bias=_rounded(layer.bias / bias_scale, np.int32, limit=_INT32_MAX),
        feature_scale=feature_scale,
        time_scale=time_scale,
        state_scale=state_scale,
    )


def svdf_scales(time: Any, bias: Any, state_range: Any) -> tuple[Any, Any]:
    """Scales of states and of time filters, for `time` [filters, memory], `bias` [units] and
    `state_range` [filters]: arrays or tensors."""
    filters, memory = time.shape
    rank = filters // bias.shape[0]
    state_scale = _STATE_HEADROOM * tf.maximum(tf.reduce_max(state_range), 1e-9) / STATE_MAX
    state_scale = tf.cast(state_scale, time.dtype)
    # |sum of state * time + bias| <= (STATE_MAX + 1) * sum |time| + |bias|, unit by unit.
    weight_sums = tf.reduce_sum(tf.reshape(tf.abs(time), [-1, rank * memory]), axis=1)
    needed = tf.reduce_max((STATE_MAX + 1) * weight_sums + tf.abs(bias) / state_scale)
    # Rounding may add half a step to each of the weights.
    slack = (STATE_MAX + 1) * memory * rank
    finest = tf.reduce_max(tf.abs(time)) / STATE_MAX
    return state_scale, tf.maximum(tf.maximum(needed / (_INT32_MAX - slack), finest), 1e-12)


def quantize_weights(
    layer: DenseLayer | ConvLayer | DepthwiseLayer, source_scale: np.float32
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """int8 weights, int32 bias, and the weights' scales: one for a dense layer, else one for every
    output channel. `source_scale` is that of the layer's inputs."""
    axes = channel_axes(layer)
    largest = np.abs(layer.weights).max(axis=axes) / 127
    bias = np.abs(layer.bias)
    # A channel of tiny weights must not need a bias beyond int32.
    smallest = (bias if largest.ndim else bias.max()) / (BIAS_MAX * float(source_scale))
    scales = np.maximum(np.maximum(largest, smallest), 1e-9 / 127).astype(np.float32)
    steps = scales if axes is None else np.expand_dims(scales, axes)
    return (
        _rounded(layer.weights / steps, np.int8, limit=127),
        _rounded(layer.bias / (source_scale * scales), np.int32, limit=_INT32_MAX),
        scales,
    )


def channel_axes(layer: DenseLayer | ConvLayer | DepthwiseLayer) -> tuple[int, ...] | None:
    """The axes along which weights share a scale; None: all weights share one."""
    if isinstance(layer, ConvLayer):
        return (1, 2, 3)
    return (0, 1, 2) if isinstance(layer, DepthwiseLayer) else None


def build_model(
    layers: Sequence[Layer],
    ranges: Sequence[Ranges],
    settings: ModelSettings,
    quantization: Quantization,
) -> bytes:
    """The .tflite file: int8 features in, [1, features] of one frame or the window
    [1, frames, features, 1]; int8 softmax scores out, [1, labels].

    `quantization` is that of the features; `settings` go into the metadata.
    """
    network = _Network(layers, ranges, settings, quantization)
    builder, logits = network.builder, network.activations[-1]
    scores = builder.tensor(
        "scores", shape=[1, logits.size], dtype="int8", scale=1 / 256, zero_point=-128
    )
    builder.operator("SOFTMAX", inputs=[logits.index], outputs=[scores], options={"beta": 1.0})
    builder.metadata(METADATA_NAME, settings.to_json().encode())
    return builder.build(inputs=[network.source.index], outputs=[scores], description=settings.name)


def build_part(
    layers: Sequence[Layer],
    ranges: Sequence[Ranges],
    settings: ModelSettings,
    quantization: Quantization,
    *,
    window_frames: int = 0,
) -> tuple[bytes, Quantization]:
    """A model without softmax and settings, for measurements: its outputs are those of the last
    layer, int8. Returns the model and the quantization of these outputs. `quantization` is that of
    the features. `window_frames`: frames that are taken at once; 0: as many as a network of these
    layers takes."""
    network = _Network(layers, ranges, settings, quantization, window_frames)
    last = network.activations[-1]
    content = network.builder.build(inputs=[network.source.index], outputs=[last.index])
    return content, last.quantization


class _Network:
    """Tensors and operators of a chain of layers, added to `builder` one after the other."""

    def __init__(
        self,
        layers: Sequence[Layer],
        ranges: Sequence[Ranges],
        settings: ModelSettings,
        quantization: Quantization,
        window_frames: int = 0,
    ) -> None:
        self.builder = ModelBuilder()
        shape: tuple[int, ...] = (settings.front_end.feature_count,)
        window_frames = window_frames or frames_at_once(layers, settings.clip_frames)
        if window_frames > 1:
            shape = (window_frames, *shape)
        for layer in layers:  # a reshape of the input needs no operator
            if not isinstance(layer, ReshapeLayer):
                break
            shape = output_shape(layer, shape)
        self.source = self._tensor("features", shape, quantization)
        self.activations = [self.source]  # what goes into each layer, and the last outputs
        for layer, layer_ranges in zip(layers, ranges, strict=True):
            self.activations.append(self._add(layer, layer_ranges))

    def _add(self, layer: Layer, ranges: Ranges) -> _Activation:
        source = self.activations[-1]
        if isinstance(layer, ReshapeLayer):
            return self._reshape(layer, source)
        quantization = Quantization.of_range(ranges.low, ranges.high)
        if isinstance(layer, PoolLayer):
            quantization = source.quantization
        earlier = self.activations[-1 - layer.back] if isinstance(layer, AddLayer) else source
        shape = output_shape(layer, earlier.shape)
        output = self._tensor(f"{layer.name}/output", shape, quantization)
        if isinstance(layer, SvdfLayer):
            self._svdf(layer, ranges, source, output)
        elif isinstance(layer, AddLayer):
            self.builder.operator(
                "ADD", inputs=[source.index, earlier.index], outputs=[output.index]
            )
        elif isinstance(layer, MeanLayer):
            self._mean(layer, source, output)
        elif isinstance(layer, PoolLayer):
            self._pool(layer, source, output)
        else:
            self._weighted(layer, source, output)
        return output

    def _tensor(self, name: str, shape: tuple[int, ...], quantization: Quantization) -> _Activation:
        index = self.builder.tensor(
            name,
            shape=[1, *shape],
            dtype="int8",
            scale=quantization.scale,
            zero_point=quantization.zero_point,
        )
        return _Activation(index=index, shape=shape, quantization=quantization)

    def _reshape(self, layer: ReshapeLayer, source: _Activation) -> _Activation:
        """Adds RESHAPE only where it is needed: FULLY_CONNECTED reads its input as one row of
        values, whatever the shape."""
        target = output_shape(layer, source.shape)
        if source.shape == target or len(target) == 1 or len(self.activations) == 1:
            return dataclasses.replace(source, shape=target)
        output = self._tensor(f"{layer.name}/output", target, source.quantization)
        shape = np.array([1, *target], np.int32)
        places = self._numbers(f"{layer.name}/shape", shape)
        self.builder.operator(
            "RESHAPE",
            inputs=[source.index, places],
            outputs=[output.index],
            options={"newShape": shape.tolist()},
        )
        return output

    def _numbers(self, name: str, numbers: np.ndarray) -> int:
        return self.builder.tensor(name, shape=numbers.shape, dtype="int32", data=numbers)

    def _mean(self, layer: MeanLayer, source: _Activation, output: _Activation) -> None:
        """The mean over the only frame and all frequencies."""
        axes = self._numbers(f"{layer.name}/axes", np.array([1, 2], np.int32))
        self.builder.operator(
            "MEAN",
            inputs=[source.index, axes],
            outputs=[output.index],
            options={"keepDims": False},
        )

    def _pool(self, layer: PoolLayer, source: _Activation, output: _Activation) -> None:
        self.builder.operator(
            f"{layer.kind}_POOL_2D",
            inputs=[source.index],
            outputs=[output.index],
            options={
                **_window_options(layer),
                "filterHeight": layer.size[0],
                "filterWidth": layer.size[1],
            },
        )

    def _weighted(
        self,
        layer: DenseLayer | ConvLayer | DepthwiseLayer,
        source: _Activation,
        output: _Activation,
    ) -> None:
        weights, bias, scales = quantize_weights(layer, source.scale)
        inputs = [
            source.index,
            self.builder.tensor(
                f"{layer.name}/weights",
                shape=weights.shape,
                dtype="int8",
                scale=scales,
                quantized_dimension=3 if isinstance(layer, DepthwiseLayer) else 0,
                data=weights,
            ),
            self.builder.tensor(
                f"{layer.name}/bias",
                shape=bias.shape,
                dtype="int32",
                scale=source.scale * scales,
                data=bias,
            ),
        ]
        name, options = "FULLY_CONNECTED", {}
        if isinstance(layer, ConvLayer):
            name, options = "CONV_2D", _window_options(layer)
        elif isinstance(layer, DepthwiseLayer):
            name = "DEPTHWISE_CONV_2D"
            options = {**_window_options(layer), "depthMultiplier": layer.multiplier}
        elif len(output.shape) > 1:
            options = {"keepNumDims": True}
        options["fusedActivationFunction"] = "RELU" if layer.relu else "NONE"
        self.builder.operator(name, inputs=inputs, outputs=[output.index], options=options)

    def _svdf(
        self, layer: SvdfLayer, ranges: Ranges, source: _Activation, output: _Activation
    ) -> None:
        assert ranges.state is not None
        parts = quantize_svdf(layer, ranges.state)
        filters, memory = layer.time.shape
        weights = [
            self.builder.tensor(
                f"{layer.name}/{name}",
                shape=data.shape,
                dtype=str(data.dtype),
                scale=scale,
                data=data,
            )
            for name, data, scale in (
                ("feature", parts.feature, parts.feature_scale),
                ("time", parts.time, parts.time_scale),
                ("bias", parts.bias, parts.bias_scale),
            )
        ]
        state = self.builder.tensor(
            f"{layer.name}/state",
            shape=[1, filters * memory],
            dtype="int16",
            scale=parts.state_scale,
            variable=True,
        )
        self.builder.operator(
            "SVDF",
            inputs=[source.index, *weights, state],
            outputs=[output.index],
            options={"rank": layer.rank, "fusedActivationFunction": "RELU"},
        )


def _window_options(layer: ConvLayer | DepthwiseLayer | PoolLayer) -> dict[str, Any]:
    return {
        "padding": layer.padding,
        "strideH": layer.strides[0],
        "strideW": layer.strides[1],
    }


def _rounded(values: np.ndarray, dtype: type, *, limit: int) -> np.ndarray:
    return np.clip(np.rint(values.astype(np.float64)), -limit, limit).astype(dtype)
