"""All that decides how a model is trained; stored inside every checkpoint."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import json
import math
from dataclasses import dataclass, field
from typing import Any

from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.index import CorpusSettings
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, settings_from_dict
from stapes.networks.options import ModelOptions, ModelShape

OPTIMIZERS = ("gradient_descent", "momentum", "adamw")
LEARNING_RATE_DECAYS = ("none", "cosine")
# What must not change when a training goes on from a checkpoint.
_FIXED = ("corpus", "front_end", "clip_duration_ms", "architecture", "model", "optimizer")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Stages of training: steps[i] steps at learning rate rates[i], as in the tutorial.

    `decay` "cosine" lets the rate of the last stage fall to zero along half a cosine.
    """

    steps: tuple[int, ...] = (15000, 3000)
    rates: tuple[float, ...] = (0.001, 0.0001)
    decay: str = "none"
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        if len(self.steps) != len(self.rates) or not self.steps:
            raise StapesError(
                "--how_many_training_steps and --learning_rate: found "
                f"{len(self.steps)} and {len(self.rates)} numbers, expected lists of equal length; "
                "give both flags (without them: 15000,3000 and 0.001,0.0001)"
            )
        if min(self.steps) < 1 or not all(0 < rate < math.inf for rate in self.rates):
            raise StapesError(
                "--how_many_training_steps and --learning_rate: expected numbers above 0"
            )
        if not 0 <= self.warmup_steps <= 10**9:
            raise StapesError(f"--warmup_steps={self.warmup_steps}: expected 0 to 1000000000")
        if self.decay not in LEARNING_RATE_DECAYS:
            raise StapesError(
                f"--learning_rate_decay={self.decay}: expected {' or '.join(LEARNING_RATE_DECAYS)}"
            )

    @property
    def total_steps(self) -> int:
        return sum(self.steps)

    def rate(self, step: int) -> float:
        """Learning rate of step `step`, counted from 0."""
        ends = list(itertools.accumulate(self.steps))
        stage = min(bisect.bisect_right(ends, step), len(ends) - 1)
        rate = self.rates[stage] * min(1.0, (step + 1) / (self.warmup_steps + 1))
        if self.decay == "cosine" and stage == len(ends) - 1:
            done = (step - (ends[stage] - self.steps[stage])) / self.steps[stage]
            rate *= 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
        return rate


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Everything that `stapes train` was told, but for the folders."""

    corpus: CorpusSettings
    front_end: FrontEndSettings = field(default_factory=FrontEndSettings)
    clip_duration_ms: int = 1000
    augmentation: AugmentSettings = field(default_factory=AugmentSettings)
    architecture: str = "svdf"
    model: ModelOptions = field(default_factory=ModelOptions)
    schedule: Schedule = field(default_factory=Schedule)
    optimizer: str = "adamw"
    label_smoothing: float = 0.0
    weight_decay: float = 0.004
    teacher_weight: float = 0.7
    teacher_temperature: float = 2.0
    batch_size: int = 100
    end_frames: int = 1
    eval_step_interval: int = 400
    save_step_interval: int = 100
    early_stopping_evaluations: int = 0
    quantize: bool = False
    quantize_delay: int = -1
    seed: int = 59185

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise StapesError(f"--optimizer={self.optimizer}: expected {', '.join(OPTIMIZERS)}")
        limits = {
            "batch_size": (1, 10_000),
            "end_frames": (1, 1000),
            "eval_step_interval": (1, 10**9),
            "save_step_interval": (1, 10**9),
            "early_stopping_evaluations": (0, 10**9),
            "clip_duration_ms": (1, 60_000),
            "weight_decay": (0, 1),
            "teacher_weight": (0, 1),
            "teacher_temperature": (0.1, 100),
            "quantize_delay": (-1, self.schedule.total_steps - 1),
            "seed": (0, 2**32 - 1),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise StapesError(f"--{name}={getattr(self, name)}: expected {low} to {high}")
        if not 0 <= self.label_smoothing < 1:
            raise StapesError(f"--label_smoothing={self.label_smoothing:g}: expected 0 to below 1")
        if self.quantize and self.end_frames > 1:
            raise StapesError(
                "--quantize and --end_frames: int8 is simulated at the end of a clip alone; leave "
                "one of them out, or train with --quantize from this training's checkpoint"
            )
        if self.clip_frames < 1:
            raise StapesError(
                f"--clip_duration_ms={self.clip_duration_ms}: found no whole frame in a clip, "
                f"expected at least --window_size_ms={self.front_end.window_size_ms:g}"
            )

    @property
    def float_steps(self) -> int:
        """Steps before int8 is simulated: `quantize_delay`, or three quarters of all for -1."""
        total = self.schedule.total_steps
        if not self.quantize:
            return total
        return 3 * total // 4 if self.quantize_delay < 0 else self.quantize_delay

    @property
    def labels(self) -> tuple[str, ...]:
        return self.corpus.labels

    @property
    def clip_samples(self) -> int:
        return self.front_end.sample_rate * self.clip_duration_ms // 1000

    @property
    def training_samples(self) -> int:
        """Of a clip to train with: longer by what its later ends need."""
        return self.clip_samples + (self.end_frames - 1) * self.front_end.stride_samples

    @property
    def clip_frames(self) -> int:
        return self.front_end.frame_count(self.clip_samples)

    @property
    def shape(self) -> ModelShape:
        return ModelShape(
            frames=self.clip_frames,
            features=self.front_end.feature_count,
            labels=len(self.labels),
        )

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, source: str) -> TrainingSettings:
        """Reads what `to_json` wrote; `source` names the file in error messages.

        Raises:
            StapesError: settings of another version of stapes.
        """
        try:
            return settings_from_dict(cls, json.loads(text))
        except (StapesError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise StapesError(
                f"{source}: found settings of another version of stapes ({error}), expected those "
                "of this one; train again, in another --train_dir"
            ) from error

    def check_continues(self, earlier: TrainingSettings, *, source: str, mend: str) -> None:
        """Checks that training may go on from a checkpoint made with `earlier`.

        Raises:
            StapesError: words, front end, network or optimizer have changed since; ends in `mend`.
        """
        for name in _FIXED:
            if difference := _difference(name, getattr(earlier, name), getattr(self, name)):
                setting, found, expected = difference
                raise StapesError(
                    f"{source}: found a training with {setting} {_plain(found)}, expected "
                    f"{_plain(expected)} as here; give the same settings, or {mend}"
                )


def _difference(name: str, found: Any, expected: Any) -> tuple[str, Any, Any] | None:
    """The first setting that differs, with both its values."""
    if dataclasses.is_dataclass(found):
        pairs = (
            (entry.name, getattr(found, entry.name), getattr(expected, entry.name))
            for entry in dataclasses.fields(found)
        )
        return next((pair for pair in pairs if pair[1] != pair[2]), None)
    return (name, found, expected) if found != expected else None


def _plain(value: object) -> str:
    """A setting as its flag is given; the empty ones stand for the architecture's own."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "as the architecture has it"
    return str(value)
