"""Clips through the firmware's own code: front end and engine, frame by frame or at once."""

from __future__ import annotations

import os

import numpy as np

from stapes.device.engine import Engine
from stapes.device.front_end import FrontEnd
from stapes.device.pipeline import Windows, check_agreement
from stapes.model.settings import ModelSettings


def clip_scores(
    model: bytes, settings: ModelSettings, clips: np.ndarray, *, source: str = "model"
) -> np.ndarray:
    """The scores after the last frame of each clip, every clip from a fresh state.

    int16 [clips, samples] -> int8 [clips, labels], 1/256 each, zero point -128.

    Raises:
        StapesError: the engine refuses the model, or its shapes contradict its settings.
    """
    engine = Engine.from_bytes(model, source=source)
    check_agreement(engine, settings, source=source)
    front_end = FrontEnd(
        settings.front_end, scale=engine.input_scale, zero_point=engine.input_zero_point
    )
    features = front_end.compute_features(clips, threads=os.cpu_count() or 1)
    scores = np.empty((len(clips), len(settings.labels)), np.int8)
    windows = Windows(settings)
    for number, frames in enumerate(features):
        windows.reset()
        inputs, _ = windows.process(frames)
        engine.reset()
        scores[number] = engine.run(inputs)[-1]
    return scores
