# SPDX-License-Identifier: Apache-2.0
"""Audio through a model's firmware, wherever it runs: one form of result for all places."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stapes.device.bundle import ModelBundle
from stapes.device.decoder import Detection
from stapes.device.pipeline import Pipeline, Trace
from stapes.device.wake import WakeStage, WakeTrace, order
from stapes.errors import StapesError
from stapes.firmware.emulator import Emulator
from stapes.link.heard import Heard, Scores
from stapes.link.hello import number_of
from stapes.link.protocol import Event, crc16
from stapes.link.session import OnProgress, Session
from stapes.link.transport import (
    PortSettings,
    ProgramTransport,
    TeeTransport,
    Transport,
    open_transport,
)
from stapes.model.settings import WakeSettings


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What a model said about some audio: how many frames were scored. If scores were asked for,
    also the scores (int8 [frames, labels]), their times (uint32 [frames], ms) and the CRC-16 of the
    features of each (uint16 [frames]); otherwise these arrays are empty."""

    frames: int
    times_ms: NDArray[np.uint32]
    scores: NDArray[np.int8]
    features_crc: NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True)
class Replayed(Scored):
    """The results of some audio. `stats` are those of a board after the audio (docs/protocol.md),
    empty for the engine in this process. If a wake word wakes the model, `wake` is what the wake
    word's model said; `woken_ms` and `asleep_ms` are the times in milliseconds when the other model
    woke (or was woken again) and fell asleep."""

    detections: list[Detection]
    stats: dict[str, Any]
    wake: Scored | None = None
    woken_ms: tuple[int, ...] = ()
    asleep_ms: tuple[int, ...] = ()


# An emulated board is slow if this machine is busy; a board that ends is noticed at once.
EMULATOR_TRIES = 60


OnResult = Callable[[Detection], None]


class Player(Protocol):
    """A place where a model runs."""

    name: str
    labels: tuple[str, ...]
    sample_rate: int

    def play(
        self,
        samples: NDArray[np.int16],
        *,
        on_detection: OnResult = lambda found: None,
        on_progress: OnProgress = lambda count: None,
    ) -> Replayed:
        """Plays int16 [n] from a fresh start. Progress: samples taken so far."""


class NativePlayer:
    """The firmware's code in this process."""

    SLICE_SECONDS = 10

    def __init__(
        self,
        model_path: str | Path,
        *,
        wake: str | Path | None = None,
        awake: WakeSettings | None = None,
    ) -> None:
        """
        Raises:
            StapesError: a model is refused, or the two take different audio.
        """
        bundle = ModelBundle.from_file(model_path)
        self._pipeline: Pipeline | WakeStage = (
            Pipeline(bundle)
            if wake is None
            else WakeStage(ModelBundle.from_file(wake), bundle, awake)
        )
        self.name = str(model_path)
        self.labels = bundle.settings.labels
        self.sample_rate = bundle.settings.front_end.sample_rate

    def play(
        self,
        samples: NDArray[np.int16],
        *,
        on_detection: OnResult = lambda found: None,
        on_progress: OnProgress = lambda count: None,
    ) -> Replayed:
        self._pipeline.reset()
        traces = []
        step = self.SLICE_SECONDS * self.sample_rate
        for start in range(0, max(len(samples), 1), step):
            traces.append(self._pipeline.process(samples[start : start + step]))
            for found in traces[-1].detections:
                on_detection(found)
            on_progress(min(start + step, len(samples)))
        traces.append(self._pipeline.finish())
        for found in traces[-1].detections:
            on_detection(found)
        own = [trace.model if isinstance(trace, WakeTrace) else trace for trace in traces]
        staged = [trace for trace in traces if isinstance(trace, WakeTrace)]
        return Replayed(
            **_scored(own),
            detections=[found for trace in traces for found in trace.detections],
            stats={},
            wake=Scored(**_scored([trace.wake_word for trace in staged])) if staged else None,
            woken_ms=tuple(time_ms for trace in staged for time_ms in trace.woken_ms),
            asleep_ms=tuple(time_ms for trace in staged for time_ms in trace.asleep_ms),
        )


def _scored(traces: Sequence[Trace]) -> dict[str, Any]:
    """The fields of `Scored`."""
    crcs = [crc16(row.tobytes()) for trace in traces for row in trace.inputs]
    return {
        "frames": sum(len(trace.scores) for trace in traces),
        "times_ms": np.concatenate([trace.times_ms for trace in traces]),
        "scores": np.concatenate([trace.scores for trace in traces]),
        "features_crc": np.array(crcs, np.uint16),
    }


class LinkPlayer:
    """A board, emulated board or program behind the serial protocol.

    `answer_seconds`: how long to wait before something is said again; `tries`: how often.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        send_scores: bool = False,
        answer_seconds: float = 1.0,
        tries: int = 10,
    ) -> None:
        self._playing = False
        self.session = Session(
            transport, on_event=self._hear, answer_seconds=answer_seconds, tries=tries
        )
        self.session.send_scores(send_scores)
        self._send_scores = send_scores
        hello = self.session.hello
        self.name = f"{hello.board}, {hello.model}"
        self.labels = hello.labels
        self._wake_labels = hello.wake.labels if hello.wake is not None else ()
        self.sample_rate = hello.sample_rate

    def play(
        self,
        samples: NDArray[np.int16],
        *,
        on_detection: OnResult = lambda found: None,
        on_progress: OnProgress = lambda count: None,
    ) -> Replayed:
        self.session.reset(microphone=False)  # what it has heard so far is not of these samples
        self._start(on_detection, len(samples))
        done = self.session.play(samples, on_progress=on_progress)
        stats = self.session.stats()
        self._playing = False
        for of_wake_word, name in enumerate(("detections", "wake_detections")):
            came = sum(found.of_wake_word == of_wake_word for found in self._detections)
            self._expect(done.number(name), came, name)
        return Replayed(
            **self._scored(done, "frames", self._scores, self.labels, len(samples)),
            detections=sorted(self._detections, key=order),
            stats=stats,
            wake=self._wake_scored(done, len(samples)),
            woken_ms=tuple(self._states["woken"]),
            asleep_ms=tuple(self._states["asleep"]),
        )

    def _wake_scored(self, done: Event, samples: int) -> Scored | None:
        if not self._wake_labels:
            return None
        said = self._wake_scores
        return Scored(**self._scored(done, "wake_frames", said, self._wake_labels, samples))

    def _scored(
        self, done: Event, name: str, said: list[Scores], labels: Sequence[str], samples: int
    ) -> dict[str, Any]:
        """The fields of `Scored`; the field `name` of `done` has their number."""
        what = name.replace("frames", "scores")
        self._expect(done.number(name) * self._send_scores, len(said), what)
        return {
            "frames": number_of(done, name, 0, samples, source=self.name),
            "times_ms": np.array([entry.time_ms for entry in said], np.uint32),
            "scores": np.array([entry.q for entry in said], np.int8).reshape(-1, len(labels)),
            "features_crc": np.array([entry.features_crc for entry in said], np.uint16),
        }

    def _expect(self, sent: int, came: int, what: str) -> None:
        if sent != came:
            raise StapesError(
                f"{self.name}: found {came} {what}, expected {sent} (lines were lost on the way); "
                "check cable and baud rate, then replay again"
            )

    def _start(self, on_detection: OnResult, count: int) -> None:
        self._playing = True
        self._heard = Heard(hello=self.session.hello, samples=count, source=self.name)
        self._on_detection = on_detection
        self._detections: list[Detection] = []
        self._scores: list[Scores] = []
        self._wake_scores: list[Scores] = []
        self._states: dict[str, list[int]] = {"woken": [], "asleep": []}

    def _hear(self, event: Event) -> None:
        if not self._playing:
            return  # from a board's microphone, before the audio is played
        if event.name == "detection":
            found = self._heard.detection(event)
            self._detections.append(found)
            self._on_detection(found)
        elif event.name == "scores":
            said = self._wake_scores if event.is_of_wake_word else self._scores
            said.append(self._heard.scores(event))
        elif event.name in self._states:
            self._states[event.name].append(self._heard.time_ms(event))


@contextlib.contextmanager
def open_player(
    *,
    model: str | Path | None = None,
    wake: str | Path | None = None,
    awake: WakeSettings | None = None,
    program: str | Path | None = None,
    board: str | None = None,
    image: str | Path | None = None,
    port: str | None = None,
    baud: int = PortSettings.baud,
    send_scores: bool = False,
    count_instructions: bool = True,
    tee: str | Path | None = None,
) -> Iterator[Player]:
    """Opens one of these: a `model` in this process, asleep until a `wake` word if one is given; a
    `program` (stapes-firmware of this machine); an emulated `board` with its `image` (its clocks
    count instructions, or it runs a third faster); a board at a serial `port`. The bytes that come
    over a link are also written to `tee`, if given.

    Raises:
        StapesError: the place cannot be opened or does not answer.
    """
    if model is not None:
        yield NativePlayer(model, wake=wake, awake=awake)
    elif board is not None and image is not None:
        with Emulator(board, image, count_instructions=count_instructions, fast=True) as emulator:
            heard = _teed(emulator.transport, tee)
            yield LinkPlayer(heard, send_scores=send_scores, tries=EMULATOR_TRIES)
    else:
        transport = (
            ProgramTransport([str(program), "--link"])
            if program is not None
            else open_transport(str(port), baud=baud)
        )
        with contextlib.closing(_teed(transport, tee)) as heard:
            yield LinkPlayer(heard, send_scores=send_scores)


def _teed(transport: Transport, tee: str | Path | None) -> Transport:
    return transport if tee is None else TeeTransport(transport, tee)
