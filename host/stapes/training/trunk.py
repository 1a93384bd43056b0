# SPDX-License-Identifier: Apache-2.0
"""The first layers of an earlier training, with which a network for other words begins.

Such layers have heard many people say many words. What they know of speech helps a network that
learns its own words from a few voices.
"""

from __future__ import annotations

import os
from typing import Any

from stapes.errors import StapesError
from stapes.training.checkpoint import Checkpoint
from stapes.training.settings import TrainingSettings


def load_trunk(path: str | os.PathLike[str], settings: TrainingSettings) -> Checkpoint:
    """Raises:
    StapesError: no checkpoint, or one with another front end or another kind of network.
    """
    trunk = Checkpoint.load(path)
    settings.check_same_sound(trunk.settings, source=str(path), remedy="leave out --trunk")
    return trunk


def begin_with(model: Any, trunk: Checkpoint, *, source: str) -> int:
    """Sets layers of `model` to the weights of the trunk: from the first layer on, as long as the
    shapes are equal, and never the last layer, which tells words apart. Returns how many layers
    with weights were set.

    Raises:
        StapesError: not even the first layer has these shapes.
    """
    at, count = 0, 0
    for layer in _with_weights(model)[:-1]:
        arrays = trunk.model[at : at + len(layer.variables)]
        if [array.shape for array in arrays] != [tuple(one.shape) for one in layer.variables]:
            break
        for variable, array in zip(layer.variables, arrays, strict=True):
            variable.assign(array)
        at, count = at + len(arrays), count + 1
    if not count:
        raise StapesError(
            f"{source}: found a first layer of other shapes than this network's, expected the "
            "same; give the flags of the network with which it was trained, or leave out --trunk"
        )
    return count


def freeze(model: Any, count: int) -> None:
    """Freezes the first `count` layers with weights, and their normalization.

    Raises:
        StapesError: no layer would be left to learn.
    """
    layers = _with_weights(model)
    if count >= len(layers):
        raise StapesError(
            f"--frozen_layers={count}: expected fewer than the {len(layers)} layers with weights "
            "of this network; lower it"
        )
    for layer in layers[:count]:
        layer.trainable = False


def _with_weights(model: Any) -> list[Any]:
    return [layer for layer in model.layers if layer.variables]
