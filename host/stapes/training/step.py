# SPDX-License-Identifier: Apache-2.0
"""One training step as a compiled function, the optimizers it applies, and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stapes.networks.backend import keras, tf
from stapes.training.distillation import Teacher
from stapes.training.pulses import pulse_loss
from stapes.training.settings import TrainingSettings


def make_optimizer(settings: TrainingSettings) -> Any:
    """The Keras optimizer of the settings; its rate is set before every step."""
    rate = settings.schedule.rates[0]
    if settings.optimizer == "gradient_descent":
        return keras.optimizers.SGD(rate)
    if settings.optimizer == "momentum":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)


def predict(model: Any, features: np.ndarray, *, batch_size: int = 500) -> np.ndarray:
    """Predicted label numbers [clips] of float32 [clips, frames, features]."""
    return np.argmax(_logits(model, features, batch_size), axis=-1)


def evaluate(
    model: Any, features: np.ndarray, labels: np.ndarray, *, batch_size: int = 500
) -> tuple[np.ndarray, float]:
    """Like `predict`; also the mean cross entropy against the true labels, int32 [clips]."""
    logits = _logits(model, features, batch_size)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return np.argmax(logits, axis=-1), float(tf.reduce_mean(losses))


def _logits(model: Any, features: np.ndarray, batch_size: int) -> np.ndarray:
    starts = range(0, len(features), batch_size)
    return np.concatenate([model(features[at : at + batch_size], training=False) for at in starts])


def compiled_step(
    model: Any, optimizer: Any, settings: TrainingSettings, teacher: Teacher | None = None
) -> Callable[..., Any]:
    """A function of float32 [batch, frames, features] and int32 labels [batch]. It makes one step
    and returns the batch's accuracy and loss from before this step. The loss is the cross entropy
    plus the losses of a teacher and of the peaks of a decoder, if there are any. For a model
    `at_every_end`, the cross entropy is the mean over the `end_frames` in the middle; the decoder
    hears all ends.

    With a distribution strategy, the batch is that of this worker, and the results are those of all
    workers. There is then a third input, 1 if this worker wants to stop, and a third result: the
    share of the workers that want to stop.
    """
    strategy = tf.distribute.get_strategy()
    labels, shape = len(settings.labels), settings.shape

    def step(features: Any, truth: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            answers = model(features, training=True)
            pace = frames_per_answer(answers, settings.ends)
            logits = in_the_middle(answers, settings.pulse_frames // pace)
            targets = at_each_end(truth, logits)
            losses = keras.losses.categorical_crossentropy(
                tf.one_hot(targets, labels),
                logits,
                from_logits=True,
                label_smoothing=settings.label_smoothing,
            )
            loss = tf.reduce_mean(losses)
            if teacher:
                loss = teacher.loss(features, logits, loss)
            if settings.pulse_weight:
                loss += settings.pulse_weight * pulse_loss(
                    answers, truth, average_frames=max(1, settings.pulse_average_frames // pace)
                )
            share = loss / strategy.num_replicas_in_sync  # the optimizer adds up all workers'
        gradients = tape.gradient(share, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        right = tf.equal(tf.argmax(logits, -1, output_type=tf.int32), targets)
        return tf.reduce_mean(tf.cast(right, tf.float32)), loss

    def step_of_all(features: Any, truth: Any, stopping: Any) -> tuple[Any, Any, Any]:
        results = [*strategy.run(step, args=(features, truth)), stopping]
        return tuple(strategy.reduce("MEAN", result, axis=None) for result in results)

    batch = [
        tf.TensorSpec([None, shape.frames + settings.ends - 1, shape.features], tf.float32),
        tf.TensorSpec([None], tf.int32),
    ]
    if tf.distribute.has_strategy():
        return tf.function(step_of_all, input_signature=[*batch, tf.TensorSpec([], tf.float32)])
    return tf.function(step, input_signature=batch)


def frames_per_answer(answers: Any, ends: int) -> int:
    """How many frames a network moves on from one answer to the next, if it gives [batch, answers,
    labels] over `ends` frames."""
    return 1 if ends == 1 else max(1, (ends - 1) // max(answers.shape[1] - 1, 1))


def in_the_middle(answers: Any, frames: int) -> Any:
    """Logits [batch, ends, labels] without the first `frames` and the last `frames` ends."""
    return answers[:, frames:-frames] if frames else answers


def at_each_end(truth: Any, logits: Any) -> Any:
    """Labels [batch], repeated as often as there are logits for them: [batch], or [batch, ends]."""
    return truth if logits.shape.rank == 2 else tf.repeat(truth[:, None], logits.shape[1], axis=1)
