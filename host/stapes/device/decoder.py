# SPDX-License-Identifier: Apache-2.0
"""The firmware's decoder as a Python object: scores in, detections out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stapes import _native
from stapes.errors import StapesError
from stapes.model.settings import SILENCE_LABEL, ModelSettings

SCORE_ONE_Q16 = 65536
MAX_FRAMES = 65535


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A new command. `time_ms`: end of the audio heard; `score_q16`: average score, Q16;
    `of_wake_word`: this command woke the other model."""

    time_ms: int
    label: str
    score_q16: int
    of_wake_word: bool = False

    @property
    def score(self) -> float:
        return self.score_q16 / SCORE_ONE_Q16


class Decoder:
    """RecognizeCommands with a model's settings, bit for bit as a board runs it."""

    def __init__(self, settings: ModelSettings) -> None:
        self._labels = settings.labels
        self._native = _native.Decoder(native_config(settings))

    def process(self, scores: NDArray[np.int8], times_ms: NDArray[np.uint32]) -> list[Detection]:
        """int8 [frames, labels] at their times, uint32 [frames] -> the new detections.

        Other Python threads run meanwhile.

        Raises:
            ValueError: another shape, or times that run backwards.
        """
        found = self._native.process(
            np.ascontiguousarray(scores, np.int8), np.ascontiguousarray(times_ms, np.uint32)
        )
        return detections(found, self._labels)

    def reset(self) -> None:
        """Back to the start."""
        self._native.reset()


def native_config(settings: ModelSettings) -> _native.DecoderConfig:
    """DecoderConfig of recognize_commands.h, as the settings say.

    Raises:
        StapesError: more scores in the averaging window than the firmware counts.
    """
    labels, decoder = settings.labels, settings.decoder
    return _native.DecoderConfig(
        silence_label=labels.index(SILENCE_LABEL) if SILENCE_LABEL in labels else -1,
        frame_capacity=frame_capacity(settings),
        minimum_count=decoder.minimum_count,
        average_window_ms=decoder.average_window_duration_ms,
        thresholds_q16=thresholds_q16(settings),
        suppression_ms=decoder.suppression_ms,
        hysteresis_q16=threshold_q16(decoder.hysteresis),
        streaming=decoder.mode == "streaming",
        retrigger=decoder.retrigger,
        tutorial_times=decoder.compatibility == "tutorial",
    )


def detections(found: Iterable[_native.Detection], labels: Sequence[str]) -> list[Detection]:
    """What the firmware's code found, with names for the labels' numbers."""
    return [
        Detection(
            time_ms=entry.time_ms,
            label=labels[entry.label] if entry.label >= 0 else SILENCE_LABEL,
            score_q16=entry.score_q16,
        )
        for entry in found
    ]


def thresholds_q16(settings: ModelSettings) -> list[int]:
    """The threshold of each label in Q16."""
    return [threshold_q16(settings.decoder.threshold(label)) for label in settings.labels]


def threshold_q16(threshold: float) -> int:
    """A detection threshold in Q16, rounded up: an average must be greater than it."""
    return math.ceil(threshold * SCORE_ONE_Q16)


def frame_capacity(settings: ModelSettings) -> int:
    """Scores that the averaging window can hold: DecoderFrameCapacity of recognize_commands.h.

    Raises:
        StapesError: more than the firmware counts (16 bits).
    """
    window_ms, rate = settings.decoder.average_window_duration_ms, settings.front_end.sample_rate
    frames = -(-(window_ms + 1) * rate // (1000 * settings.score_stride_samples))
    if frames > MAX_FRAMES:
        raise StapesError(
            f"average_window_duration_ms={window_ms}: found {frames} frames in it, expected at "
            f"most {MAX_FRAMES}; shorten it or lengthen the stride"
        )
    return frames


def decoder_work_bytes(label_count: int, frame_capacity: int) -> int:
    """Bytes of a decoder's work memory: DecoderWorkBytes of recognize_commands.h."""
    return _native.decoder_work_bytes(label_count, frame_capacity)
