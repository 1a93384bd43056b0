# SPDX-License-Identifier: Apache-2.0
"""Detection error trade-off: the same scores decoded at many thresholds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from stapes.model.settings import NOT_WORDS, DecoderSettings
from stapes.stream.accuracy import ScoreSettings, StreamScore, score_stream
from stapes.stream.labels import LabelTime
from stapes.stream.score_track import ScoreTrack

CURVE_POINTS = 48


@dataclass(frozen=True, kw_only=True)
class Material:
    """The scores of a model over some audio, and what is said in this audio."""

    track: ScoreTrack
    ground_truth: Sequence[LabelTime]


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """What a threshold gives. `labels`: (words not detected, false accepts) of each label."""

    threshold: float
    words: int
    correct: int
    wrong: int
    false_accepts: int
    false_reject_rate: float
    false_accepts_per_hour: float
    median_latency_ms: float | None
    labels: dict[str, tuple[int, int]]

    @classmethod
    def of(cls, threshold: float, score: StreamScore) -> CurvePoint:
        """The figures of a score."""
        latency = score.latency()
        return cls(
            threshold=threshold,
            words=score.words,
            correct=score.correct,
            wrong=score.wrong,
            false_accepts=score.false_accepts,
            false_reject_rate=score.false_reject_rate,
            false_accepts_per_hour=score.false_accepts_per_hour,
            median_latency_ms=latency["median"] if latency else None,
            labels={
                label: (part.wrong + part.missed, part.false_accepts)
                for label, part in score.by_label().items()
            },
        )

    def to_dict(self) -> dict:
        """JSON-ready, without the labels."""
        values = dict(vars(self))
        del values["labels"]
        return values


def curve_thresholds(points: int = CURVE_POINTS) -> list[float]:
    """Thresholds from 0.05 to 0.995, closer together near 1, where most scores are. The highest
    threshold is just below the highest score, 255/256."""
    logits = np.linspace(-3.0, 5.3, points)
    return [round(float(value), 4) for value in 1 / (1 + np.exp(-logits))]


def at_threshold(decoder: DecoderSettings, threshold: float) -> DecoderSettings:
    """The decoder with one threshold for all words; the thresholds of `_silence_` and `_unknown_`
    stay."""
    kept = {label: value for label, value in decoder.label_thresholds.items() if label in NOT_WORDS}
    return replace(decoder, detection_threshold=threshold, label_thresholds=kept)


def score_material(
    material: Sequence[Material], decoder: DecoderSettings, *, settings: ScoreSettings
) -> StreamScore:
    """Decodes all audio and scores it as one."""
    scores = [
        score_stream(
            piece.ground_truth,
            piece.track.detections(decoder),
            settings=settings,
            duration_ms=piece.track.duration_ms,
        )
        for piece in material
    ]
    return sum(scores[1:], start=scores[0])


def detection_curve(
    material: Sequence[Material],
    decoder: DecoderSettings,
    *,
    settings: ScoreSettings,
    thresholds: Sequence[float] | None = None,
    workers: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[CurvePoint]:
    """A point for each threshold, in the order of `thresholds`; the same for any number of
    `workers`.

    `progress` is called after each point.
    """

    lock = threading.Lock()

    def point(threshold: float) -> CurvePoint:
        score = score_material(material, at_threshold(decoder, threshold), settings=settings)
        with lock:
            progress()
        return CurvePoint.of(threshold, score)

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        return list(pool.map(point, curve_thresholds() if thresholds is None else thresholds))
