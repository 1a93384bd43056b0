# SPDX-License-Identifier: Apache-2.0
"""The layers that models are made of, each with a streaming twin in TensorFlow Lite."""

from __future__ import annotations

from typing import Any

from stapes.networks.backend import keras, tf


def _from_frame(inputs: Any, first: int) -> Any:
    """`inputs[:, first:]`, by an operation whose gradient pads instead of copying slices."""
    return tf.slice(inputs, [0, first, *[0] * (len(inputs.shape) - 2)], [-1] * len(inputs.shape))


@keras.saving.register_keras_serializable(package="stapes")
class SVDF(keras.layers.Layer):
    """A layer of filters; each is the product of a filter over features and a filter over time.

    [batch, frames, features] -> [batch, frames - memory + 1, units]: only frames for which the
    memory is full come out, so the last frame is equal to that of a stream.

    For every unit: output = relu(bias + sum over rank and the last `memory` frames of
    time[filter, age] * (feature[filter] . input)), the SVDF operator of TensorFlow Lite; filter
    unit * rank + r is the r-th of its unit. Batch normalization before the activation is part of
    the layer and folds into time filters and bias (`folded`).

    Source: Nakkiran et al., Compressing Deep Neural Networks using a Rank-Constrained Topology,
    Interspeech 2015.
    """

    def __init__(
        self,
        units: int,
        *,
        memory: int,
        rank: int = 1,
        batch_normalization: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.memory, self.rank = units, memory, rank
        self.normalization = None
        if batch_normalization:
            self.normalization = keras.layers.BatchNormalization(momentum=0.97, name="norm")

    def build(self, shape: tuple[int | None, ...]) -> None:
        filters = self.units * self.rank
        self.feature_weights = self.add_weight(
            shape=(shape[-1], filters), initializer="glorot_uniform", name="feature"
        )
        deviation = (self.memory * self.rank) ** -0.5
        self.time_weights = self.add_weight(
            shape=(self.memory, filters),
            initializer=keras.initializers.TruncatedNormal(stddev=deviation),
            name="time",
        )
        if self.normalization is None:
            self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        else:
            self.normalization.build((None, None, self.units))

    def call(self, inputs: Any, training: bool = False) -> Any:
        whole_clip = inputs.shape[1] == self.memory
        output = self._last_frame(inputs) if whole_clip else self._frames(inputs)
        if self.normalization is None:
            output = output + self.bias
        else:
            output = self.normalization(output, training=training)
        return tf.nn.relu(output)

    def _last_frame(self, inputs: Any) -> Any:
        """One output frame: for each unit, the filters over features, time and rank are multiplied
        to one matrix. This is cheaper than to filter every frame of every clip of a batch."""
        time, feature = (
            tf.transpose(tf.reshape(weights, [-1, self.units, self.rank]), [1, 0, 2])
            for weights in (self.time_weights, self.feature_weights)
        )
        kernel = tf.matmul(time, feature, transpose_b=True)  # [units, memory, features]
        size = self.memory * inputs.shape[2]
        flat, kernel = tf.reshape(inputs, [-1, size]), tf.reshape(kernel, [-1, size])
        return tf.matmul(flat, kernel, transpose_b=True)[:, None, :]

    def _frames(self, inputs: Any) -> Any:
        """All output frames: filtered over features, then over time, then summed over rank."""
        # One product for all clips: its gradient is also one product. There are no slices: the
        # gradient of a slice copies the whole tensor.
        filtered = tf.tensordot(inputs, self.feature_weights, 1)
        output = tf.nn.depthwise_conv2d(
            tf.expand_dims(filtered, 2),
            self.time_weights[:, None, :, None],
            strides=[1, 1, 1, 1],
            padding="VALID",
        )
        output = tf.squeeze(output, 2)
        if self.rank == 1:
            return output
        return tf.reduce_sum(
            tf.reshape(output, [-1, output.shape[1], self.units, self.rank]), axis=-1
        )

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        frames = None if shape[1] is None else shape[1] - self.memory + 1
        return (shape[0], frames, self.units)

    def folded(self, dtype: str = "float64") -> tuple[Any, Any, Any]:
        """Tensors that are computed from the variables: feature filters [filters, features], time
        filters [filters, memory] with the oldest frame first, bias [units]. The normalization is
        folded into them."""
        feature = tf.transpose(tf.cast(self.feature_weights, dtype))
        time = tf.transpose(tf.cast(self.time_weights, dtype))
        if self.normalization is None:
            return feature, time, tf.cast(self.bias, dtype)
        norm = self.normalization
        gain = tf.cast(norm.gamma, dtype) * tf.math.rsqrt(
            tf.cast(norm.moving_variance, dtype) + norm.epsilon
        )
        bias = tf.cast(norm.beta, dtype) - gain * tf.cast(norm.moving_mean, dtype)
        return feature, time * tf.repeat(gain, self.rank)[:, None], bias

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "memory": self.memory,
            "rank": self.rank,
            "batch_normalization": self.normalization is not None,
        }


@keras.saving.register_keras_serializable(package="stapes")
class ResidualSVDF(keras.layers.Layer):
    """An SVDF layer, then a dense layer back to the width of the input, then the input is added.

    [batch, frames, width] -> [batch, frames - memory + 1, width].
    """

    def __init__(self, units: int, *, memory: int, rank: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.svdf = SVDF(
            units, memory=memory, rank=rank, batch_normalization=True, name=f"{self.name}_svdf"
        )
        self.dense: Any = None

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.svdf.build(shape)
        self.dense = keras.layers.Dense(shape[-1], name=f"{self.name}_dense")
        self.dense.build((None, None, self.svdf.units))

    def call(self, inputs: Any, training: bool = False) -> Any:
        branch = self.dense(self.svdf(inputs, training=training))
        return _from_frame(inputs, self.svdf.memory - 1) + branch

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        frames = None if shape[1] is None else shape[1] - self.svdf.memory + 1
        return (shape[0], frames, shape[2])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.svdf.units,
            "memory": self.svdf.memory,
            "rank": self.svdf.rank,
        }


@keras.saving.register_keras_serializable(package="stapes")
class FrequencyConv(keras.layers.Layer):
    """A convolution over frequency, and over the newest `frames` frames; batch-normalized; ReLU.

    [batch, frames, features] or [batch, frames, frequencies, channels] ->
    [batch, frames - `frames` + 1, frequencies, filters], or every `frame_stride`-th of these
    frames. With one frame, all frequencies stay (or every `stride`-th); with more frames, only
    frequencies at which the whole kernel fits.
    """

    def __init__(
        self,
        filters: int,
        *,
        frames: int = 1,
        width: int = 3,
        stride: int = 1,
        frame_stride: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.frames, self.width, self.stride = filters, frames, width, stride
        self.frame_stride = frame_stride
        self.conv = keras.layers.Conv2D(
            filters,
            (frames, width),
            strides=(frame_stride, stride),
            padding="same" if frames == 1 else "valid",
            use_bias=False,
            name=f"{self.name}_conv",
        )
        self.normalization = keras.layers.BatchNormalization(momentum=0.97, name="norm")
        self.adds_channel, self.features = False, 0  # until it is built

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.adds_channel, self.features = len(shape) == 3, shape[2] or 0
        self.conv.build((None, None, shape[2], 1 if self.adds_channel else shape[3]))
        self.normalization.build((None, None, None, self.filters))

    def call(self, inputs: Any, training: bool = False) -> Any:
        if self.adds_channel:
            inputs = inputs[..., None]
        return tf.nn.relu(self.normalization(self.conv(inputs), training=training))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        channels = shape[3] if len(shape) == 4 else 1
        return self.conv.compute_output_shape((*shape[:3], channels))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "frames": self.frames,
            "width": self.width,
            "stride": self.stride,
            "frame_stride": self.frame_stride,
        }


@keras.saving.register_keras_serializable(package="stapes")
class BroadcastConv(keras.layers.Layer):
    """A convolution over frequency, and an SVDF layer over its mean over all frequencies.

    [batch, frames, frequencies, channels] -> [batch, frames - memory + 1, frequencies, filters].
    Only the SVDF layer looks back in time, so only `memory` x `filters` values are remembered. A
    dense layer follows the SVDF layer, and its outputs are added at every frequency. If the shape
    does not change, the input is added, too.

    Source: Kim et al. 2021, Broadcasted Residual Learning for Efficient Keyword Spotting, arXiv
    2106.04140; they use depthwise convolutions in place of the convolution and the SVDF layer.
    """

    def __init__(self, filters: int, *, memory: int, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conv = FrequencyConv(filters, stride=stride, name=f"{self.name}_frequency")
        self.svdf = SVDF(filters, memory=memory, batch_normalization=True, name=f"{self.name}_svdf")
        self.dense = keras.layers.Dense(filters, name=f"{self.name}_dense")
        self.adds_input = False

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.conv.build(shape)
        self.svdf.build((None, None, self.conv.filters))
        self.dense.build((None, None, self.conv.filters))
        self.adds_input = self.conv.stride == 1 and shape[3] == self.conv.filters

    def call(self, inputs: Any, training: bool = False) -> Any:
        local = self.conv(inputs, training=training)
        seen = self.svdf(tf.reduce_mean(local, axis=2), training=training)
        first = self.svdf.memory - 1
        outputs = _from_frame(local, first) + self.dense(seen)[:, :, None, :]
        return outputs + _from_frame(inputs, first) if self.adds_input else outputs

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        frames = None if shape[1] is None else shape[1] - self.svdf.memory + 1
        local = self.conv.compute_output_shape(shape)
        return (shape[0], frames, *local[2:])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.conv.filters,
            "memory": self.svdf.memory,
            "stride": self.conv.stride,
        }


@keras.saving.register_keras_serializable(package="stapes")
class FlattenFrames(keras.layers.Layer):
    """All values of a frame in one row: [batch, frames, frequencies, channels] ->
    [batch, frames, frequencies * channels]."""

    def call(self, inputs: Any) -> Any:
        return tf.reshape(inputs, [-1, *self.compute_output_shape(inputs.shape)[1:]])

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (shape[0], shape[1], shape[2] * shape[3])


@keras.saving.register_keras_serializable(package="stapes")
class LastFrames(keras.layers.Layer):
    """Keeps the last `count` frames: [batch, frames, features] -> [batch, count, features]."""

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, inputs: Any) -> Any:
        return inputs[:, -self.count :, :]

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[0], self.count, shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}
