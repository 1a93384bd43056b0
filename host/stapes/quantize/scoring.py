"""Clips through the firmware's own code: front end and engine, frame by frame."""

from __future__ import annotations

import os

import numpy as np

from stapes.errors import StapesError
from stapes.frontend.front_end import FrontEnd
from stapes.settings import ModelSettings
from stapes.tflite.engine import Engine


def clip_scores(
    model: bytes, settings: ModelSettings, clips: np.ndarray, *, source: str = "model"
) -> np.ndarray:
    """The scores after the last frame of each clip, every clip from a fresh state.

    int16 [clips, samples] -> int8 [clips, labels], 1/256 each, zero point -128.

    Raises:
        StapesError: the engine refuses the model, or its shapes contradict its settings.
    """
    engine = Engine.from_bytes(model, source=source)
    _check_shapes(engine, settings, source)
    front_end = FrontEnd(
        settings.front_end, scale=engine.input_scale, zero_point=engine.input_zero_point
    )
    features = front_end.compute_features(clips, threads=os.cpu_count() or 1)
    scores = np.empty((len(clips), len(settings.labels)), np.int8)
    for number, frames in enumerate(features):
        engine.reset()
        scores[number] = engine.run(frames)[-1]
    return scores


def _check_shapes(engine: Engine, settings: ModelSettings, source: str) -> None:
    found = (*engine.input_shape, *engine.output_shape)
    expected = (1, settings.front_end.feature_count, 1, len(settings.labels))
    if found != expected:
        raise StapesError(
            f"{source}: found shapes {found}, expected {expected} for one frame in and one score "
            "per label out; export the model again"
        )
