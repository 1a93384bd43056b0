# SPDX-License-Identifier: Apache-2.0
"""A streaming network over clips longer than it remembers: its answers at several frames."""

from __future__ import annotations

from typing import Any

from stapes.errors import StapesError
from stapes.networks.backend import keras
from stapes.networks.layers import SVDF, LastFrames, ResidualSVDF

_BY_FRAME = (SVDF, ResidualSVDF, keras.layers.Dense, keras.layers.Dropout)


def at_every_end(model: Any, ends: int, *, flag: str = "--end_frames") -> Any:
    """The same layers, weights and all, over clips that are `ends` - 1 frames longer.

    [batch, frames + ends - 1, features] -> logits [batch, ends, labels]: those that the model
    gives when the clip ends at each of the last `ends` frames. `flag` is named in errors.

    Raises:
        StapesError: a network that sees whole clips at once.
    """
    _, frames, features = model.input_shape
    inputs = keras.Input((frames + ends - 1, features))
    outputs = inputs
    for layer in model.layers:
        if isinstance(layer, LastFrames):
            outputs = LastFrames(layer.count + ends - 1)(outputs)
        elif isinstance(layer, _BY_FRAME):
            outputs = layer(outputs)
        elif isinstance(layer, keras.layers.InputLayer):
            continue
        elif not isinstance(layer, keras.layers.Flatten) or outputs.shape[1] != ends:
            raise StapesError(
                f"{flag}: found a network that takes whole clips, expected a "
                "streaming one; choose --model_architecture svdf or residual_svdf, or leave the "
                "flag out"
            )
    return keras.Model(inputs, outputs, name=model.name)
