# SPDX-License-Identifier: Apache-2.0
"""Long audio through two models; the first model wakes the second. What both detect, and how much
of the audio the second model hears."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stapes.audio.wav import map_wav
from stapes.device.decoder import Detection
from stapes.device.pipeline import inference_times
from stapes.device.wake import WakeStage, WakeTrace
from stapes.progress import ProgressBar
from stapes.stream.labels import LabelTime

SLICE_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class WakeTrack:
    """`detections` of the model that sleeps until it is woken; `wake_words` that the other model
    detected; which share of its inferences the first one still computes, 0 to 1; milliseconds of
    audio."""

    detections: list[LabelTime]
    wake_words: list[LabelTime]
    awake_share: float
    duration_ms: float


def load_wake_track(stage: WakeStage, wav_path: str | os.PathLike[str]) -> WakeTrack:
    """Plays a WAV file to `stage` from a fresh start, with a progress bar.

    Raises:
        StapesError: the file cannot be read, or has another sample rate.
    """
    settings = stage.model.settings
    rate = settings.front_end.sample_rate
    samples, _ = map_wav(wav_path, sample_rate=rate)
    stage.reset()
    traces: list[WakeTrace] = []
    with ProgressBar(f"{Path(wav_path).name}, seconds", len(samples) // rate) as bar:
        for start in range(0, len(samples), SLICE_SECONDS * rate):
            traces.append(stage.process(samples[start : start + SLICE_SECONDS * rate]))
            bar.update(min(len(samples), start + SLICE_SECONDS * rate) // rate)
    traces.append(stage.finish())
    always = len(inference_times(settings, samples=len(samples)))
    return WakeTrack(
        detections=_entries(found for trace in traces for found in trace.model.detections),
        wake_words=_entries(found for trace in traces for found in trace.wake_word.detections),
        awake_share=sum(len(trace.model.times_ms) for trace in traces) / max(1, always),
        duration_ms=len(samples) * 1000 / rate,
    )


def _entries(detections: Iterable[Detection]) -> list[LabelTime]:
    return [
        LabelTime(label=found.label, time_ms=found.time_ms, score=found.score)
        for found in detections
    ]
