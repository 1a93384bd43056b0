"""The firmware's pipeline in Python: front end, engine and decoder, all of them its own code."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stapes.device.decoder import Decoder, Detection, frame_capacity
from stapes.device.engine import Engine
from stapes.device.front_end import FrontEnd
from stapes.errors import StapesError
from stapes.model.metadata import load_model
from stapes.model.settings import ModelSettings


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What came of some audio: per inference the end of its newest frame in milliseconds (uint32
    [inferences]), the network's inputs (int8 [inferences, inputs], a frame or a window of them)
    and scores (int8 [inferences, labels]); features (int8 [frames, features]); the detections."""

    times_ms: NDArray[np.uint32]
    features: NDArray[np.int8]
    inputs: NDArray[np.int8]
    scores: NDArray[np.int8]
    detections: list[Detection]


def check_agreement(engine: Engine, settings: ModelSettings, *, source: str) -> None:
    """Checks that the network is the one that its settings speak of.

    Raises:
        StapesError: another number of features or labels, other types, or scores that are
            no int8 softmax.
    """
    found = (math.prod(engine.input_shape), math.prod(engine.output_shape))
    expected = (settings.input_size, len(settings.labels))
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


class Windows:
    """Makes a network's inputs of frames: single ones, or windows at a stride."""

    def __init__(self, settings: ModelSettings) -> None:
        self._length, self._stride = settings.window_frames, settings.clip_stride_frames
        self._kept = np.empty((0, settings.front_end.feature_count), np.int8)
        self.reset()

    def reset(self) -> None:
        """Forgets all frames."""
        self._kept = self._kept[:0]
        self._begin = 0  # number of the first frame of the next window, counted from the reset
        self._seen = 0

    def process(self, features: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """int8 [frames, features] -> the windows that they complete, int8 [inferences, inputs],
        and the number of the newest frame in each, int64 [inferences]."""
        frames = np.concatenate([self._kept, features])
        self._seen += len(features)
        first = self._seen - len(frames)  # number of the oldest frame here
        count = max(0, (self._seen - self._begin - self._length) // self._stride + 1)
        begins = self._begin + self._stride * np.arange(count, dtype=np.int64)
        self._begin += count * self._stride
        self._kept = frames[max(0, self._begin - first) :]
        rows = begins[:, None] - first + np.arange(self._length)
        inputs = frames[rows].reshape(count, self._length * frames.shape[1])
        return inputs, begins + self._length - 1


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
        self.windows = Windows(self.settings)

    def process(self, samples: NDArray[np.int16]) -> Trace:
        """Takes any number of samples; results do not depend on how the audio was cut up."""
        features = self.front_end.process(samples)
        inputs, ends = self.windows.process(features)
        scores = self.engine.run(inputs)
        times_ms = self._times_ms(ends)
        return Trace(
            times_ms=times_ms,
            features=features,
            inputs=inputs,
            scores=scores,
            detections=self.decoder.process(scores, times_ms),
        )

    def reset(self) -> None:
        """Forgets all audio."""
        for part in (self.front_end, self.windows, self.engine, self.decoder):
            part.reset()

    def _times_ms(self, frames: NDArray[np.int64]) -> NDArray[np.uint32]:
        settings = self.settings.front_end
        ends = settings.window_samples + frames * settings.stride_samples
        return (ends * 1000 // settings.sample_rate).astype(np.uint32)
