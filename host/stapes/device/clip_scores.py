# SPDX-License-Identifier: Apache-2.0
"""Whole clips, and longer recordings, through the firmware's pipeline, on all cores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline, front_end_of
from stapes.errors import StapesError
from stapes.model.settings import NOT_WORDS, ModelSettings


def clip_scores(
    model: bytes, settings: ModelSettings, clips: np.ndarray, *, source: str = "model"
) -> NDArray[np.int8]:
    """The scores after the last frame of each clip, every clip from a fresh state.

    int16 [clips, samples] -> int8 [clips, labels], 1/256 each, zero point -128.

    Raises:
        StapesError: the engine refuses the model, it contradicts its settings, or the clips are
            shorter than what it takes at once.
    """
    bundle = ModelBundle.from_bytes(model, settings, source=source)
    if settings.front_end.frame_count(clips.shape[1]) < settings.window_frames:
        raise StapesError(
            f"{source}: found clips of {clips.shape[1]} samples, expected {settings.clip_samples}; "
            "lengthen them"
        )
    threads = os.cpu_count() or 1
    features = front_end_of(bundle).compute_features(clips, threads=threads)
    with ThreadPoolExecutor(threads) as pool:
        parts = np.array_split(features, min(threads, max(len(clips), 1)))
        return np.concatenate(list(pool.map(lambda part: _scores(bundle, part), parts)))


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of audio as long as a clip: its scores, int8 [labels], and when it begins."""

    scores: NDArray[np.int8]
    start_ms: int


def best_window(bundle: ModelBundle, samples: NDArray[np.int16]) -> Window:
    """Scores a recording longer than a clip, int16 [samples], as a board would hear it. Returns the
    window in which a word has its highest score; if several windows in a row have this score, the
    middle one."""
    settings = bundle.settings
    features = front_end_of(bundle).compute_features(samples[None], threads=os.cpu_count() or 1)
    trace = Pipeline(bundle).process_frames(features[0])
    whole = np.flatnonzero(trace.times_ms >= settings.clip_duration_ms)
    first = int(whole[0]) if len(whole) else len(trace.scores) - 1
    words = [n for n, label in enumerate(settings.labels) if label not in NOT_WORDS]
    scores = trace.scores[first:]
    highest = scores[:, words or slice(None)].max(axis=1)
    best = int(highest.argmax())
    lower = np.flatnonzero(highest[best:] < highest[best])
    best += ((int(lower[0]) if len(lower) else len(highest) - best) - 1) // 2
    end_ms = int(trace.times_ms[first + best])
    return Window(scores=scores[best], start_ms=max(0, end_ms - round(settings.clip_duration_ms)))


def _scores(bundle: ModelBundle, clips: NDArray[np.int8]) -> NDArray[np.int8]:
    """int8 [clips, frames, features] -> int8 [clips, labels]."""
    pipeline = Pipeline(bundle)
    scores = np.empty((len(clips), len(bundle.settings.labels)), np.int8)
    for number, features in enumerate(clips):
        pipeline.reset()
        scores[number] = pipeline.process_frames(features).scores[-1]
    return scores
