# SPDX-License-Identifier: Apache-2.0
"""Depthwise separable convolutions: the keyword spotting network of MLPerf Tiny."""

from __future__ import annotations

from typing import Any

from stapes.networks.backend import keras
from stapes.networks.options import ModelOptions, ModelShape

_FILTERS = 64
_BLOCKS = 4


def ds_cnn(shape: ModelShape, options: ModelOptions) -> Any:
    """One convolution of stride 2, four depthwise separable ones, the average over the clip.

    With 49 frames of 10 features and 12 labels it has the 24,908 parameters of the benchmark.
    `--dropout` is the second of its two dropout rates; the first is half of it.
    Source: Zhang et al., Hello Edge: Keyword Spotting on Microcontrollers, arXiv 1711.07128; layers
    as in MLPerf Tiny's benchmark/training/keyword_spotting.
    """
    dropout = 0.4 if options.dropout < 0 else options.dropout
    layers = [
        keras.Input((shape.frames, shape.features)),
        keras.layers.Reshape((shape.frames, shape.features, 1)),
        *_normalized(
            keras.layers.Conv2D(_FILTERS, (10, 4), strides=2, padding="same", name="conv"), "conv"
        ),
        keras.layers.Dropout(dropout / 2),
    ]
    for number in range(1, _BLOCKS + 1):
        layers += _separable(number)
    rows, columns = -(-shape.frames // 2), -(-shape.features // 2)
    layers += [
        keras.layers.Dropout(dropout),
        keras.layers.AveragePooling2D((rows, columns), name="average"),
        keras.layers.Flatten(),
        keras.layers.Dense(shape.labels, name="final_fc"),
    ]
    return keras.Sequential(layers, name="ds_cnn")


def _separable(number: int) -> list[Any]:
    """A convolution of 3x3 within each channel, then one across channels at each place."""
    depthwise, pointwise = f"depthwise_{number}", f"pointwise_{number}"
    return [
        *_normalized(
            keras.layers.DepthwiseConv2D((3, 3), padding="same", name=depthwise), depthwise
        ),
        *_normalized(keras.layers.Conv2D(_FILTERS, (1, 1), name=pointwise), pointwise),
    ]


def _normalized(layer: Any, name: str) -> list[Any]:
    # A faster average than Keras' default: a training may have only a few hundred steps.
    norm = keras.layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")
    return [layer, norm, keras.layers.ReLU(name=f"{name}_relu")]
