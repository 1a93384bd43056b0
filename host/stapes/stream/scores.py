"""Scores of long audio through the firmware's code, on all cores, equal to those of one.

Front-end frames do not depend on each other, so a segment's features can be computed anywhere. A
network remembers: each worker lets it run over some audio before its segment, and afterwards the
state it began with is compared with the state in which the segment before ended. Where they differ
by a single byte (a network with a longer memory), the segment is computed again from the true
state. Equal states go on equally, so the scores are those of one engine that heard everything.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stapes.audio.wav import map_wav
from stapes.device.decoder import Decoder, Detection
from stapes.device.engine import Engine
from stapes.device.front_end import FrontEnd
from stapes.device.pipeline import Windows, check_agreement
from stapes.model.metadata import load_model
from stapes.model.settings import DecoderSettings, ModelSettings
from stapes.progress import ProgressBar
from stapes.stream.labels import LabelTime

BATCH = 1000  # inferences at once
SEGMENTS_PER_WORKER = 4  # so that workers end at about the same time
SHORTEST_SEGMENT = 4000  # inferences


def inference_count(settings: ModelSettings, frames: int) -> int:
    """Inferences that so many frames make."""
    return max(0, (frames - settings.window_frames) // settings.clip_stride_frames + 1)


@dataclass(frozen=True, kw_only=True)
class ScoreTrack:
    """Scores of some audio: int8 [inferences, labels] at the ends of their newest frames, in
    milliseconds, uint32 [inferences]; the model's settings; the length of the audio."""

    scores: NDArray[np.int8]
    times_ms: NDArray[np.uint32]
    settings: ModelSettings
    duration_ms: float

    def decode(self, decoder: DecoderSettings | None = None) -> list[Detection]:
        """What the firmware's decoder detects, with the model's settings or others."""
        settings = self.settings if decoder is None else replace(self.settings, decoder=decoder)
        return Decoder(settings).process(self.scores, self.times_ms)

    def detections(self, decoder: DecoderSettings | None = None) -> list[LabelTime]:
        """The same as entries for the scorer."""
        return [
            LabelTime(label=found.label, time_ms=found.time_ms, score=found.score)
            for found in self.decode(decoder)
        ]


def load_track(
    model_path: str | os.PathLike[str],
    wav_path: str | os.PathLike[str],
    *,
    workers: int | None = None,
) -> ScoreTrack:
    """Scores of a WAV file by a .tflite model, with a progress bar.

    Raises:
        StapesError: either file cannot be read or is refused, or their rates differ.
    """
    model, settings = load_model(model_path)
    samples, _ = map_wav(wav_path, sample_rate=settings.front_end.sample_rate)
    frames = inference_count(settings, settings.front_end.frame_count(len(samples)))
    with ProgressBar(f"{Path(wav_path).name}, inferences", frames) as bar:
        return compute_scores(
            model,
            settings,
            samples,
            source=str(model_path),
            workers=workers,
            progress=bar.update,
        )


def compute_scores(
    model: bytes,
    settings: ModelSettings,
    samples: NDArray[np.int16],
    *,
    source: str = "model",
    workers: int | None = None,
    progress: Callable[[int], None] = lambda inferences: None,
) -> ScoreTrack:
    """Runs front end and network over int16 [samples]; the same for any number of `workers`.

    Args:
        model: the .tflite file.
        settings: those inside it.
        samples: audio at the model's rate; may be a memory map.
        source: names the model in error messages.
        workers: threads; None: one for each core.
        progress: called with the inferences done so far.

    Raises:
        StapesError: the engine refuses the model, or it contradicts its settings.
    """
    run = _Run(model, settings, samples, source, progress)
    workers = workers or os.cpu_count() or 1
    segments = min(workers * SEGMENTS_PER_WORKER, run.count // SHORTEST_SEGMENT)
    if workers == 1 or segments < 2:
        run.compute(0, run.count, None)
    else:
        run.compute_in_parallel(segments, workers)
    return ScoreTrack(
        scores=run.scores,
        times_ms=run.times_ms(),
        settings=settings,
        duration_ms=len(samples) * 1000 / settings.front_end.sample_rate,
    )


class _Run:
    """The audio, the scores so far, and how to compute a piece of them."""

    def __init__(
        self,
        model: bytes,
        settings: ModelSettings,
        samples: NDArray[np.int16],
        source: str,
        progress: Callable[[int], None],
    ) -> None:
        self.model, self.settings, self.samples = model, settings, samples
        self.source, self.progress = source, progress
        check_agreement(self._engine(), settings, source=source)
        self.features = self._features()
        frames = settings.front_end.frame_count(len(samples))
        self.count = inference_count(settings, frames)
        self.scores = np.empty((self.count, len(settings.labels)), np.int8)
        self.lock = threading.Lock()
        self.done = 0
        self.stopped = False  # told to all workers

    def times_ms(self) -> NDArray[np.uint32]:
        """The end of each inference's newest frame, as the firmware counts it."""
        front_end = self.settings.front_end
        numbers = np.arange(self.count, dtype=np.int64) * self.settings.clip_stride_frames
        numbers += self.settings.window_frames - 1
        ends = front_end.window_samples + numbers * front_end.stride_samples
        return (ends * 1000 // front_end.sample_rate).astype(np.uint32)

    def compute_in_parallel(self, segments: int, workers: int) -> None:
        """Fills all scores; the first pass guesses states, the second proves or mends them."""
        bounds = [self.count * part // segments for part in range(segments + 1)]
        pieces = list(itertools.pairwise(bounds))
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(self.compute, *piece, None) for piece in pieces]
            try:
                states = [future.result() for future in futures]
            except BaseException:  # Ctrl-C among them
                self.stopped = True
                raise
        end = states[0][1]
        for piece, (first, last) in zip(pieces[1:], states[1:], strict=True):
            end = last if first == end else self.compute(*piece, end)[1]

    def compute(self, start: int, stop: int, state: bytes | None) -> tuple[bytes, bytes]:
        """Fills scores [start, stop) from `state`, or from what some audio before them leaves
        behind; returns the states before and after."""
        engine = self._engine()
        if state is not None:
            engine.state = state
            warm_up = start
        else:
            warm_up = max(0, start - self._warm_up())
        for _, inputs in self._inputs(warm_up, start):
            engine.run(inputs)
        before = engine.state
        for first, inputs in self._inputs(start, stop):
            self.scores[first : first + len(inputs)] = engine.run(inputs)
            self._report(len(inputs))
        return before, engine.state

    def _report(self, inferences: int) -> None:
        with self.lock:
            self.done = min(self.count, self.done + inferences)
            try:
                self.progress(self.done)
            except BaseException:
                self.stopped = True
                raise

    def _inputs(self, start: int, stop: int) -> Iterator[tuple[int, NDArray[np.int8]]]:
        """Batches of the network's inputs of inferences [start, stop), and the number of the
        first one."""
        length, stride = self.settings.window_frames, self.settings.clip_stride_frames
        for first in range(start, stop, BATCH):
            if self.stopped:
                return
            last = min(first + BATCH, stop)
            frames = (last - 1 - first) * stride + length
            features = self.features[first * stride :][:frames]
            yield first, Windows(self.settings).process(features)[0]

    def _features(self) -> NDArray[np.int8]:
        """int8 [frames, features] of all the audio: a frame may depend on all those before it."""
        engine = self._engine()
        front_end = FrontEnd(
            self.settings.front_end,
            scale=engine.input_scale,
            zero_point=engine.input_zero_point,
        )
        return front_end.compute_features(self.samples[np.newaxis])[0]

    def _warm_up(self) -> int:
        """Inferences: more than a network trained on clips remembers, as a rule."""
        return max(2 * self.settings.clip_frames, 64)

    def _engine(self) -> Engine:
        return Engine.from_bytes(self.model, source=self.source)
