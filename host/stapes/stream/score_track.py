# SPDX-License-Identifier: Apache-2.0
"""Scores of long audio through the firmware's code, on all cores; equal to those of one core.

The front end's frames are computed first, all at once, which is fast. A network has a memory, so
each worker first runs its pipeline over some audio before its segment. Afterwards the state with
which a segment began is compared with the state with which the segment before it ended. If they
differ by a single byte (a network with a longer memory), the segment is computed again from the
true state. Equal states lead to equal scores, so the scores are those of one pipeline that heard
everything.
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
from stapes.device.bundle import ModelBundle
from stapes.device.decoder import Decoder, Detection
from stapes.device.gate import GateUse, silence_scores, use_gate
from stapes.device.pipeline import Pipeline, front_end_of, inference_times
from stapes.model.metadata import load_model
from stapes.model.settings import DecoderSettings, GateSettings, ModelSettings
from stapes.progress import ProgressBar
from stapes.stream.labels import LabelTime

BATCH = 1000  # inferences at once
SEGMENTS_PER_WORKER = 4  # so that workers end at about the same time
SHORTEST_SEGMENT = 4000  # inferences


@dataclass(frozen=True, kw_only=True)
class ScoreTrack:
    """Scores of some audio, int8 [inferences, labels]; their times (the ends of their newest
    frames) in milliseconds, uint32 [inferences]; the model's settings; the length of the audio.
    `gate`: what the model's silence gate let through; None without a gate. While the gate is
    closed, the scores are those of silence."""

    scores: NDArray[np.int8]
    times_ms: NDArray[np.uint32]
    settings: ModelSettings
    duration_ms: float
    gate: GateUse | None = None

    def gated(self, gate: GateSettings, samples: NDArray[np.int16]) -> ScoreTrack:
        """This track of a model without a gate, over int16 [n], changed to the scores that the
        model would have with this gate."""
        settings = replace(self.settings, gate=gate)
        use = use_gate(settings, samples)
        scores = np.where(use.is_open[:, np.newaxis], self.scores, silence_scores(settings))
        return replace(self, scores=scores, settings=settings, gate=use)

    def decode(self, decoder: DecoderSettings | None = None) -> list[Detection]:
        """What the firmware's decoder detects, with the model's settings or others."""
        settings = self.settings if decoder is None else replace(self.settings, decoder=decoder)
        return Decoder(settings).process(self.scores, self.times_ms)

    def detections(self, decoder: DecoderSettings | None = None) -> list[LabelTime]:
        """The detections of `decode` as entries for the scorer."""
        return [
            LabelTime(label=found.label, time_ms=found.time_ms, score=found.score)
            for found in self.decode(decoder)
        ]


def load_track(
    model_path: str | os.PathLike[str],
    wav_path: str | os.PathLike[str],
    *,
    workers: int | None = None,
    behind_gate: bool = True,
) -> ScoreTrack:
    """Scores of a WAV file by a .tflite model, with a progress bar. If `behind_gate` is false, the
    model's silence gate is left out.

    Raises:
        StapesError: either file cannot be read or is refused, or their rates differ.
    """
    model, settings = load_model(model_path)
    if not behind_gate:
        settings = replace(settings, gate=None)
    samples, _ = map_wav(wav_path, sample_rate=settings.front_end.sample_rate)
    count = len(inference_times(settings, samples=len(samples)))
    with ProgressBar(f"{Path(wav_path).name}, inferences", count) as bar:
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
    run = _Run(ModelBundle.from_bytes(model, settings, source=source), samples, progress)
    workers = workers or os.cpu_count() or 1
    segments = min(workers * SEGMENTS_PER_WORKER, run.count // SHORTEST_SEGMENT)
    if workers == 1 or segments < 2:
        run.compute(0, run.count, None)
    else:
        run.compute_in_parallel(segments, workers)
    track = ScoreTrack(
        scores=run.scores,
        times_ms=run.times_ms,
        settings=settings,
        duration_ms=len(samples) * 1000 / settings.front_end.sample_rate,
    )
    return track if settings.gate is None else track.gated(settings.gate, samples)


def _interruptibly(work: Callable[[], NDArray[np.int8]]) -> NDArray[np.int8]:
    """Does one long call into native code so that Ctrl-C need not wait for its end."""
    results: list[NDArray[np.int8]] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.05)  # on some systems, Ctrl-C does not end a join without a limit
    if failures:
        raise failures[0]
    return results[0]


class _Run:
    """The frames of the audio, the scores so far, and how to compute a piece of them."""

    def __init__(
        self, bundle: ModelBundle, samples: NDArray[np.int16], progress: Callable[[int], None]
    ) -> None:
        self.bundle, self.settings, self.progress = bundle, bundle.settings, progress
        # All frames at once: a frame may depend on all frames before it.
        front_end = front_end_of(bundle)
        self.features = _interruptibly(lambda: front_end.compute_features(samples[np.newaxis])[0])
        self.times_ms = inference_times(self.settings, samples=len(samples))
        self.count = len(self.times_ms)
        self.scores = np.empty((self.count, len(self.settings.labels)), np.int8)
        self.lock = threading.Lock()
        self.done = 0
        self.stopped = False  # all workers look at this

    def compute_in_parallel(self, segments: int, workers: int) -> None:
        """Fills all scores. The first pass guesses the states; the second pass checks them and, if
        they were wrong, computes the scores again."""
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
        """Fills scores [start, stop), beginning with `state`; None: with the state after some audio
        before them. Returns the states before and after these scores."""
        pipeline = Pipeline(self.bundle)
        if state is not None:
            pipeline.state = state
        begin = start if state is not None else max(0, start - self._warm_up())
        heard = begin * self.settings.clip_stride_frames
        for end in self._ends(begin, start):
            pipeline.process_frames(self.features[heard:end])
            heard = end
        before, done = pipeline.state, start
        for end in self._ends(start, stop):
            scores = pipeline.process_frames(self.features[heard:end]).scores
            self.scores[done : done + len(scores)] = scores
            heard, done = end, done + len(scores)
            self._report(len(scores))
        return before, pipeline.state

    def _report(self, inferences: int) -> None:
        with self.lock:
            self.done = min(self.count, self.done + inferences)
            try:
                self.progress(self.done)
            except BaseException:
                self.stopped = True
                raise

    def _ends(self, start: int, stop: int) -> Iterator[int]:
        """For each batch of the inferences [start, stop), the number of the frame after its last
        frame."""
        for begin in range(start, stop, BATCH):
            if self.stopped:
                return
            last = min(begin + BATCH, stop) - 1
            yield last * self.settings.clip_stride_frames + self.settings.window_frames

    def _warm_up(self) -> int:
        """How many inferences to run before a segment: usually more than a network that was trained
        on clips remembers."""
        return max(2 * self.settings.clip_frames, 64)
