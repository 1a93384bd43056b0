# SPDX-License-Identifier: Apache-2.0
"""Finds the first place where values are not finite numbers any more: `--check_nans`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from stapes.networks.backend import keras, tf
from stapes.training.step import at_each_end


class NanWatch:
    """Keeps the weights from before every step, so that a step that went wrong can be examined.

    The step is computed again with these weights, tensor by tensor, in the order of computation:
    features, outputs of layers, cross entropy, gradients from the last layer down, new weights.
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        self._model, self._optimizer = model, optimizer
        self._variables = [*model.variables, *optimizer.variables]
        self._kept: list[np.ndarray] = []

    def before_step(self) -> None:
        self._kept = [variable.numpy() for variable in self._variables]

    def finite(self) -> bool:
        """Whether every weight is a number."""
        return all(np.isfinite(variable.numpy()).all() for variable in self._model.variables)

    def first_bad_tensor(self, features: np.ndarray, labels: np.ndarray) -> str:
        """The name of the first tensor of the last step with a NaN or an infinity in it; sets the
        weights back to their values before that step.

        Args:
            features: of the step's batch, float32 [batch, frames, features].
            labels: int32 [batch].
        """
        after = {variable.path: variable.numpy() for variable in self._model.variables}
        for variable, value in zip(self._variables, self._kept, strict=True):
            variable.assign(value)
        for name, tensor in self._tensors(features, labels):
            if not np.isfinite(tensor).all():
                return name
        bad = (path for path, value in after.items() if not np.isfinite(value).all())
        return f"new value of {next(bad, 'no variable')}"

    def _tensors(self, features: np.ndarray, labels: np.ndarray) -> Iterator[tuple[str, Any]]:
        yield "features", features
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            named = list(self._outputs(tf.constant(features)))
            logits = named[-1][1]
            truth = at_each_end(tf.constant(labels), logits)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits)
            loss = tf.reduce_mean(losses)
        yield from named
        yield "cross entropy", loss
        gradients = tape.gradient(loss, variables)
        for variable, gradient in reversed(list(zip(variables, gradients, strict=True))):
            if gradient is not None:
                yield f"gradient of {variable.path}", tf.convert_to_tensor(gradient)

    def _outputs(self, features: Any) -> Iterator[tuple[str, Any]]:
        """The outputs of all layers if the model is a graph of layers, otherwise of the model."""
        layers = self._model.layers
        try:
            apart = keras.Model(self._model.inputs, [layer.output for layer in layers])
        except (AttributeError, ValueError):
            yield "output of the model", self._model(features, training=True)
            return
        outputs = apart(features, training=True)
        for layer, output in zip(layers, tf.nest.flatten(outputs), strict=True):
            yield f"output of layer {layer.name}", output
