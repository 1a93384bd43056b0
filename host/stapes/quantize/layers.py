# SPDX-License-Identifier: Apache-2.0
"""A trained Keras model as a chain of plain layers, which the exporter calibrates and quantizes.

Layers hold their weights as NumPy arrays, or as TensorFlow tensors that are computed from the
model's variables: so training can simulate quantization with the same layers that are exported.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stapes.errors import StapesError
from stapes.networks.backend import keras, tf
from stapes.networks.layers import (
    SVDF,
    BroadcastConv,
    FlattenFrames,
    FrequencyConv,
    LastFrames,
    ResidualSVDF,
)

Array = Any  # np.ndarray, or a TensorFlow tensor


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """`dropout`: the Keras layer that drops some of the outputs in training."""

    name: str
    dropout: Any = None


@dataclass(frozen=True, kw_only=True)
class SvdfLayer(_Plain):
    """`feature` [filters, features], `time` [filters, memory] oldest frame first, `bias` [units].
    Each unit has `rank` filters, which follow each other. The activation is ReLU."""

    feature: Array
    time: Array
    bias: Array

    @property
    def rank(self) -> int:
        return self.time.shape[0] // self.bias.shape[0]

    @property
    def memory(self) -> int:
        return self.time.shape[1]

    def states(self, inputs: Array) -> Array:
        """[clips, frames, features] -> the values that are remembered, [clips, frames, filters]."""
        return tf.matmul(inputs, self.feature, transpose_b=True)

    def outputs(self, states: Array) -> Array:
        """[clips, frames, filters] -> [clips, frames - memory + 1, units]."""
        frames, units = states.shape[1] - self.memory + 1, self.bias.shape[0]
        filtered = tf.nn.depthwise_conv2d(
            states[:, :, None, :],
            tf.transpose(self.time)[:, None, :, None],
            strides=[1, 1, 1, 1],
            padding="VALID",
        )
        summed = tf.reduce_sum(tf.reshape(filtered, [-1, frames, units, self.rank]), axis=-1)
        return tf.nn.relu(summed + self.bias)


@dataclass(frozen=True, kw_only=True)
class DenseLayer(_Plain):
    """`weights` [outputs, inputs], `bias` [outputs], applied to every frame."""

    weights: Array
    bias: Array
    relu: bool = False

    def outputs(self, inputs: Array) -> Array:
        """[..., inputs] -> [..., outputs]."""
        return _activated(tf.matmul(inputs, self.weights, transpose_b=True) + self.bias, self)


@dataclass(frozen=True, kw_only=True)
class ConvLayer(_Plain):
    """`weights` [outputs, height, width, inputs], `bias` [outputs]; padding SAME or VALID."""

    weights: Array
    bias: Array
    strides: tuple[int, int]
    padding: str
    relu: bool = False

    def outputs(self, inputs: Array) -> Array:
        """[clips, height, width, inputs] -> [clips, height, width, outputs]."""
        kernel = tf.transpose(self.weights, [1, 2, 3, 0])
        return _activated(
            tf.nn.conv2d(inputs, kernel, self.strides, self.padding) + self.bias, self
        )


@dataclass(frozen=True, kw_only=True)
class DepthwiseLayer(_Plain):
    """`weights` [1, height, width, channels * multiplier], `bias` [channels * multiplier]."""

    weights: Array
    bias: Array
    strides: tuple[int, int]
    padding: str
    multiplier: int
    relu: bool = False

    def outputs(self, inputs: Array) -> Array:
        """[clips, height, width, channels] -> [clips, height, width, channels * multiplier]."""
        height, width = self.weights.shape[1:3]
        kernel = tf.reshape(self.weights, [height, width, -1, self.multiplier])
        strides = [1, *self.strides, 1]
        return _activated(
            tf.nn.depthwise_conv2d(inputs, kernel, strides, self.padding) + self.bias, self
        )


@dataclass(frozen=True, kw_only=True)
class PoolLayer(_Plain):
    """The maximum or the average of `size` (height, width) places; `kind` is MAX or AVERAGE."""

    kind: str
    size: tuple[int, int]
    strides: tuple[int, int]
    padding: str

    def outputs(self, inputs: Array) -> Array:
        """[clips, height, width, channels] -> the same with fewer places."""
        pool = tf.nn.max_pool2d if self.kind == "MAX" else tf.nn.avg_pool2d
        return pool(inputs, self.size, self.strides, self.padding)


@dataclass(frozen=True, kw_only=True)
class ReshapeLayer(_Plain):
    """The same values in another shape: `shape` is without the clips and, if `by_frame`, without
    the frames."""

    shape: tuple[int, ...]
    by_frame: bool = False

    def outputs(self, inputs: Array) -> Array:
        """[clips, ...] -> [clips, *shape], or [clips, frames, ...] -> [clips, frames, *shape]."""
        frames = [inputs.shape[1]] if self.by_frame else []
        return tf.reshape(inputs, [-1, *frames, *self.shape])


@dataclass(frozen=True, kw_only=True)
class MeanLayer(_Plain):
    """The mean over all frequencies."""

    def outputs(self, inputs: Array) -> Array:
        """[clips, frames, frequencies, channels] -> [clips, frames, channels]."""
        return tf.reduce_mean(inputs, axis=2)


@dataclass(frozen=True, kw_only=True)
class AddLayer(_Plain):
    """Adds what went into the layer `back` places before this one."""

    back: int

    def outputs(self, inputs: Array, earlier: Array) -> Array:
        """`inputs` [clips, frames, width] and `earlier` [clips, as many frames or more, width] ->
        their sum at the last `frames` frames. If only `earlier` has frequencies, `inputs` are added
        at each frequency."""
        if len(earlier.shape) > len(inputs.shape):
            inputs = inputs[:, :, None]
        return inputs + earlier[:, -inputs.shape[1] :]


Layer = (
    SvdfLayer
    | DenseLayer
    | ConvLayer
    | DepthwiseLayer
    | PoolLayer
    | ReshapeLayer
    | MeanLayer
    | AddLayer
)
# Layers whose outputs have the quantization of their inputs.
PASSING = (PoolLayer, ReshapeLayer)


def is_streaming(layers: Sequence[Layer]) -> bool:
    """Whether the network remembers and runs at every frame, or sees a whole clip at once."""
    return any(isinstance(layer, SvdfLayer) for layer in layers)


def frames_at_once(layers: Sequence[Layer], clip_frames: int) -> int:
    """Frames that go into the network at once: all frames of a clip or, if the network streams, the
    frames that its first convolution sees."""
    if not is_streaming(layers):
        return clip_frames
    return 1 + sum(layer.weights.shape[1] - 1 for layer in layers if isinstance(layer, ConvLayer))


def stride_frames(layers: Sequence[Layer]) -> int:
    """For a network that streams: frames from one inference to the next."""
    return math.prod(layer.strides[0] for layer in layers if isinstance(layer, ConvLayer))


def receptive_frames(layers: Sequence[Layer]) -> int:
    """For a network that streams: on how many frames an output depends."""
    remembered = sum(layer.memory - 1 for layer in layers if isinstance(layer, SvdfLayer))
    return remembered * stride_frames(layers) + frames_at_once(layers, 1)


def plain_layers(model: Any) -> list[Layer]:
    """The layers of a Keras model in float64 NumPy arrays, normalization folded in.

    Raises:
        StapesError: the exporter does not know a layer, or the layers are no chain.
    """
    return [with_arrays(layer, lambda array: array.numpy()) for layer in tensor_layers(model)]


def tensor_layers(model: Any, dtype: str = "float64") -> list[Layer]:
    """Like `plain_layers`, but with tensors that are computed from the model's variables.

    Raises:
        StapesError: as `plain_layers`.
    """
    layers: list[Layer] = []
    chain = _chain(model)
    streaming = any(isinstance(layer, SVDF | ResidualSVDF | BroadcastConv) for layer in chain)
    for layer in chain:
        _append(layers, layer, dtype, streaming)
    return layers


def with_arrays(layer: Layer, change: Callable[[Array], Array]) -> Layer:
    """The layer with all its arrays changed."""
    names = ("feature", "time", "weights", "bias")
    arrays = {name: change(getattr(layer, name)) for name in names if hasattr(layer, name)}
    return dataclasses.replace(layer, **arrays)


def _activated(outputs: Array, layer: DenseLayer | ConvLayer | DepthwiseLayer) -> Array:
    return tf.nn.relu(outputs) if layer.relu else outputs


def _chain(model: Any) -> list[Any]:
    """The layers of a Sequential model, or of a functional model that is a chain as well."""
    if isinstance(model, keras.Sequential):
        return model.layers
    before = None
    for layer in model.layers:
        sources = [
            tensor._keras_history.operation
            for node in layer._inbound_nodes
            for tensor in node.arguments.keras_tensors
        ]
        if sources != [before] * (before is not None):
            raise StapesError(
                f"layer {layer.name!r}: found {len(sources)} inputs, or one that is not the "
                "layer before it, expected a chain of layers in a model to export; change the "
                "architecture"
            )
        before = layer
    return model.layers


def _append(layers: list[Layer], layer: Any, dtype: str, streaming: bool) -> None:
    """Adds a Keras layer to the chain, or its work to the last layer of the chain."""

    def value(variable: Any) -> Array:
        return tf.cast(variable, dtype)

    if isinstance(layer, keras.layers.InputLayer | LastFrames):
        return
    if isinstance(layer, keras.layers.Dropout):
        if layers:
            layers[-1] = dataclasses.replace(layers[-1], dropout=layer)
    elif isinstance(layer, keras.layers.BatchNormalization):
        layers[-1:] = [_normalized(_last_weighted(layers, layer), layer, value)]
    elif isinstance(layer, keras.layers.ReLU | keras.layers.Activation) and _is_relu(layer):
        layers[-1:] = [dataclasses.replace(_last_weighted(layers, layer), relu=True)]
    elif isinstance(layer, SVDF):
        feature, time, bias = layer.folded(dtype)
        layers.append(SvdfLayer(name=layer.name, feature=feature, time=time, bias=bias))
    elif isinstance(layer, ResidualSVDF):
        before = len(layers)
        for part in (layer.svdf, layer.dense):
            _append(layers, part, dtype, streaming)
        layers.append(AddLayer(name=f"{layer.name}_add", back=len(layers) - before))
    elif isinstance(layer, FrequencyConv):
        if layers and (layer.frames, layer.frame_stride) != (1, 1):
            raise _unknown(layer, "one frame at a time after the first layer")
        layers.extend(_frequency_conv(layer, value))
    elif isinstance(layer, BroadcastConv):
        _append_broadcast(layers, layer, dtype)
    elif isinstance(layer, FlattenFrames):
        layers.append(ReshapeLayer(name=layer.name, shape=(layer.output.shape[2],), by_frame=True))
    elif isinstance(layer, keras.layers.Flatten) and streaming:
        return  # it flattens the only frame that comes out at a clip's end
    elif isinstance(layer, keras.layers.Dense):
        layers.append(_dense(layer, value))
    elif streaming:
        raise _unknown(layer, "layers of docs/networks.md that stream")
    elif isinstance(layer, keras.layers.Flatten | keras.layers.Reshape):
        layers.append(ReshapeLayer(name=layer.name, shape=tuple(layer.output.shape[1:])))
    else:
        layers.extend(_image_layers(layer, value))


def _frequency_conv(layer: FrequencyConv, value: Callable[[Any], Array]) -> list[Layer]:
    """The convolution with its normalization; if needed, a reshape before it, which turns features
    into one channel."""
    (conv,) = _image_layers(layer.conv, value)
    conv = dataclasses.replace(
        _normalized(conv, layer.normalization, value), name=layer.name, relu=True
    )
    if not layer.adds_channel:
        return [conv]
    features = layer.features
    return [ReshapeLayer(name=f"{layer.name}_in", shape=(features, 1), by_frame=True), conv]


def _append_broadcast(layers: list[Layer], layer: BroadcastConv, dtype: str) -> None:
    before = len(layers)
    _append(layers, layer.conv, dtype, streaming=True)
    local = len(layers)
    layers.append(MeanLayer(name=f"{layer.name}_mean"))
    for part in (layer.svdf, layer.dense):
        _append(layers, part, dtype, streaming=True)
    layers.append(AddLayer(name=f"{layer.name}_broadcast", back=len(layers) - local))
    if layer.adds_input:
        layers.append(AddLayer(name=f"{layer.name}_add", back=len(layers) - before))


def _image_layers(layer: Any, value: Callable[[Any], Array]) -> list[Layer]:
    """Convolutions and pools."""
    # In Keras, neither DepthwiseConv2D nor Conv2D is a subclass of the other.
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        height, width, channels, multiplier = layer.kernel.shape
        weights = tf.reshape(value(layer.kernel), [1, height, width, channels * multiplier])
        return [
            DepthwiseLayer(
                name=layer.name,
                weights=weights,
                bias=_bias(layer, channels * multiplier, value),
                multiplier=multiplier,
                relu=_is_relu(layer),
                **_window(layer),
            )
        ]
    if isinstance(layer, keras.layers.Conv2D) and layer.groups == 1:
        return [
            ConvLayer(
                name=layer.name,
                weights=tf.transpose(value(layer.kernel), [3, 0, 1, 2]),
                bias=_bias(layer, layer.filters, value),
                relu=_is_relu(layer),
                **_window(layer),
            )
        ]
    if isinstance(layer, keras.layers.MaxPooling2D | keras.layers.AveragePooling2D):
        kind = "MAX" if isinstance(layer, keras.layers.MaxPooling2D) else "AVERAGE"
        return [PoolLayer(name=layer.name, kind=kind, size=layer.pool_size, **_window(layer))]
    if isinstance(layer, keras.layers.GlobalAveragePooling2D) and not layer.keepdims:
        size = tuple(layer.input.shape[1:3])
        whole = PoolLayer(name=layer.name, kind="AVERAGE", size=size, strides=size, padding="VALID")
        return [whole, ReshapeLayer(name=f"{layer.name}_flat", shape=(layer.input.shape[3],))]
    raise _unknown(layer, "layers of docs/networks.md")


def _dense(layer: Any, value: Callable[[Any], Array]) -> DenseLayer:
    weights = tf.transpose(value(layer.kernel))
    return DenseLayer(
        name=layer.name,
        weights=weights,
        bias=_bias(layer, layer.units, value),
        relu=_is_relu(layer),
    )


def _window(layer: Any) -> dict[str, Any]:
    if tuple(getattr(layer, "dilation_rate", (1, 1))) != (1, 1):
        raise _unknown(layer, "a dilation rate of 1")
    return {"strides": tuple(layer.strides), "padding": layer.padding.upper()}


def _bias(layer: Any, count: int, value: Callable[[Any], Array]) -> Array:
    return value(layer.bias) if layer.use_bias else value(np.zeros(count))


def _is_relu(layer: Any) -> bool:
    """Whether the activation is ReLU or none.

    Raises:
        StapesError: it is another activation.
    """
    if isinstance(layer, keras.layers.ReLU):
        limits = layer.max_value, layer.negative_slope, layer.threshold
        if limits == (None, 0, 0):
            return True
    elif layer.activation in (keras.activations.linear, keras.activations.relu):
        return layer.activation is keras.activations.relu
    raise _unknown(layer, "the activation linear or relu")


def _last_weighted(layers: list[Layer], layer: Any) -> DenseLayer | ConvLayer | DepthwiseLayer:
    """The layer to which a separate normalization or activation layer belongs.

    Raises:
        StapesError: `layer` does not follow a layer with weights.
    """
    last = layers[-1] if layers else None
    if isinstance(last, DenseLayer | ConvLayer | DepthwiseLayer) and not last.relu:
        return last
    raise _unknown(layer, "it right after a dense or convolution layer without activation")


def _normalized(layer: Any, norm: Any, value: Callable[[Any], Array]) -> Any:
    """The layer with `norm` folded into its weights, as in inference: with moving averages."""
    gain = tf.math.rsqrt(value(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        gain = gain * value(norm.gamma)
    bias = (layer.bias - value(norm.moving_mean)) * gain
    if norm.center:
        bias = bias + value(norm.beta)
    channels_last = isinstance(layer, DepthwiseLayer)
    rank = len(layer.weights.shape)
    shape = [-1] if channels_last else [-1] + [1] * (rank - 1)
    return dataclasses.replace(layer, weights=layer.weights * tf.reshape(gain, shape), bias=bias)


def _unknown(layer: Any, expected: str) -> StapesError:
    return StapesError(
        f"layer {layer.name!r}: found a {type(layer).__name__}, expected {expected}; change the "
        "architecture"
    )


def output_shape(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of a layer's outputs for inputs of `shape`, both without clips; with one frame if the
    network streams. For an `AddLayer`, `shape` is that of the earlier inputs."""
    if isinstance(layer, SvdfLayer):
        return (*shape[:-1], layer.bias.shape[0])
    if isinstance(layer, DenseLayer):
        return (*shape[:-1], layer.bias.shape[0])
    if isinstance(layer, ReshapeLayer):
        frames = shape[:1] if len(shape) > 1 else (1,)
        return (*frames, *layer.shape) if layer.by_frame and layer.shape[1:] else layer.shape
    if isinstance(layer, MeanLayer):
        return shape[2:]
    if isinstance(layer, AddLayer):
        return shape
    size = layer.size if isinstance(layer, PoolLayer) else layer.weights.shape[1:3]
    places = tuple(
        math.ceil((extent - (kernel - 1) * (layer.padding == "VALID")) / stride)
        for extent, kernel, stride in zip(shape[:2], size, layer.strides, strict=True)
    )
    return (*places, shape[2] if isinstance(layer, PoolLayer) else layer.bias.shape[0])
