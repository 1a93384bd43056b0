"""The firmware's pipeline in Python: front end, engine and decoder, all of them its own code."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stapes.decoder import Decoder, Detection
from stapes.frontend import FrontEnd
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


class Pipeline:
    """A model as a board runs it, bit for bit: 16-bit samples in, scores and detections out.

    Raises:
        StapesError: the model cannot be read or is refused.
    """

    def __init__(self, model_path: str | os.PathLike[str]) -> None:
        model, self.settings = load_model(model_path)
        self.engine = Engine.from_bytes(model, source=str(model_path))
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
