# SPDX-License-Identifier: Apache-2.0
"""A teacher: a trained model; a smaller model learns to give the same scores.

Source: Hinton et al. 2015, Distilling the Knowledge in a Neural Network, arXiv 1503.02531.
"""

from __future__ import annotations

import os
from typing import Any

from stapes.device.features import Quantization
from stapes.errors import StapesError
from stapes.networks.backend import tf
from stapes.networks.registry import create_model
from stapes.training.checkpoint import Checkpoint, assign
from stapes.training.settings import TrainingSettings

# What must be equal in a teacher and its pupil, so that both hear and name the same.
_COMMON = ("front_end", "clip_duration_ms", "labels")


class Teacher:
    """The model of a checkpoint, its weights fixed."""

    def __init__(self, checkpoint_file: str | os.PathLike[str], pupil: TrainingSettings) -> None:
        """Raises:
        StapesError: no checkpoint, or its labels or features are not those of the pupil.
        """
        checkpoint = Checkpoint.load(checkpoint_file)
        settings = checkpoint.settings
        for name in _COMMON:
            found, expected = getattr(settings, name), getattr(pupil, name)
            if found != expected:
                raise StapesError(
                    f"--teacher={checkpoint_file}: found a model with {name} {found}, expected "
                    f"{expected} as here; choose a teacher of the same words and features"
                )
        model = create_model(settings.architecture, settings.shape, settings.model)
        assign(model.variables, checkpoint.model, source=str(checkpoint_file))
        model.trainable = False
        self._model = model
        self._weight = pupil.teacher_weight
        self._temperature = pupil.teacher_temperature
        self.shape = (settings.shape.frames, settings.shape.features)
        self.quantization: Quantization = checkpoint.quantization

    def loss(self, features: Any, logits: Any, cross_entropy: Any) -> Any:
        """The pupil's loss: that of the truth, `cross_entropy`, and that of the teacher's scores.

        The second loss is scaled by the square of the temperature, so that the gradients of both
        losses have the same size at any temperature.
        """
        taught = tf.nn.softmax(self._model(features, training=False) / self._temperature)
        imitation = tf.nn.softmax_cross_entropy_with_logits(taught, logits / self._temperature)
        scaled = self._temperature**2 * tf.reduce_mean(imitation)
        return (1 - self._weight) * cross_entropy + self._weight * scaled
