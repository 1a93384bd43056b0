# SPDX-License-Identifier: Apache-2.0
"""Two models of one firmware (app/wake_stage.h): one for a wake word, one that listens after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import ArrayLike

from stapes import _native
from stapes.device.bundle import ModelBundle
from stapes.device.decoder import Detection
from stapes.device.front_end import as_int16
from stapes.device.pipeline import Pipeline, Trace
from stapes.errors import StapesError
from stapes.model.settings import NOT_WORDS, ModelSettings, WakeSettings


def order(found: Detection) -> tuple[int, bool]:
    """The key to sort the detections of two models. At equal times, the wake word comes last."""
    return found.time_ms, found.of_wake_word


@dataclass(frozen=True, kw_only=True)
class WakeTrace:
    """The results of some audio: those of the wake word's model, which hears all the audio, and
    those of the other model; and when the other model woke, was woken again, or fell asleep, in
    milliseconds."""

    wake_word: Trace
    model: Trace
    woken_ms: list[int]
    asleep_ms: list[int]

    @property
    def detections(self) -> list[Detection]:
        """The detections of both models, in order of time."""
        woke = [replace(found, of_wake_word=True) for found in self.wake_word.detections]
        return sorted([*self.model.detections, *woke], key=order)


class WakeStage:
    """Both models as a board runs them, bit for bit."""

    def __init__(
        self, wake_word: ModelBundle, model: ModelBundle, settings: WakeSettings | None = None
    ) -> None:
        """
        Raises:
            StapesError: the models take audio of different sample rates.
        """
        check_same_audio(wake_word.settings, model.settings)
        self.settings = settings or WakeSettings()
        self.wake_word, self.model = Pipeline(wake_word), Pipeline(model)
        self._native = _native.WakeStage(
            wake_word=self.wake_word.native,
            model=self.model.native,
            awake_ms=self.settings.milliseconds,
            waking_labels=waking_labels(wake_word.settings),
        )

    def process(self, samples: ArrayLike) -> WakeTrace:
        """Takes int16 [n], any n; results do not depend on how the audio was cut up.

        Raises:
            StapesError: audio of another type or shape.
        """
        return self._trace(self._native.process(as_int16(samples, dimensions=1)))

    def finish(self) -> WakeTrace:
        """Call it after the last samples: the results that silence gates have put off."""
        return self._trace(self._native.finish())

    def _trace(self, results: tuple[Any, Any, list[int], list[int]]) -> WakeTrace:
        wake_word, model, woken_ms, asleep_ms = results
        return WakeTrace(
            wake_word=self.wake_word.trace(wake_word),
            model=self.model.trace(model),
            woken_ms=woken_ms,
            asleep_ms=asleep_ms,
        )

    def reset(self) -> None:
        """Forgets all audio, and sleeps."""
        self._native.reset()


def waking_labels(wake_word: ModelSettings) -> int:
    """A bit for each label that wakes: all words."""
    labels = enumerate(wake_word.labels)
    return sum(1 << index for index, label in labels if label not in NOT_WORDS)


def check_same_audio(wake_word: ModelSettings, model: ModelSettings) -> None:
    """Checks that both models can use the same microphone. Each model has its own front end, so
    all other settings may differ.

    Raises:
        StapesError: their sample rates differ.
    """
    rates = wake_word.front_end.sample_rate, model.front_end.sample_rate
    if rates[0] != rates[1]:
        raise StapesError(
            f"--wake {wake_word.name}: found a model for {rates[0]} Hz, expected {rates[1]} Hz as "
            f"{model.name} has it: both hear the same samples; train one of them at the other's "
            "--sample_rate"
        )
