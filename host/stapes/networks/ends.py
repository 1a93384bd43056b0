# SPDX-License-Identifier: Apache-2.0
"""A streaming network over clips that are longer than its memory: answers at several frames."""

from __future__ import annotations

import math
from typing import Any

from stapes.errors import StapesError
from stapes.networks.backend import keras
from stapes.networks.layers import (
    SVDF,
    BroadcastConv,
    FlattenFrames,
    FrequencyConv,
    LastFrames,
    ResidualSVDF,
)

_BY_FRAME = (
    SVDF,
    ResidualSVDF,
    FrequencyConv,
    BroadcastConv,
    FlattenFrames,
    keras.layers.Dense,
    keras.layers.Dropout,
)


def at_every_end(model: Any, ends: int, *, flag: str = "--end_frames") -> Any:
    """The same layers with the same weights, over clips that are `ends` - 1 frames longer.

    [batch, frames + ends - 1, features] -> logits [batch, ends, labels]: the logits that the model
    gives if the clip ends at each of the last `ends` frames. If the model runs only at every n-th
    frame, there are fewer: at the last of these frames, and at every n-th before it. Errors name
    `flag`.

    Raises:
        StapesError: a network that sees whole clips at once.
    """
    _, frames, features = model.input_shape
    stride = math.prod(getattr(layer, "frame_stride", 1) for layer in model.layers)
    answers = 1 + (ends - 1) // stride
    inputs = keras.Input((frames + ends - 1, features))
    outputs = inputs
    for layer in model.layers:
        if isinstance(layer, LastFrames):
            outputs = LastFrames(layer.count + (answers - 1) * stride)(outputs)
        elif isinstance(layer, _BY_FRAME):
            outputs = layer(outputs)
        elif isinstance(layer, keras.layers.InputLayer):
            continue
        elif not isinstance(layer, keras.layers.Flatten) or outputs.shape[1] != answers:
            raise StapesError(
                f"{flag}: found a network that takes whole clips, expected a "
                "streaming one; choose --model_architecture svdf, residual_svdf or broadcast_svdf, "
                "or leave the flag out"
            )
    return keras.Model(inputs, outputs, name=model.name)
