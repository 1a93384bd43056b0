# SPDX-License-Identifier: Apache-2.0
"""The firmware's pipeline (app/pipeline.h) as a Python object: samples in, detections out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stapes import _native
from stapes.device.bundle import ModelBundle
from stapes.device.decoder import Detection, detections, native_config
from stapes.device.front_end import FrontEnd, as_int16
from stapes.device.gate import native_gate
from stapes.model.settings import ModelSettings


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The results of some audio: for each inference the end of its newest frame in milliseconds
    (uint32 [inferences]), the network's inputs (int8 [inferences, inputs], a frame or a window of
    frames) and the scores (int8 [inferences, labels]); also the detections."""

    times_ms: NDArray[np.uint32]
    inputs: NDArray[np.int8]
    scores: NDArray[np.int8]
    detections: list[Detection]


class Pipeline:
    """A model as a board runs it, bit for bit: windows of frames and the clock included.

    Several pipelines may run at once, each in its own thread.
    """

    def __init__(self, bundle: ModelBundle) -> None:
        self.settings = bundle.settings
        self.native = _native.Pipeline(
            model=bundle.model,
            tables=bundle.tables,
            decoder=native_config(bundle.settings),
            sample_rate=bundle.settings.front_end.sample_rate,
            window_frames=bundle.settings.window_frames,
            clip_stride_frames=bundle.settings.clip_stride_frames,
            arena_bytes=bundle.arena_bytes,
            gate=native_gate(bundle.settings),
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Pipeline:
        """The pipeline of the .tflite file at `path`.

        Raises:
            StapesError: the model cannot be read, is refused, or contradicts its settings.
        """
        return cls(ModelBundle.from_file(path))

    def process(self, samples: ArrayLike) -> Trace:
        """Takes int16 [n], any n; results do not depend on how the audio was cut up.

        Raises:
            StapesError: audio of another type or shape.
        """
        return self.trace(self.native.process(as_int16(samples, dimensions=1)))

    def process_all(self, samples: ArrayLike) -> Trace:
        """`process` and `finish` in one: `samples`, int16 [n], are the whole audio.

        Raises:
            StapesError: audio of another type or shape.
        """
        parts = (self.process(samples), self.finish())
        return Trace(
            times_ms=np.concatenate([part.times_ms for part in parts]),
            inputs=np.concatenate([part.inputs for part in parts]),
            scores=np.concatenate([part.scores for part in parts]),
            detections=[found for part in parts for found in part.detections],
        )

    def process_frames(self, features: NDArray[np.int8]) -> Trace:
        """Takes int8 [frames, features] of `FrontEnd` in place of samples. For much audio, it is
        faster to compute all features at once; they have the same bits. Do not give samples after
        frames without a reset. The network sees all frames: a gate works only on samples.
        """
        return self.trace(self.native.process_frames(np.ascontiguousarray(features, np.int8)))

    def finish(self) -> Trace:
        """Call it after the last samples: the results that the model's gate has put off."""
        return self.trace(self.native.finish())

    @property
    def skipped(self) -> int:
        """Frames that the gate has scored as silence since the last reset."""
        return self.native.skipped

    @property
    def inferences(self) -> int:
        """Runs of the network since the last reset, with those of a gate's replays."""
        return self.native.inferences

    def trace(self, results: tuple[Any, Any, Any, Any]) -> Trace:
        """The results of native code as a `Trace`, with the model's labels."""
        times_ms, inputs, scores, found = results
        return Trace(
            times_ms=times_ms,
            inputs=inputs,
            scores=scores,
            detections=detections(found, self.settings.labels),
        )

    def reset(self) -> None:
        """Forgets all audio."""
        self.native.reset()

    @property
    def state(self) -> bytes:
        """What inferences leave in the network. Another pipeline of the same model can go on from
        this state; equal states lead to equal results."""
        return self.native.state

    @state.setter
    def state(self, state: bytes) -> None:
        self.native.state = state


def front_end_of(bundle: ModelBundle) -> FrontEnd:
    """The front end whose frames the model takes."""
    steps = bundle.quantization
    return FrontEnd(bundle.settings.front_end, scale=steps.scale, zero_point=steps.zero_point)


def inference_times(settings: ModelSettings, *, samples: int) -> NDArray[np.uint32]:
    """The times, uint32 [inferences] in milliseconds, of all inferences over `samples` samples."""
    front_end = settings.front_end
    times: Any = _native.inference_times(
        sample_rate=front_end.sample_rate,
        window_samples=front_end.window_samples,
        stride_samples=front_end.stride_samples,
        window_frames=settings.window_frames,
        clip_stride_frames=settings.clip_stride_frames,
        frames=front_end.frame_count(samples),
    )
    return times
