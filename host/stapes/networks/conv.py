# SPDX-License-Identifier: Apache-2.0
"""The tutorial's networks that look at a whole clip at once: one dense layer, or convolutions.

Source of shapes and initial weights: TensorFlow's speech_commands/models.py. Kernels are given as
(frames, features).
"""

from __future__ import annotations

from typing import Any

from stapes.errors import StapesError
from stapes.networks.backend import keras
from stapes.networks.options import ModelOptions, ModelShape

_TUTORIALS_DROPOUT = 0.5
_INITIAL_DEVIATION = 0.01


def single_fc(shape: ModelShape, options: ModelOptions) -> Any:
    """One dense layer from all features of a clip to the labels; without dropout."""
    return keras.Sequential(
        [
            keras.Input((shape.frames, shape.features)),
            keras.layers.Flatten(),
            _dense(shape.labels, "final_fc", deviation=0.001),
        ],
        name="single_fc",
    )


def conv(shape: ModelShape, options: ModelOptions) -> Any:
    """Two convolutions with pooling between them (cnn-trad-fpool3).

    At the tutorial's settings (98 frames of 40 features, 12 labels): 926,860 parameters.
    Source: Sainath and Parada, Convolutional Neural Networks for Small-footprint Keyword Spotting,
    Interspeech 2015.
    """
    layers = [
        _conv(64, (20, 8), "first_conv"),
        _dropout(options),
        keras.layers.MaxPooling2D((2, 2), padding="same", name="max_pool"),
        _conv(64, (10, 4), "second_conv"),
        _dropout(options),
    ]
    return _image_network("conv", shape, layers)


def low_latency_conv(shape: ModelShape, options: ModelOptions) -> Any:
    """One convolution as long as the clip, then three dense layers (cnn-one-fstride4).

    At the tutorial's settings: 949,862 parameters. Source: as `conv`.

    Raises:
        StapesError: fewer features than the kernel spans.
    """
    _require(shape, features=8, name="low_latency_conv")
    layers = [
        _conv(186, (shape.frames, 8), "first_conv", padding="valid"),
        _dropout(options),
        keras.layers.Flatten(),
        _dense(128, "first_fc"),
        _dropout(options),
        _dense(128, "second_fc"),
        _dropout(options),
    ]
    return _image_network("low_latency_conv", shape, layers)


def tiny_conv(shape: ModelShape, options: ModelOptions) -> Any:
    """One convolution of 8 filters: small enough for any microcontroller.

    With 49 frames of 40 features and 4 labels: 16,652 parameters.
    """
    layers = [_conv(8, (10, 8), "first_conv", strides=(2, 2)), _dropout(options)]
    return _image_network("tiny_conv", shape, layers)


def tiny_embedding_conv(shape: ModelShape, options: ModelOptions) -> Any:
    """`tiny_conv` with a second convolution, so that the dense layer becomes small."""
    layers = [
        _conv(8, (10, 8), "first_conv", strides=(2, 2)),
        _dropout(options),
        _conv(8, (10, 8), "second_conv", strides=(8, 8)),
        _dropout(options),
    ]
    return _image_network("tiny_embedding_conv", shape, layers)


def _image_network(name: str, shape: ModelShape, layers: list[Any]) -> Any:
    """A network of `layers`: before them, the features become an image of one channel; after them
    comes a dense layer of labels."""
    return keras.Sequential(
        [
            keras.Input((shape.frames, shape.features)),
            keras.layers.Reshape((shape.frames, shape.features, 1)),
            *layers,
            keras.layers.Flatten(),
            _dense(shape.labels, "final_fc"),
        ],
        name=name,
    )


def _conv(
    filters: int,
    kernel: tuple[int, int],
    name: str,
    *,
    strides: tuple[int, int] = (1, 1),
    padding: str = "same",
) -> Any:
    return keras.layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding=padding,
        activation="relu",
        kernel_initializer=_initial_weights(_INITIAL_DEVIATION),
        name=name,
    )


def _dense(units: int, name: str, *, deviation: float = _INITIAL_DEVIATION) -> Any:
    return keras.layers.Dense(units, kernel_initializer=_initial_weights(deviation), name=name)


def _initial_weights(deviation: float) -> Any:
    return keras.initializers.TruncatedNormal(stddev=deviation)


def _dropout(options: ModelOptions) -> Any:
    rate = _TUTORIALS_DROPOUT if options.dropout < 0 else options.dropout
    return keras.layers.Dropout(rate)


def _require(shape: ModelShape, *, features: int, name: str) -> None:
    if shape.features < features:
        raise StapesError(
            f"--model_architecture={name}: found {shape.features} features per frame, expected "
            f"{features} or more; raise --feature_bin_count"
        )
