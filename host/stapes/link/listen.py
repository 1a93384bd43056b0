# SPDX-License-Identifier: Apache-2.0
"""Listens without a board: sound of this machine goes through the firmware's own code, and the
results are the events that a board sends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from stapes import __version__
from stapes.audio.wav import read_wav
from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline, Trace
from stapes.device.wake import WakeStage
from stapes.errors import StapesError
from stapes.link.protocol import WAKE_STAGE, Event
from stapes.model.settings import WakeSettings

BLOCK_SECONDS = 0.05
STATS_SECONDS = 1.0
BOARD = "this machine"
_TICKS_PER_SECOND = 1_000_000


class Sound(Protocol):
    """Where samples come from."""

    def read(self, samples: int) -> NDArray[np.int16]:
        """Waits for the next `samples` samples, int16 [n]; at the end fewer, then none."""


class WavSound:
    """A WAV file, as fast as it was spoken.

    Raises:
        StapesError: the file is no WAV, or has another sample rate.
    """

    def __init__(
        self,
        path: Path,
        *,
        sample_rate: int,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._samples = read_wav(path, sample_rate=sample_rate)
        self._sample_rate, self._now, self._sleep = sample_rate, now, sleep
        self._place, self._started = 0, now()

    def read(self, samples: int) -> NDArray[np.int16]:
        block = self._samples[self._place : self._place + samples]
        self._place += len(block)
        early = self._started + self._place / self._sample_rate - self._now()
        if early > 0:
            self._sleep(early)
        return block


class RawSound:
    """16-bit samples, low byte first, mono, from a pipe."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._has_begun = False

    def read(self, samples: int) -> NDArray[np.int16]:
        """
        Raises:
            StapesError: there is no data, or it is a WAV file: its header would be heard as sound.
        """
        data = b""
        while len(data) < 2 * samples and (more := self._stream.read(2 * samples - len(data))):
            data += more
        if not self._has_begun:
            _check_start(data)
        self._has_begun = True
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def _check_start(data: bytes) -> None:
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        raise StapesError(
            "standard input: found a WAV file, expected raw samples; name the file (--wav "
            "FILE.wav), or let the recorder leave out its header (arecord -t raw)"
        )
    if not data:
        raise StapesError(
            "standard input: found no samples, expected raw samples; check the recorder"
        )


def listen(
    bundle: ModelBundle,
    sound: Sound,
    *,
    wake: ModelBundle | None = None,
    awake: WakeSettings | None = None,
) -> Iterator[Event]:
    """What a board with this model would say about the sound, until the sound ends. With the model
    of a `wake` word, the other model sleeps until it is woken.

    Raises:
        StapesError: the microphone is unplugged, or the two models take different audio.
    """
    stage = None if wake is None else WakeStage(wake, bundle, awake)
    return _Listener(bundle, stage).events(sound)


def _said(trace: Trace, **of: str) -> Iterator[tuple[str, dict[str, Any]]]:
    found = {detection.time_ms: detection for detection in trace.detections}
    for time_ms, scores in zip(trace.times_ms.tolist(), trace.scores, strict=True):
        yield "scores", {**of, "time_ms": time_ms, "q": scores.tobytes().hex()}
        if detection := found.get(time_ms):
            score = f"{detection.score:.4f}"
            word = {"time_ms": time_ms, "label": detection.label, "score": score}
            yield "detection", {**of, **word}


class _Listener:
    """Counts audio and events, as a board does."""

    def __init__(self, bundle: ModelBundle, stage: WakeStage | None) -> None:
        self._settings = bundle.settings
        self._stage = stage
        self._pipeline = Pipeline(bundle)
        self._sequence = self._samples = self._frames = 0
        self._busy_seconds = 0.0

    def events(self, sound: Sound) -> Iterator[Event]:
        rate = self._settings.front_end.sample_rate
        block = round(BLOCK_SECONDS * rate)
        yield self._hello(rate)
        shown = 0
        while len(heard := sound.read(block)):
            yield from self._take(heard)
            if self._samples - shown >= STATS_SECONDS * rate:
                shown = self._samples
                yield self._stats()

    def _take(self, heard: NDArray[np.int16]) -> Iterator[Event]:
        before = time.thread_time()
        said = list(self._hear(heard))
        self._busy_seconds += time.thread_time() - before
        self._samples += len(heard)
        for name, fields in sorted(said, key=lambda entry: entry[1]["time_ms"]):
            yield self._event(name, **fields)

    def _hear(self, heard: NDArray[np.int16]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Events and their fields, not sorted by time yet. Events of one millisecond have their
        right order already."""
        if self._stage is None:
            own = self._pipeline.process(heard)
            self._frames += len(own.scores)
            yield from _said(own)
            return
        trace = self._stage.process(heard)
        yield from _said(trace.model)
        yield from _said(trace.wake_word, stage=WAKE_STAGE)
        for name, times_ms in (("woken", trace.woken_ms), ("asleep", trace.asleep_ms)):
            yield from ((name, {"time_ms": time_ms}) for time_ms in times_ms)

    def _hello(self, rate: int) -> Event:
        settings = self._settings
        return self._event(
            "hello",
            board=BOARD,
            model=settings.name,
            firmware=__version__,
            labels=",".join(map(quote, settings.labels)),
            sample_rate=rate,
            window_samples=settings.front_end.window_samples,
            stride_samples=settings.score_stride_samples,
            **self._wake_word(),
        )

    def _wake_word(self) -> dict[str, object]:
        if self._stage is None:
            return {}
        settings = self._stage.wake_word.settings
        return {
            "wake_model": settings.name,
            "wake_labels": ",".join(map(quote, settings.labels)),
            "wake_stride_samples": settings.score_stride_samples,
            "awake_ms": self._stage.settings.milliseconds,
        }

    def _stats(self) -> Event:
        return self._event(
            "stats",
            samples=self._samples,
            busy_ticks=round(self._busy_seconds * _TICKS_PER_SECOND),
            ticks_per_second=_TICKS_PER_SECOND,
            request=0,
            **self._gate_counts(),
        )

    def _gate_counts(self) -> dict[str, object]:
        """How often a silence gate lets the network run."""
        if self._settings.gate is None or self._stage is not None:
            return {}
        pipeline = self._pipeline
        return {
            "frames": self._frames,
            "skipped": pipeline.skipped,
            "inferences": pipeline.inferences,
        }

    def _event(self, name: str, **fields: object) -> Event:
        self._sequence = (self._sequence + 1) & 0xFFFF
        texts = {key: str(value) for key, value in fields.items()}
        return Event(name=name, sequence=self._sequence, fields=texts)
