"""A trained Keras model as plain float64 arrays: what the exporter calibrates and quantizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stapes.errors import StapesError
from stapes.models.backend import keras
from stapes.models.layers import SVDF, LastFrames, ResidualSVDF


@dataclass(frozen=True, kw_only=True)
class SvdfLayer:
    """`feature` [filters, features], `time` [filters, memory] oldest frame first, `bias` [units];
    filters are unit by unit, `rank` of them each. Its activation is ReLU."""

    name: str
    feature: np.ndarray
    time: np.ndarray
    bias: np.ndarray

    @property
    def rank(self) -> int:
        return len(self.time) // len(self.bias)

    @property
    def memory(self) -> int:
        return self.time.shape[1]

    def states(self, inputs: np.ndarray) -> np.ndarray:
        """[clips, frames, features] -> what is remembered, [clips, frames, filters]."""
        return inputs @ self.feature.T

    def outputs(self, states: np.ndarray) -> np.ndarray:
        """[clips, frames, filters] -> [clips, frames - memory + 1, units]."""
        frames = states.shape[1] - self.memory + 1
        ages = range(self.memory)
        filtered = sum(states[:, age : age + frames] * self.time[:, age] for age in ages)
        summed = filtered.reshape(len(states), frames, len(self.bias), self.rank).sum(-1)
        return np.maximum(summed + self.bias, 0)


@dataclass(frozen=True, kw_only=True)
class DenseLayer:
    """`weights` [outputs, inputs], `bias` [outputs], applied to every frame."""

    name: str
    weights: np.ndarray
    bias: np.ndarray
    relu: bool

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """[clips, frames, inputs] -> [clips, frames, outputs]."""
        result = inputs @ self.weights.T + self.bias
        return np.maximum(result, 0) if self.relu else result


@dataclass(frozen=True, kw_only=True)
class AddLayer:
    """Adds what went into the layer `back` places before this one."""

    name: str
    back: int

    def outputs(self, inputs: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        """[clips, frames, width] and [clips, that many frames or more, width] -> their sum at
        the last `frames` frames."""
        return inputs + earlier[:, -inputs.shape[1] :]


Layer = SvdfLayer | DenseLayer | AddLayer


def plain_layers(model: Any) -> list[Layer]:
    """The layers of a streaming Keras model, normalization folded in.

    Raises:
        StapesError: a layer that has no streaming twin here.
    """
    return [plain for layer in model.layers for plain in _plain(layer)]


def _plain(layer: Any) -> list[Layer]:
    ignored = (keras.layers.Dropout, keras.layers.Flatten, keras.layers.InputLayer, LastFrames)
    if isinstance(layer, ignored):
        return []
    if isinstance(layer, SVDF):
        feature, time, bias = layer.folded()
        return [SvdfLayer(name=layer.name, feature=feature, time=time, bias=bias)]
    if isinstance(layer, ResidualSVDF):
        branch = [*_plain(layer.svdf), *_plain(layer.dense)]
        return [*branch, AddLayer(name=f"{layer.name}_add", back=len(branch))]
    if isinstance(layer, keras.layers.Dense):
        activation = keras.activations.serialize(layer.activation)
        if activation in ("linear", "relu"):
            weights = layer.kernel.numpy().T.astype(np.float64)
            bias = layer.bias.numpy() if layer.use_bias else np.zeros(len(weights))
            return [
                DenseLayer(
                    name=layer.name,
                    weights=weights,
                    bias=bias.astype(np.float64),
                    relu=activation == "relu",
                )
            ]
    raise StapesError(
        f"layer {layer.name!r}: found a {type(layer).__name__}, expected SVDF or Dense (linear or "
        "relu) in a model to export; change the architecture"
    )
