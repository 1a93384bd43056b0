# SPDX-License-Identifier: Apache-2.0
"""Models of TensorFlow's converter give the same bits as in upstream's runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from nn_models import assert_same_bytes, values

from stapes.device.engine import Engine

tf = pytest.importorskip("tensorflow")

FRAMES, FEATURES = 3, 40  # new ones per inference, as microWakeWord's v2 models take them
CHANNELS = (12, 20)  # of the two branches of a mixed convolution
KERNELS = (5, 9)
HELD = 6  # frames before the last layer
CASES = 40


class Ring(tf.Module):
    """Keeps the last frames from one inference to the next, and puts them before the new ones."""

    def __init__(self, frames: int, channels: int):
        super().__init__()
        self.state = tf.Variable(tf.zeros((1, frames, 1, channels)), trainable=False)

    def __call__(self, x: Any) -> Any:
        joined = tf.concat([self.state, x], axis=1)
        self.state.assign(joined[:, -self.state.shape[1] :])
        return joined


class MixedNetwork(tf.Module):
    """A strided convolution, a mixed depthwise one (SPLIT_V), a dense layer; it keeps variables."""

    def __init__(self) -> None:
        super().__init__()
        self.first_ring = Ring(2, FEATURES)
        self.first = self._layer((5, 1, FEATURES, sum(CHANNELS)))
        self.rings = [Ring(k - 1, c) for k, c in zip(KERNELS, CHANNELS, strict=True)]
        self.mixed = [self._layer((k, 1, c, 1)) for k, c in zip(KERNELS, CHANNELS, strict=True)]
        self.pointwise = self._layer((1, 1, sum(CHANNELS), 16))
        self.last_ring = Ring(HELD - 1, 16)
        self.dense = self._layer((HELD * 16, 1))

    def _layer(self, shape: tuple[int, ...]) -> Any:
        rng = np.random.default_rng(sum(shape))
        scale = 1.5 / np.sqrt(np.prod(shape[:-1]))
        return tf.constant(rng.normal(0, scale, shape), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec((1, FRAMES, FEATURES), tf.float32)])
    def __call__(self, features: Any) -> Any:
        x = self.first_ring(tf.expand_dims(features, 2))
        x = tf.nn.relu(tf.nn.conv2d(x, self.first, (1, 3, 3, 1), "VALID"))
        branches = tf.split(x, CHANNELS, axis=3)
        outputs = []
        for branch, ring, weights in zip(branches, self.rings, self.mixed, strict=True):
            outputs.append(tf.nn.depthwise_conv2d(ring(branch), weights, (1, 1, 1, 1), "VALID"))
        x = tf.nn.relu(tf.nn.conv2d(tf.concat(outputs, 3), self.pointwise, 1, "VALID"))
        x = tf.reshape(self.last_ring(x), (1, HELD * 16))
        return tf.sigmoid(tf.matmul(x, self.dense))


def recordings(shape: tuple[int, ...]) -> Callable[[], Iterator[list[np.ndarray]]]:
    def give() -> Iterator[list[np.ndarray]]:
        rng = np.random.default_rng(3)
        for _ in range(CASES):
            yield [rng.uniform(0, 26, shape).astype(np.float32)]

    return give


def convert_streaming(folder: str) -> bytes:
    """The settings that microWakeWord converts its models with."""
    network = MixedNetwork()
    tf.saved_model.save(network, folder, signatures=network.__call__)
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = {tf.lite.Optimize.DEFAULT}
    converter.target_spec.supported_ops = {tf.lite.OpsSet.TFLITE_BUILTINS_INT8}
    converter._experimental_variable_quantization = True
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.uint8
    converter.representative_dataset = recordings((1, FRAMES, FEATURES))
    return converter.convert()


def check(model: bytes, *, what: str) -> Engine:
    """Compares many inferences; they must not all give the same."""
    engine = Engine.from_bytes(model)
    rng = np.random.default_rng(7)
    inputs = [values(rng, engine.input_shape, engine.input_type) for _ in range(CASES)]
    assert_same_bytes(model, inputs, what=what)
    assert len({engine.invoke(frame).tobytes() for frame in inputs}) > 1
    return engine


def test_a_streaming_network_of_mixed_convolutions_equals_upstream(tmp_path):
    engine = check(convert_streaming(str(tmp_path / "saved")), what="mixed network")
    names = [entry["name"] for entry in engine.operators]
    assert {"SPLIT_V", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"} <= set(names)
    assert (engine.input_type, engine.output_type) == ("int8", "uint8")


def keras_network() -> Any:
    layers = tf.keras.layers
    network = tf.keras.Sequential(
        [
            tf.keras.Input((20, 6), batch_size=1),
            layers.Conv1D(8, 3, strides=2, activation="relu"),
            layers.Conv1D(8, 3, padding="same", activation="tanh"),
            layers.AveragePooling1D(2),
            layers.Flatten(),
            layers.Dense(4),
            layers.Softmax(),
        ]
    )
    rng = np.random.default_rng(1)
    network.set_weights([rng.normal(0, 0.3, w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_a_keras_model_of_one_dimension_equals_upstream(activations: str):
    converter = tf.lite.TFLiteConverter.from_keras_model(keras_network())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    sets = tf.lite.OpsSet
    wide = sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converter.target_spec.supported_ops = [
        wide if activations == "int16" else sets.TFLITE_BUILTINS_INT8
    ]
    converter.inference_input_type = converter.inference_output_type = getattr(tf, activations)
    converter.representative_dataset = recordings((1, 20, 6))
    engine = check(converter.convert(), what=f"Keras in {activations}")
    assert engine.input_type == activations
