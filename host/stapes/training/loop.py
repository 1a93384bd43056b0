"""The training loop: batches in, checkpoints and logs out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stapes.corpus.clips import LabelledClips, TrainingClips
from stapes.corpus.effects import mask_features
from stapes.errors import StapesError
from stapes.files import check_output
from stapes.models.backend import keras, tf
from stapes.models.registry import create_model
from stapes.training.checkpoint import FILE_NAME, Checkpoint, assign
from stapes.training.confusion import Confusion
from stapes.training.corpus import Corpus
from stapes.training.features import FeatureExtractor, choose_quantization
from stapes.training.prefetch import prefetch
from stapes.training.settings import TrainingSettings

Log = Callable[[str], None]
_LOG_STEP_INTERVAL = 50
_CALIBRATION_CLIPS = 2000


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """Float accuracies of the trained model, 0 to 1, and how fast the training went."""

    checkpoint: Path
    validation_accuracy: float
    test: Confusion
    steps_per_second: float


def train(
    settings: TrainingSettings,
    *,
    data_dir: str | os.PathLike[str],
    train_dir: str | os.PathLike[str],
    start_checkpoint: str | os.PathLike[str] = "",
    command: str = "",
    log: Log = print,
) -> TrainingResult:
    """Trains a model; goes on from train_dir's checkpoint, or from start_checkpoint.

    `command` is kept in the checkpoint, and so in the model: how to train it again.

    Raises:
        StapesError: a corpus, checkpoint or folder that does not fit.
        KeyboardInterrupt: Ctrl-C, after the checkpoint has been written.
    """
    path = check_output(_prepare_folder(train_dir) / FILE_NAME)
    source = Path(start_checkpoint) if start_checkpoint else path
    earlier = None
    if start_checkpoint or path.exists():
        earlier = Checkpoint.load(source)
        settings.check_continues(earlier.settings, source=str(source))
    corpus = Corpus(data_dir, settings)
    for notice in corpus.notices():
        log(f"Note: {notice}")
    validation, testing = corpus.evaluation("validation"), corpus.evaluation("testing")
    log(f"Reading {len(corpus.index.wanted['training'])} training clips and the unknown words")
    origin = {"command": command, "data_dir": str(Path(data_dir).absolute())}
    run = _Run(settings, corpus.training(), path=path, origin=origin, log=log)
    if earlier:
        run.restore(earlier, source=str(source))
        log(f"Going on from step {earlier.step} of {source}")
    else:
        run.choose_quantization()
    return run.finish(validation, testing)


class _Run:
    """One training from its first step, or from a checkpoint, to its last."""

    def __init__(
        self,
        settings: TrainingSettings,
        clips: TrainingClips,
        *,
        path: Path,
        origin: dict[str, str],
        log: Log,
    ) -> None:
        self._settings, self._clips, self._path, self._log = settings, clips, path, log
        self._origin = origin
        tf.config.experimental.enable_op_determinism()
        self.model = create_model(
            settings.architecture, settings.shape, settings.model, seed=settings.seed
        )
        self._optimizer = make_optimizer(settings)
        self._optimizer.build(self.model.trainable_variables)
        self._extractor: FeatureExtractor
        self._train_step = compiled_step(self.model, self._optimizer, settings)

    def choose_quantization(self) -> None:
        count = -(-_CALIBRATION_CLIPS // self._settings.batch_size)
        clips = np.concatenate([self._clips.batch(number).samples for number in range(count)])
        quantization = choose_quantization(self._settings.front_end, clips)
        self._extractor = FeatureExtractor(self._settings.front_end, quantization)

    def restore(self, checkpoint: Checkpoint, *, source: str) -> None:
        assign(self.model.variables, checkpoint.model, source=source)
        assign(self._optimizer.variables, checkpoint.optimizer, source=source)
        self._extractor = FeatureExtractor(self._settings.front_end, checkpoint.quantization)

    def finish(self, validation: LabelledClips, testing: LabelledClips) -> TrainingResult:
        first, started = self._step, time.monotonic()
        try:
            self._train_until_end(validation)
        except StapesError:  # the training has gone wrong: the last checkpoint stays
            raise
        except BaseException:
            self._save()
            self._log(f"Stopped at step {self._step}; the same command goes on from there")
            raise
        seconds = time.monotonic() - started
        accuracy = self._evaluate(validation).accuracy
        test = self._evaluate(testing)
        self._log(f"Confusion matrix of the testing partition:\n{test.table(self._labels)}")
        self._log(f"Final test accuracy = {100 * test.accuracy:.1f}% (N={test.total})")
        self._save()
        return TrainingResult(
            checkpoint=self._path,
            validation_accuracy=accuracy,
            test=test,
            steps_per_second=(self._step - first) / max(seconds, 1e-9),
        )

    @property
    def _step(self) -> int:
        """Steps done. The optimizer counts them together with its update of the weights, so that
        Ctrl-C at any moment leaves a checkpoint in which both agree."""
        return int(self._optimizer.iterations.numpy())

    @property
    def _labels(self) -> tuple[str, ...]:
        return self._settings.labels

    def _train_until_end(self, validation: LabelledClips) -> None:
        settings = self._settings
        first, total = self._step, settings.schedule.total_steps
        with closing(prefetch(self._batch, range(first, total))) as batches:
            for step, (features, labels) in enumerate(batches, start=first + 1):
                rate = settings.schedule.rate(step - 1)
                self._optimizer.learning_rate.assign(rate)
                accuracy, loss = self._train_step(features, labels)
                if not np.isfinite(loss):
                    raise self._diverged()
                if step % _LOG_STEP_INTERVAL == 0 or step == total:
                    self._log(
                        f"Step #{step}: rate {rate:f}, accuracy {100 * float(accuracy):.1f}%"
                        f", cross entropy {float(loss):f}"
                    )
                if step % settings.save_step_interval == 0:
                    self._save()
                if step % settings.eval_step_interval == 0 or step == total:
                    confusion = self._evaluate(validation)
                    self._log(f"Confusion Matrix:\n{confusion.table(self._labels)}")
                    self._log(
                        f"Step {step}: Validation accuracy = "
                        f"{100 * confusion.accuracy:.1f}% (N={confusion.total})"
                    )

    def _batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        batch = self._clips.batch(number)
        features = self._extractor.real(batch.samples)
        generator = np.random.default_rng([self._settings.seed, 2, number])
        return self._masked(features, generator), batch.labels

    def _masked(self, features: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """SpecAugment: one band of frames and one of channels per clip, at the batch's mean."""
        augmentation = self._settings.augmentation
        widest = augmentation.time_mask_frames, augmentation.frequency_mask_channels
        if widest == (0, 0):
            return features
        fill = float(features.mean())
        return np.stack(
            [
                mask_features(
                    clip,
                    frames=_random_band(clip.shape[0], widest[0], generator),
                    channels=_random_band(clip.shape[1], widest[1], generator),
                    fill=fill,
                )
                for clip in features
            ]
        )

    def _evaluate(self, clips: LabelledClips) -> Confusion:
        predicted = predict(self.model, self._extractor.real(clips.samples))
        return Confusion.of(clips.labels, predicted, labels=len(self._labels))

    def _diverged(self) -> StapesError:
        return StapesError(
            f"--learning_rate: found a loss or weights that are no numbers at step {self._step}, "
            f"expected finite ones; lower it (an earlier {self._path} stays as it is)"
        )

    def _save(self) -> None:
        checkpoint = Checkpoint(
            step=self._step,
            settings=self._settings,
            quantization=self._extractor.quantization,
            model=[variable.numpy() for variable in self.model.variables],
            optimizer=[variable.numpy() for variable in self._optimizer.variables],
            origin=self._origin,
        )
        if not checkpoint.finite:
            raise self._diverged()
        checkpoint.save(self._path)


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
    batches = range(0, len(features), batch_size)
    logits = [model(features[at : at + batch_size], training=False) for at in batches]
    return np.concatenate([np.argmax(batch, axis=-1) for batch in logits])


def compiled_step(model: Any, optimizer: Any, settings: TrainingSettings) -> Callable[..., Any]:
    """A function of float32 [batch, frames, features] and int32 labels [batch] that makes one
    step and returns accuracy and cross entropy of the batch before it."""
    labels = len(settings.labels)
    shape = settings.shape
    cross_entropy = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=settings.label_smoothing
    )

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, shape.frames, shape.features], tf.float32),
            tf.TensorSpec([None], tf.int32),
        ]
    )
    def step(features: Any, truth: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            logits = model(features, training=True)
            loss = cross_entropy(tf.one_hot(truth, labels), logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        right = tf.equal(tf.argmax(logits, -1, output_type=tf.int32), truth)
        return tf.reduce_mean(tf.cast(right, tf.float32)), loss

    return step


def _random_band(size: int, widest: int, generator: np.random.Generator) -> slice:
    width = int(generator.integers(min(widest, size) + 1))
    start = int(generator.integers(size - width + 1))
    return slice(start, start + width)


def _prepare_folder(folder: str | os.PathLike[str]) -> Path:
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StapesError(
            f"{path}: cannot be made ({error.strerror}), expected a folder for checkpoints; "
            "choose another --train_dir"
        ) from error
    return path
