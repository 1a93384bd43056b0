# SPDX-License-Identifier: Apache-2.0
"""The training loop: batches in, checkpoints and logs out."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.corpus.attribution import attribution_of, together
from stapes.corpus.augment import mask_randomly
from stapes.corpus.clips import LabelledClips, TrainingClips
from stapes.device.features import FeatureExtractor, choose_quantization
from stapes.errors import StapesError
from stapes.evaluation.confusion import Confusion
from stapes.files import check_output, held_alone, kept_folder
from stapes.networks.backend import tf
from stapes.networks.ends import at_every_end
from stapes.networks.registry import create_model
from stapes.progress import ProgressBar
from stapes.quantize.calibration import Ranges, calibrate
from stapes.quantize.layers import plain_layers
from stapes.quantize.simulate import SimulatedInt8, ranges_from_arrays, ranges_to_arrays
from stapes.training.cache import FeatureCache
from stapes.training.checkpoint import BEST_FILE_NAME, FILE_NAME, Checkpoint, assign
from stapes.training.cluster import Cluster
from stapes.training.corpus import Corpus
from stapes.training.distillation import Teacher
from stapes.training.history import History, Point
from stapes.training.nans import NanWatch
from stapes.training.prefetch import prefetch
from stapes.training.settings import TrainingSettings
from stapes.training.start import find_start
from stapes.training.step import compiled_step, evaluate, make_optimizer
from stapes.training.stopping import StopNote, StoppedTogether
from stapes.training.summaries import Summaries
from stapes.training.trunk import begin_with, freeze
from stapes.training.workers import Workers

Log = Callable[[str], None]
LOCK_NAME = ".training.lock"
_CALIBRATION_CLIPS = 2000
_RANGE_CLIPS = 500
_POINT_STEP_INTERVAL = 10


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a training is watched; nothing here changes the weights.

    Attributes:
        summaries_dir: folder for TensorBoard's event files; "" writes none.
        check_nans: name the first tensor that is not a number; steps take longer.
        log_step_interval: steps between two lines of the log.
        progress: show a bar.
    """

    summaries_dir: str | os.PathLike[str] = ""
    check_nans: bool = False
    log_step_interval: int = 50
    progress: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """Float accuracies of the trained model, 0 to 1, and how fast the training went.

    Of several workers only the `chief` has written anything.
    """

    checkpoint: Path
    validation_accuracy: float
    test: Confusion
    history: History
    steps_per_second: float
    chief: bool


def train(
    settings: TrainingSettings,
    *,
    data_dir: str | os.PathLike[str],
    train_dir: str | os.PathLike[str],
    start_checkpoint: str | os.PathLike[str] = "",
    trunk: str | os.PathLike[str] = "",
    teacher: str | os.PathLike[str] = "",
    hard_dir: str | os.PathLike[str] = "",
    command: str = "",
    options: RunOptions | None = None,
    log: Log = print,
) -> TrainingResult:
    """Trains a model; continues from train_dir's checkpoint, or begins at start_checkpoint.

    `trunk` is the checkpoint of a model; the new model begins with its first layers.

    `teacher` is the checkpoint of a model; the new model learns to give its scores.

    `hard_dir` is a folder of hard examples to train with (`stapes data mine`).

    `command` is kept in the checkpoint, and so in the model: how to train it again.

    With TF_CONFIG set, this is one worker of several; all of them see the same train_dir.

    Raises:
        StapesError: a corpus, checkpoint or folder that does not fit.
        KeyboardInterrupt: Ctrl-C, after the checkpoint has been written.
    """
    if teacher and settings.ends > 1:
        raise StapesError(
            f"--teacher and {settings.ends_flag}: a teacher answers only at the end of a clip; "
            "leave one of them out"
        )
    if trunk and start_checkpoint:
        raise StapesError(
            "--trunk and --start_checkpoint: both say where this training begins; leave one of "
            "them out"
        )
    if settings.frozen_layers and not (trunk or start_checkpoint):
        raise StapesError(
            f"--frozen_layers={settings.frozen_layers}: found no layers that have learnt anything, "
            "expected --trunk or --start_checkpoint; give one of them"
        )
    cluster, options = Cluster.of_environment(), options or RunOptions()
    if not cluster.is_chief:
        log, options = _nothing, RunOptions()
    if cluster.count > 1:
        log(f"Note: waiting for all {cluster.count} workers of TF_CONFIG")
    workers = Workers.of_environment()
    with ExitStack() as stack:
        folder = stack.enter_context(kept_folder(train_dir, shared=not cluster.is_chief))
        if cluster.is_chief:
            stack.enter_context(held_alone(folder / LOCK_NAME, what="a training"))
        path = check_output(folder / FILE_NAME)
        start = find_start(path, start_checkpoint, settings, trunk=trunk)
        with workers.scope():
            teaching = Teacher(teacher, settings) if teacher else None
        corpus = Corpus(data_dir, settings, hard_dir=hard_dir)
        for notice in corpus.notices():
            log(f"Note: {notice}")
        validation, testing = corpus.evaluation("validation"), corpus.evaluation("testing")
        log(f"Reading {len(corpus.index.wanted['training'])} training clips and the unknown words")
        origin = {
            "command": command,
            "data_dir": str(Path(data_dir).absolute()),
            "attribution": together(
                start.attribution, attribution_of(data_dir, *([hard_dir] if hard_dir else []))
            ),
            "began": start.began,
        }
        clips = _read_clips(corpus, options)
        if long := corpus.about_long():
            log(f"Note: {long}")
        with workers.scope():
            run = _Run(
                settings,
                clips,
                path=path,
                origin=origin,
                options=options,
                workers=workers,
                log=log,
                teacher=teaching,
            )
            if start.checkpoint:
                run.restore(start.checkpoint, source=str(start.source))
                log(f"Going on from step {start.checkpoint.step} of {start.source}")
            else:
                run.choose_quantization()
            if start.trunk:
                count = begin_with(run.model, start.trunk, source=str(start.source))
                log(f"Beginning with the first {count} layers of {start.source}")
            return run.finish(validation, testing)


def _nothing(line: str) -> None:
    """The log of workers that are not the chief."""


def _read_clips(corpus: Corpus, options: RunOptions) -> TrainingClips:
    with ProgressBar("Reading", 1) as bar:
        return corpus.training(progress=bar.update if options.progress else None)


class _Run:
    """One training from its first step, or from a checkpoint, to its last."""

    def __init__(
        self,
        settings: TrainingSettings,
        clips: TrainingClips,
        *,
        path: Path,
        origin: dict[str, str],
        options: RunOptions,
        workers: Workers,
        log: Log,
        teacher: Teacher | None = None,
    ) -> None:
        self._settings, self._clips, self._path, self._log = settings, clips, path, log
        self._workers, self._rows = workers, workers.rows(settings.batch_size)
        self._stop = StopNote()
        self._origin, self._options, self._teacher = origin, options, teacher
        self._history = History()
        self._progress = ProgressBar("", 0, out=io.StringIO())
        self._summaries: Summaries | None = None
        self._nan_watch: NanWatch | None = None
        self._cache = FeatureCache.beside(path)
        tf.config.experimental.enable_op_determinism()
        self.model = create_model(
            settings.architecture, settings.shape, settings.model, seed=settings.seed
        )
        freeze(self.model, settings.frozen_layers)
        self._optimizer = make_optimizer(settings)
        self._optimizer.build(self.model.trainable_variables)
        self._extractor: FeatureExtractor
        self._trained = self.model
        if settings.ends > 1:
            self._trained = at_every_end(self.model, settings.ends, flag=settings.ends_flag)
        self._train_step = compiled_step(self._trained, self._optimizer, settings, teacher)
        self._simulated: SimulatedInt8 | None = None
        self._check_exportable()

    def choose_quantization(self) -> None:
        """Chooses it from training clips; with a teacher, takes the teacher's quantization, so that
        the teacher hears the same as in its own training."""
        if self._teacher:
            quantization = self._teacher.quantization
        else:
            count = -(-_CALIBRATION_CLIPS // self._settings.batch_size)
            clips = np.concatenate([self._clips.batch(number).samples for number in range(count)])
            quantization = choose_quantization(self._settings.front_end, clips)
        self._extractor = FeatureExtractor(self._settings.front_end, quantization)

    def restore(self, checkpoint: Checkpoint, *, source: str) -> None:
        assign(self.model.variables, checkpoint.model, source=source)
        assign(self._optimizer.variables, checkpoint.optimizer, source=source)
        self._extractor = FeatureExtractor(self._settings.front_end, checkpoint.quantization)
        self._history = checkpoint.history.until(checkpoint.step)
        if self._settings.quantize and checkpoint.ranges:
            self._simulate_int8(ranges_from_arrays(checkpoint.ranges))

    def _check_exportable(self) -> None:
        """Looks for layers that cannot be exported: now, not after hours of training.

        Raises:
            StapesError: there are such layers, and int8 is to be simulated.
        """
        try:
            plain_layers(self.model)
        except StapesError as error:
            if self._settings.quantize:
                raise
            self._log(f"Note: {error} before you export this model")

    def _simulate_int8(self, ranges: list[Ranges]) -> None:
        self._simulated = SimulatedInt8(
            self.model, ranges, input_scale=self._extractor.quantization.scale
        )
        self._train_step = compiled_step(
            self._simulated, self._optimizer, self._settings, self._teacher
        )

    def _calibrated(self) -> list[Ranges]:
        """Ranges of the float model over training clips."""
        count = -(-_RANGE_CLIPS // self._settings.batch_size)
        clips = np.concatenate([self._clips.batch(number).samples for number in range(count)])
        return calibrate(plain_layers(self.model), self._heard(clips))

    def _heard(self, clips: np.ndarray, *, threads: int = 0) -> np.ndarray:
        """Features of training clips, float32 [clips, frames, features], without their leads."""
        features = self._extractor.real(clips, threads=threads)
        return features[:, self._settings.lead_frames :]

    def finish(self, validation: LabelledClips, testing: LabelledClips) -> TrainingResult:
        first, started = self._step, time.monotonic()
        try:
            self._train_until_end(validation)
        except StapesError:  # the training has gone wrong: the last checkpoint stays
            raise
        except BaseException as stop:
            if self._workers.count > 1 and not isinstance(stop, StoppedTogether):
                raise  # in the middle of a step, perhaps
            self._save()
            self._log(f"Stopped at step {self._step}; the same command goes on from there")
            raise
        seconds = time.monotonic() - started
        accuracy = self._evaluate(validation)[0].accuracy
        test, _ = self._evaluate(testing)
        self._log(f"Confusion matrix of the testing partition:\n{test.table(self._labels)}")
        self._log(f"Final test accuracy = {test.accuracy_text()}")
        self._save()
        return TrainingResult(
            checkpoint=self._path,
            validation_accuracy=accuracy,
            test=test,
            history=self._history,
            steps_per_second=(self._step - first) / max(seconds, 1e-9),
            chief=self._workers.is_chief,
        )

    @property
    def _step(self) -> int:
        """Steps done. The optimizer counts them when it updates the weights, so that after Ctrl-C
        at any moment the checkpoint has weights and steps that belong together."""
        return int(self._optimizer.iterations.numpy())

    @property
    def _labels(self) -> tuple[str, ...]:
        return self._settings.labels

    def _train_until_end(self, validation: LabelledClips) -> None:
        first, total = self._step, self._settings.schedule.total_steps
        if self._lacks_validation(first):  # stopped between the step and the end of its validation
            self._validate(first, validation)
        if self._is_over():
            return
        with closing(prefetch(self._batch, range(first, total))) as batches, self._watched(first):
            for step, batch in enumerate(batches, start=first + 1):
                if step == first + 1:
                    self._summarize_clips(step, batch)
                self._do_step(step, batch)
                if step % self._settings.save_step_interval == 0:
                    self._save()
                if validated := self._is_validated(step):
                    self._validate(step, validation)
                if self._workers.count == 1:  # several workers agree on it in their steps
                    self._stop.obey()
                if validated and self._is_over():
                    return

    def _is_validated(self, step: int) -> bool:
        total = self._settings.schedule.total_steps
        return step % self._settings.eval_step_interval == 0 or step == total

    def _lacks_validation(self, step: int) -> bool:
        done = any(point.step == step for point in self._history.validation)
        return step > 0 and self._is_validated(step) and not done

    def _do_step(self, step: int, batch: _Batch) -> None:
        """Step `step`, counted from 1."""
        if step > self._settings.float_steps and not self._simulated:
            self._simulate_int8(self._calibrated())
            self._history.judged_after = step - 1
            self._say(f"Step #{step}: from here on int8 is simulated (--quantize)")
        rate = self._settings.schedule.rate(step - 1)
        self._optimizer.learning_rate.assign(rate)
        if self._nan_watch:
            self._nan_watch.before_step()
        accuracy, loss, stopping = self._results(batch)
        if self._nan_watch and not (np.isfinite(loss) and self._nan_watch.finite()):
            raise self._not_finite(step, batch)
        if not np.isfinite(loss):
            raise self._diverged()
        self._progress.update(step)
        self._summarize(lambda to: to.step(step, accuracy=accuracy, cross_entropy=loss, rate=rate))
        if step % _POINT_STEP_INTERVAL == 0:
            self._history.training.append(Point(step=step, accuracy=accuracy, cross_entropy=loss))
        if (
            step % self._options.log_step_interval == 0
            or step == self._settings.schedule.total_steps
        ):
            self._say(
                f"Step #{step}: rate {rate:f}, accuracy {100 * accuracy:.1f}%"
                f", cross entropy {loss:f}"
            )
        if stopping:
            raise StoppedTogether

    def _results(self, batch: _Batch) -> tuple[float, float, bool]:
        """Makes a step; returns accuracy, cross entropy, and whether a worker shall stop.

        Raises:
            StapesError: another worker is gone.
        """
        if self._workers.count == 1:
            accuracy, loss = self._train_step(batch.features, batch.labels)
            return float(accuracy), float(loss), False
        try:
            results = self._train_step(batch.features, batch.labels, float(self._stop.asked))
        except tf.errors.OpError as error:
            raise StapesError(
                f"TF_CONFIG: lost another worker at step {self._step} "
                f"({type(error).__name__}), expected all {self._workers.count}; start them all "
                "again: they continue from the last checkpoint"
            ) from error
        accuracy, loss, stopping = map(float, results)
        return accuracy, loss, stopping > 0

    def _validate(self, step: int, validation: LabelledClips) -> None:
        confusion, loss = self._evaluate(validation)
        point = Point(step=step, accuracy=confusion.accuracy, cross_entropy=loss)
        self._history.validation.append(point)
        try:
            if self._history.is_best():
                self._save(self._path.with_name(BEST_FILE_NAME))
        except BaseException:  # this validation is made again
            self._history.validation.pop()
            raise
        self._say(f"Confusion Matrix:\n{confusion.table(self._labels)}")
        self._say(f"Step {step}: Validation accuracy = {confusion.accuracy_text()}")
        self._summarize(lambda to: to.validation(step, confusion, loss))

    def _is_over(self) -> bool:
        """Whether validation has not improved for as many evaluations as were allowed."""
        patience, best = self._settings.early_stopping_evaluations, self._history.best()
        if self._settings.quantize and not self._simulated:
            return False  # the best in int8 is still to come
        if not (patience and best and self._history.evaluations_since_best() >= patience):
            return False
        self._say(
            f"Stopped early: no validation better than {100 * best.accuracy:.1f}% of step "
            f"{best.step} in {patience} evaluations; {BEST_FILE_NAME} holds that step"
        )
        return True

    @contextmanager
    def _watched(self, first: int) -> Iterator[None]:
        """Progress bar, event files and check of numbers, as long as the training runs."""
        options, total = self._options, self._settings.schedule.total_steps
        if options.check_nans:
            self._nan_watch = NanWatch(self._trained, self._optimizer)
        with ExitStack() as stack:
            stack.enter_context(self._stop.taken())
            if options.progress:
                self._progress = stack.enter_context(ProgressBar("Training", total, done=first))
            if options.summaries_dir:
                self._summaries = Summaries(
                    options.summaries_dir, labels=self._labels, first_step=first + 1
                )
                stack.callback(self._summarize, Summaries.close)
            yield

    def _say(self, line: str) -> None:
        self._progress.clear()
        self._log(line)

    def _summarize_clips(self, step: int, batch: _Batch) -> None:
        rate = self._settings.front_end.sample_rate
        self._summarize(
            lambda to: to.clips(step, batch.samples, batch.features, batch.labels, sample_rate=rate)
        )

    def _summarize(self, write: Callable[[Summaries], None]) -> None:
        """Writes event files; if they cannot be written any more, the training goes on without."""
        if not self._summaries:
            return
        try:
            write(self._summaries)
        except StapesError as error:
            self._summaries = None
            self._say(f"Note: {error}: going on without --summaries_dir")

    def _batch(self, number: int) -> _Batch:
        batch, rows = self._clips.batch(number), self._rows
        features = self._heard(batch.samples[rows], threads=1)  # prefetch has many threads
        generator = np.random.default_rng([self._settings.seed, 2, number, rows.start])
        mask_randomly(features, self._settings.augmentation, generator)
        return _Batch(samples=batch.samples[rows], features=features, labels=batch.labels[rows])

    def _evaluate(self, clips: LabelledClips) -> tuple[Confusion, float]:
        """Confusion matrix and cross entropy."""
        stored = self._cache.stored(self._extractor, clips.samples)
        predicted, loss = evaluate(
            self._simulated or self.model,
            self._extractor.quantization.real(stored),
            clips.labels,
        )
        return Confusion.of(clips.labels, predicted, labels=len(self._labels)), loss

    def _diverged(self) -> StapesError:
        return StapesError(
            f"--learning_rate: found a loss or weights that are not numbers at step {self._step}, "
            f"expected finite ones; lower it, or see where they begin with --check_nans "
            f"(an earlier {self._path} stays as it is)"
        )

    def _not_finite(self, step: int, batch: _Batch) -> StapesError:
        assert self._nan_watch
        name = self._nan_watch.first_bad_tensor(batch.features, batch.labels)
        return StapesError(
            f"step {step}: found values that are not numbers in {name}, expected finite ones; "
            "lower "
            f"--learning_rate (an earlier {self._path} stays as it is)"
        )

    def _save(self, path: Path | None = None) -> None:
        checkpoint = Checkpoint(
            step=self._step,
            settings=self._settings,
            quantization=self._extractor.quantization,
            model=[variable.numpy() for variable in self.model.variables],
            optimizer=[variable.numpy() for variable in self._optimizer.variables],
            origin=self._origin,
            history=self._history,
            ranges=ranges_to_arrays(self._simulated.ranges) if self._simulated else [],
        )
        if not checkpoint.finite:
            raise self._diverged()
        if self._workers.is_chief:
            checkpoint.save(path or self._path)


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """int16 [batch, samples], float32 [batch, frames, features], int32 [batch]."""

    samples: np.ndarray
    features: np.ndarray
    labels: np.ndarray
