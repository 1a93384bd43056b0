# SPDX-License-Identifier: Apache-2.0
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
from stapes.corpus.index import RANDOM_SEED, CorpusSettings
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, ModelSettings, settings_from_dict
from stapes.networks.options import ARCHITECTURES, ModelOptions, ModelShape
from stapes.options import check, like, setting

OPTIMIZERS = ("gradient_descent", "momentum", "adamw")
LEARNING_RATE_DECAYS = ("none", "cosine")
# What must not change when a training goes on from a checkpoint.
_FIXED = ("corpus", "front_end", "clip_duration_ms", "architecture", "model", "optimizer")
# These must be the same to take over layers of another training (--trunk).
_FIXED_FOR_LAYERS = ("front_end", "architecture")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Stages of training: steps[i] steps at learning rate rates[i], as in the tutorial.

    `decay` "cosine" lets the rate of the last stage fall to zero along half a cosine.
    """

    steps: tuple[int, ...] = setting(
        (15000, 3000),
        flag="how_many_training_steps",
        least=1,
        most=10**9,
        shortest=1,
        metavar="N,...",
        help="steps of each stage",
    )
    rates: tuple[float, ...] = setting(
        (0.001, 0.0001),
        flag="learning_rate",
        above=0,
        most=1000,
        metavar="RATE,...",
        help="learning rate of each stage, or one for all stages",
    )
    decay: str = setting(
        "none",
        flag="learning_rate_decay",
        choices=LEARNING_RATE_DECAYS,
        help="how the rate of the last stage falls",
    )
    warmup_steps: int = setting(0, least=0, most=10**9, help="steps of rising learning rate")

    def __post_init__(self) -> None:
        check(self)
        object.__setattr__(self, "rates", self._rates_for_stages())
        if len(self.steps) != len(self.rates):
            raise StapesError(
                "--how_many_training_steps and --learning_rate: found "
                f"{len(self.steps)} and {len(self.rates)} numbers, expected lists of equal length; "
                "give both flags (without them: 15000,3000 and 0.001,0.0001)"
            )

    def _rates_for_stages(self) -> tuple[float, ...]:
        """A single rate is used for all stages. With the default rates, fewer stages use the first
        of them."""
        stages = len(self.steps)
        if len(self.rates) == 1:
            return self.rates * stages
        if self.rates == type(self).rates:
            return self.rates[:stages]
        return self.rates

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
    """Everything that `stapes train` was told, except the folders."""

    corpus: CorpusSettings
    front_end: FrontEndSettings = field(default_factory=FrontEndSettings)
    clip_duration_ms: int = like(ModelSettings, "clip_duration_ms")
    augmentation: AugmentSettings = field(default_factory=AugmentSettings)
    architecture: str = setting(
        "svdf",
        flag="model_architecture",
        metavar="NAME",
        help=f"{', '.join(ARCHITECTURES)}, or your own network as module:function",
    )
    model: ModelOptions = field(default_factory=ModelOptions)
    schedule: Schedule = field(default_factory=Schedule)
    optimizer: str = setting("adamw", choices=OPTIMIZERS, help="rule that updates the weights")
    label_smoothing: float = setting(
        0.0, least=0, below=1, help="share of each label that is spread over all labels"
    )
    weight_decay: float = setting(0.004, least=0, most=1, help="weight decay of adamw")
    teacher_weight: float = setting(
        0.7, least=0, most=1, help="how much the teacher's scores count against the labels"
    )
    teacher_temperature: float = setting(
        2.0, least=0.1, most=100, help="softens the teacher's scores"
    )
    batch_size: int = setting(100, least=1, most=10_000, help="clips per step")
    frozen_layers: int = setting(
        0,
        least=0,
        most=1000,
        help="how many of the first layers with weights stay as --trunk or --start_checkpoint has "
        "them",
    )
    end_frames: int = setting(
        1,
        least=1,
        most=1000,
        help="number of last frames, one after the other, at which a streaming network must answer",
    )
    lead_ms: float = setting(
        0.0,
        least=0,
        most=10_000,
        help="sound of the surroundings before each training clip, so that a front end that adapts "
        "(pcen) meets words as in a stream; the network does not hear it",
    )
    pulse_weight: float = setting(
        0.0,
        least=0,
        most=100,
        shown="off",
        help="how much the peaks of a decoder's averages count against the labels at --end_frames; "
        "streaming networks only",
    )
    pulse_average_ms: float = setting(
        300.0, least=1, most=10_000, help="time over which that decoder averages scores"
    )
    pulse_ms: float = setting(
        400.0, least=0, most=10_000, help="time that it runs before --end_frames, and after"
    )
    eval_step_interval: int = setting(
        400, least=1, most=10**9, help="steps from one validation to the next"
    )
    save_step_interval: int = setting(
        100, least=1, most=10**9, help="steps from one checkpoint to the next"
    )
    early_stopping_evaluations: int = setting(
        0,
        least=0,
        most=10**9,
        help="stop after this many validations without a better one; 0 never stops",
    )
    quantize: bool = setting(
        False,
        valued=True,
        help="simulate int8 in the last steps, so that the exported model loses less accuracy",
    )
    quantize_delay: int = setting(
        -1,
        least=0,
        most=10**9,
        shown="three quarters of all steps",
        help="steps before int8 is simulated",
    )
    seed: int = setting(
        RANDOM_SEED, least=0, most=2**32 - 1, help="equal seeds give equal weights on a CPU"
    )

    def __post_init__(self) -> None:
        check(self)
        if self.quantize_delay >= self.schedule.total_steps:
            raise StapesError(
                f"--quantize_delay={self.quantize_delay}: expected fewer than the "
                f"{self.schedule.total_steps} steps of --how_many_training_steps"
            )
        if self.quantize and self.ends > 1:
            raise StapesError(
                f"--quantize and {self.ends_flag}: int8 is simulated only at the end of a clip; "
                "leave one of them out, or train with --quantize from this training's checkpoint"
            )
        if self.pulse_weight and self.pulse_average_frames > self.ends:
            raise StapesError(
                f"--pulse_average_ms={self.pulse_average_ms:g}: expected at most the "
                f"{self.ends} frames of --end_frames and twice --pulse_ms; lower it, or raise them"
            )
        if self.clip_frames < 1:
            raise StapesError(
                f"--clip_duration_ms={self.clip_duration_ms}: found a clip shorter than a frame, "
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
        """Length of a training clip: longer than a clip, to have room for its other ends; half of
        this room is before it."""
        return self.clip_samples + (self.ends - 1) * self._stride

    @property
    def ends(self) -> int:
        """At how many frames, one after the other, the network answers in training."""
        return self.end_frames + 2 * self.pulse_frames

    @property
    def ends_flag(self) -> str:
        """The flag that asks for more than one end."""
        return "--pulse_weight" if self.pulse_weight else "--end_frames"

    @property
    def pulse_frames(self) -> int:
        """How many ends before `end_frames`, and as many after them, only the decoder hears."""
        return self._frames(self.pulse_ms) if self.pulse_weight else 0

    @property
    def pulse_average_frames(self) -> int:
        return max(1, self._frames(self.pulse_average_ms))

    @property
    def lead_frames(self) -> int:
        """Frames of a training clip before the frames that the network hears."""
        return self._frames(self.lead_ms)

    @property
    def lead_samples(self) -> int:
        return self.lead_frames * self._stride

    def _frames(self, duration_ms: float) -> int:
        """How many frames begin within this time."""
        return math.ceil(duration_ms * self.front_end.sample_rate / 1000 / self._stride)

    @property
    def _stride(self) -> int:
        return self.front_end.stride_samples

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

    def check_continues(self, earlier: TrainingSettings, *, source: str, remedy: str) -> None:
        """Checks that training may go on from a checkpoint made with `earlier`.

        Raises:
            StapesError: words, front end, network or optimizer have changed; the message ends with
                `remedy`.
        """
        self._check_same(_FIXED, earlier, source=source, remedy=remedy)

    def check_same_sound(self, earlier: TrainingSettings, *, source: str, remedy: str) -> None:
        """Checks that layers that were trained with `earlier` get the same input here.

        Raises:
            StapesError: front end or kind of network have changed; the message ends with `remedy`.
        """
        self._check_same(_FIXED_FOR_LAYERS, earlier, source=source, remedy=remedy)

    def _check_same(
        self, names: tuple[str, ...], earlier: TrainingSettings, *, source: str, remedy: str
    ) -> None:
        for name in names:
            if difference := _difference(name, getattr(earlier, name), getattr(self, name)):
                setting, found, expected = difference
                raise StapesError(
                    f"{source}: found a training with {setting} {_plain(found)}, expected "
                    f"{_plain(expected)} as here; give the same settings, or {remedy}"
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
    """A setting as a user gives its flag; an empty one means the architecture's default."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "as the architecture has it"
    return str(value)
