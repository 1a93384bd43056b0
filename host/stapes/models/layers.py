"""The layers that models are made of, each with a streaming twin in TensorFlow Lite."""

from __future__ import annotations

from typing import Any

from stapes.models.backend import keras, tf


def _kernel(time: Any, feature: Any) -> Any:
    """time [memory, units, rank] times feature [features, units, rank], summed over rank:
    [memory * features, units]."""
    products = [
        time[:, None, :, number] * feature[None, :, :, number] for number in range(time.shape[-1])
    ]
    return tf.reshape(tf.add_n(products), [-1, time.shape[1]])


def _whole_clip(inputs: Any, time: Any, feature: Any) -> Any:
    """[batch, memory, features] times the kernel: [batch, units]."""
    return tf.matmul(
        tf.reshape(inputs, [-1, time.shape[0] * feature.shape[0]]), _kernel(time, feature)
    )


def _filter_gradients(inputs: Any, time: Any, feature: Any, upstream: Any) -> tuple[Any, Any]:
    memory, features, units = time.shape[0], feature.shape[0], time.shape[1]
    flat = tf.reshape(inputs, [-1, memory * features])
    kernel = tf.reshape(tf.matmul(flat, upstream, transpose_a=True), [memory, features, units])
    ranks = range(time.shape[-1])
    by_time = [tf.reduce_sum(kernel * feature[None, :, :, rank], axis=1) for rank in ranks]
    by_feature = [tf.reduce_sum(kernel * time[:, None, :, rank], axis=0) for rank in ranks]
    return tf.stack(by_time, axis=-1), tf.stack(by_feature, axis=-1)


# XLA makes one pass over the kernel of what are six here, forwards and backwards.
_compiled_whole_clip = tf.function(_whole_clip, jit_compile=True)
_compiled_filter_gradients = tf.function(_filter_gradients, jit_compile=True)


@tf.custom_gradient
def _trained_whole_clip(inputs: Any, time: Any, feature: Any) -> Any:
    """`_whole_clip` for training, where all batches are of one size and so worth compiling for."""

    def gradient(upstream: Any) -> tuple[Any, Any, Any]:
        # TensorFlow leaves the first one out where nothing below is trained.
        by_inputs = tf.matmul(upstream, _kernel(time, feature), transpose_b=True)
        by_filters = _compiled_filter_gradients(inputs, time, feature, upstream)
        return tf.reshape(by_inputs, tf.shape(inputs)), *by_filters

    return _compiled_whole_clip(inputs, time, feature), gradient


@keras.saving.register_keras_serializable(package="stapes")
class SVDF(keras.layers.Layer):
    """A layer of filters, each a product of one over features and one over time.

    [batch, frames, features] -> [batch, frames - memory + 1, units]: only frames for which the
    memory is full come out, so the last one equals that of a stream.

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
        output = self._last_frame(inputs, training) if whole_clip else self._frames(inputs)
        if self.normalization is None:
            output = output + self.bias
        else:
            output = self.normalization(output, training=training)
        return tf.nn.relu(output)

    def _last_frame(self, inputs: Any, training: bool) -> Any:
        """One output frame: filters over features, time and rank multiplied out to one matrix,
        which is cheaper than filtering every frame of every clip of a batch."""
        filters = (
            tf.reshape(weights, [-1, self.units, self.rank])
            for weights in (self.time_weights, self.feature_weights)
        )
        multiply = _trained_whole_clip if training else _whole_clip
        return multiply(inputs, *filters)[:, None, :]

    def _frames(self, inputs: Any) -> Any:
        """All output frames: filtered over features, then over time, then summed over rank."""
        filtered = tf.matmul(inputs, self.feature_weights)
        output = tf.nn.depthwise_conv2d(
            filtered[:, :, None, :],
            self.time_weights[:, None, :, None],
            strides=[1, 1, 1, 1],
            padding="VALID",
        )[:, :, 0, :]
        if self.rank == 1:
            return output
        return tf.reduce_sum(
            tf.reshape(output, [-1, output.shape[1], self.units, self.rank]), axis=-1
        )

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[0], shape[1] - self.memory + 1, self.units)

    def folded(self, dtype: str = "float64") -> tuple[Any, Any, Any]:
        """Tensors that follow the variables: feature filters [filters, features], time filters
        [filters, memory] oldest frame first, bias [units]; the normalization inside them."""
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
    """An SVDF layer, a dense one back to the width of the input, and the input added.

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
        return inputs[:, self.svdf.memory - 1 :, :] + branch

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[0], shape[1] - self.svdf.memory + 1, shape[2])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.svdf.units,
            "memory": self.svdf.memory,
            "rank": self.svdf.rank,
        }


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
