"""The firmware's pipeline in Python: front end, engine and decoder, all of them its own code."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stapes.decoder import Decoder, Detection, frame_capacity
from stapes.errors import StapesError
from stapes.frontend import FrontEnd
from stapes.settings import ModelSettings
from stapes.tflite.engine import Engine
from stapes.tflite.metadata import load_model


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What came of some audio: per frame its end in milliseconds (uint32 [frames]), features
    (int8 [frames, features]) and scores (int8 [frames, labels]); and the detections."""

    times_ms: NDArray[np.uint32]
    features: NDArray[np.int8]
    scores: NDArray[np.int8]
    detections: list[Detection]


def check_agreement(engine: Engine, settings: ModelSettings, *, source: str) -> None:
    """Checks that the network is the one that its settings speak of.

    Raises:
        StapesError: another number of features or labels, other types, or scores that are
            no int8 softmax.
    """
    found = (math.prod(engine.input_shape), math.prod(engine.output_shape))
    expected = (settings.front_end.feature_count, len(settings.labels))
    for what, here, wanted in zip(("features in", "scores out"), found, expected, strict=True):
        if here != wanted:
            raise StapesError(
                f"{source}: found {here} {what}, expected {wanted} as its settings say; "
                "export the model again"
            )
    if (engine.input_type, engine.output_type) != ("int8", "int8"):
        raise StapesError(
            f"{source}: found {engine.input_type} features and {engine.output_type} scores, "
            "expected int8; export the model again"
        )
    if (engine.output_scale, engine.output_zero_point) != (1 / 256, -128):
        raise StapesError(
            f"{source}: found scores of scale {engine.output_scale:g} and zero point "
            f"{engine.output_zero_point}, expected 1/256 and -128 (an int8 softmax); "
            "export the model again"
        )
    frame_capacity(settings)


class Pipeline:
    """A model as a board runs it, bit for bit: 16-bit samples in, scores and detections out.

    Raises:
        StapesError: the model cannot be read, is refused, or contradicts its settings.
    """

    def __init__(self, model_path: str | os.PathLike[str]) -> None:
        model, self.settings = load_model(model_path)
        self.engine = Engine.from_bytes(model, source=str(model_path))
        check_agreement(self.engine, self.settings, source=str(model_path))
        self.front_end = FrontEnd(
            self.settings.front_end,
            scale=self.engine.input_scale,
            zero_point=self.engine.input_zero_point,
        )
        self.decoder = Decoder(self.settings)
        self._frames = 0

    def process(self, samples: NDArray[np.int16]) -> Trace:
        """Takes any number of samples; results do not depend on how the audio was cut up."""
        features = self.front_end.process(samples)
        scores = self.engine.run(features)
        times_ms = self._times_ms(len(features))
        return Trace(
            times_ms=times_ms,
            features=features,
            scores=scores,
            detections=self.decoder.process(scores, times_ms),
        )

    def reset(self) -> None:
        """Forgets all audio."""
        for part in (self.front_end, self.engine, self.decoder):
            part.reset()
        self._frames = 0

    def _times_ms(self, count: int) -> NDArray[np.uint32]:
        settings = self.settings.front_end
        numbers = np.arange(self._frames, self._frames + count, dtype=np.int64)
        self._frames += count
        ends = settings.window_samples + numbers * settings.stride_samples
        return (ends * 1000 // settings.sample_rate).astype(np.uint32)
