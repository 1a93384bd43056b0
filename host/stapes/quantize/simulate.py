# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware training: the network in float, rounded wherever the exported network is.

Weights, SVDF states and outputs are rounded to the steps that the exporter would choose, and
gradients pass through the rounding as if there were none (straight-through estimator). Ranges begin
with calibrated values and follow the batches by exponential moving averages. Normalization is
folded into the weights with its moving averages, which do not change from then on.

Source: Jacob et al., Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference, CVPR 2018 (arXiv 1712.05877), sections 3 and 3.1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from stapes.networks.backend import tf
from stapes.quantize.calibration import Ranges, visible_logits
from stapes.quantize.graph import BIAS_MAX, STATE_MAX, channel_axes, svdf_scales
from stapes.quantize.layers import (
    PASSING,
    AddLayer,
    ConvLayer,
    DenseLayer,
    DepthwiseLayer,
    Layer,
    SvdfLayer,
    is_streaming,
    receptive_frames,
    tensor_layers,
)

_MOMENTUM = 0.95
_SMALLEST = 1e-6


class SimulatedInt8:
    """A Keras model as it will be computed in int8; called like the model itself.

    `training=True` also adapts the ranges to the batch. Its variables are those of the model, and
    the ranges.
    """

    def __init__(self, model: Any, ranges: Sequence[Ranges], *, input_scale: float) -> None:
        self._model, self._input_scale = model, input_scale
        self._bounds = [_variable([entry.low, entry.high]) for entry in ranges]
        self._states = [None if entry.state is None else _variable(entry.state) for entry in ranges]

    @property
    def trainable_variables(self) -> list[Any]:
        return self._model.trainable_variables

    @property
    def ranges(self) -> list[Ranges]:
        """The ranges as they are now, for the exporter."""
        return [
            Ranges(state=None if state is None else state.numpy(), low=low, high=high)
            for state, (low, high) in zip(
                self._states, (map(float, bounds.numpy()) for bounds in self._bounds), strict=True
            )
        ]

    # No branch here depends on values of tensors: without conversion, tracing takes less time.
    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def __call__(self, features: Any, training: bool = False) -> Any:
        """float32 [batch, frames, features] -> logits [batch, labels]."""
        layers = tensor_layers(self._model, "float32")
        values, scale, inputs = tf.convert_to_tensor(features), self._input_scale, []
        if is_streaming(layers):
            values = values[:, -receptive_frames(layers) :]
        for number, layer in enumerate(layers):
            inputs.append(values)
            values = self._outputs(number, layer, inputs, scale, training)
            if not isinstance(layer, PASSING):
                values = self._rounded(number, values, training)
                scale = _scale(self._bounds[number])
            if training and layer.dropout is not None:
                values = layer.dropout(values, training=True)
        return tf.reshape(values, [tf.shape(features)[0], values.shape[-1]])

    def _outputs(
        self, number: int, layer: Layer, inputs: list[Any], scale: Any, training: bool
    ) -> Any:
        if isinstance(layer, AddLayer):
            return layer.outputs(inputs[-1], inputs[-1 - layer.back])
        if isinstance(layer, SvdfLayer):
            return self._svdf_outputs(number, layer, inputs[-1], training)
        if isinstance(layer, DenseLayer | ConvLayer | DepthwiseLayer):
            return with_rounded_weights(layer, scale).outputs(inputs[-1])
        return layer.outputs(inputs[-1])

    def _svdf_outputs(self, number: int, layer: SvdfLayer, inputs: Any, training: bool) -> Any:
        largest_state = self._states[number]
        if training:
            exact = tf.stop_gradient(layer.states(inputs))
            _follow(largest_state, tf.reduce_max(tf.abs(exact), axis=[0, 1]))
        rounded, largest, state_scale = with_rounded_svdf(layer, largest_state)
        steps = state_scale * largest
        states = rounded.states(inputs)
        limited = tf.clip_by_value(states, -STATE_MAX * steps, STATE_MAX * steps)
        return rounded.outputs(_straight_through(limited, tf.round(limited / steps) * steps))

    def _rounded(self, number: int, values: Any, training: bool) -> Any:
        """Values rounded to int8 steps, like those of Quantization.of_range."""
        bounds = self._bounds[number]
        if training:
            seen = tf.stop_gradient(values)
            if number == len(self._bounds) - 1:
                seen = visible_logits(seen)
            low, high = tf.minimum(tf.reduce_min(seen), 0.0), tf.reduce_max(seen)
            _follow(bounds, tf.stack([low, tf.maximum(high, _SMALLEST)]))
        scale = _scale(bounds)
        zero_point = tf.clip_by_value(tf.round(-128.0 - bounds[0] / scale), -128.0, 127.0)
        low, high = (-128.0 - zero_point) * scale, (127.0 - zero_point) * scale
        limited = tf.clip_by_value(values, low, high)
        return _straight_through(limited, tf.round(limited / scale) * scale)


def with_rounded_weights(layer: Any, source_scale: Any) -> Any:
    """A dense or convolution layer in tensors, with weights rounded to the steps of
    `quantize_weights`."""
    axes = channel_axes(layer)
    weights = tf.stop_gradient(layer.weights)
    bias = tf.abs(tf.stop_gradient(layer.bias))
    largest = tf.reduce_max(tf.abs(weights), axis=axes) / 127.0
    smallest = (tf.reduce_max(bias) if axes is None else bias) / (BIAS_MAX * source_scale)
    steps = tf.maximum(tf.maximum(largest, smallest), 1e-9 / 127)
    if axes is not None:
        steps = tf.reshape(steps, [1 if axis in axes else -1 for axis in range(4)])
    return dataclasses.replace(
        layer, weights=_straight_through(layer.weights, tf.round(weights / steps) * steps)
    )


def with_rounded_svdf(layer: SvdfLayer, state_range: Any) -> tuple[SvdfLayer, Any, Any]:
    """The layer in tensors, with weights rounded to the steps of `quantize_svdf`; the largest
    feature weight of each filter; and the step of the states after division by this weight."""
    feature, time = tf.stop_gradient(layer.feature), tf.stop_gradient(layer.time)
    largest = tf.maximum(tf.reduce_max(tf.abs(feature), axis=1), 1e-12)
    bias = tf.stop_gradient(layer.bias)
    state_scale, time_scale = svdf_scales(time * largest[:, None], bias, state_range / largest)
    feature_steps = largest[:, None] / 127.0
    time_steps = time_scale / largest[:, None]
    rounded = dataclasses.replace(
        layer,
        feature=_straight_through(layer.feature, tf.round(feature / feature_steps) * feature_steps),
        time=_straight_through(layer.time, tf.round(time / time_steps) * time_steps),
    )
    return rounded, largest, state_scale


def _straight_through(exact: Any, rounded: Any) -> Any:
    """The value of `rounded`, the gradient of `exact`."""
    return exact + tf.stop_gradient(rounded - exact)


def _scale(bounds: Any) -> Any:
    return (bounds[1] - bounds[0]) / 255.0


def _follow(average: Any, seen: Any) -> None:
    average.assign(_MOMENTUM * average + (1 - _MOMENTUM) * seen)


def _variable(values: Any) -> Any:
    return tf.Variable(np.asarray(values, np.float32), trainable=False)


def ranges_to_arrays(ranges: Sequence[Ranges]) -> list[np.ndarray]:
    """One array for each layer, as checkpoints keep them: low, high, then the state's, if any."""
    return [
        np.array([entry.low, entry.high, *([] if entry.state is None else entry.state)], np.float32)
        for entry in ranges
    ]


def ranges_from_arrays(arrays: Sequence[np.ndarray]) -> list[Ranges]:
    """The ranges that `ranges_to_arrays` was given."""
    return [
        Ranges(
            low=float(array[0]), high=float(array[1]), state=array[2:] if len(array) > 2 else None
        )
        for array in arrays
    ]
