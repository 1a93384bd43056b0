# SPDX-License-Identifier: Apache-2.0
"""Audio through a model's firmware, wherever it runs: one result for all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stapes.device.decoder import SCORE_ONE_Q16, Detection
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.firmware.emulator import Emulator
from stapes.link.hello import not_asked_for, number_of
from stapes.link.protocol import Event, crc16
from stapes.link.session import OnProgress, Session
from stapes.link.transport import (
    PortSettings,
    ProgramTransport,
    TeeTransport,
    Transport,
    open_transport,
)


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came of some audio: frames scored, detections; and, if asked for, the scores (int8
    [frames, labels]) with their times (uint32 [frames], ms) and the CRC-16 of the features that
    each is of (uint16 [frames]), else empty. `stats` are those of a board after the audio
    (docs/protocol.md), empty for the engine in this process."""

    frames: int
    detections: list[Detection]
    times_ms: NDArray[np.uint32]
    scores: NDArray[np.int8]
    features_crc: NDArray[np.uint16]
    stats: dict[str, Any]


# An emulated board is as slow as this machine is busy; one that ends is noticed at once.
EMULATOR_TRIES = 60

_MOST_MS = 0xFFFFFFFF  # a board's times start at 0 again after 49.7 days

OnResult = Callable[[Detection], None]


class Player(Protocol):
    """Somewhere that a model runs."""

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
        """Hears int16 [n] from a fresh start. Progress: samples taken so far."""


class NativePlayer:
    """The firmware's code in this process."""

    SLICE_SECONDS = 10

    def __init__(self, model_path: str | Path) -> None:
        self._pipeline = Pipeline.from_file(model_path)
        self.name = str(model_path)
        self.labels = self._pipeline.settings.labels
        self.sample_rate = self._pipeline.settings.front_end.sample_rate

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
        scores = np.concatenate([trace.scores for trace in traces])
        return Replayed(
            frames=len(scores),
            detections=[found for trace in traces for found in trace.detections],
            times_ms=np.concatenate([trace.times_ms for trace in traces]),
            scores=scores,
            features_crc=np.array(
                [crc16(row.tobytes()) for trace in traces for row in trace.inputs], np.uint16
            ),
            stats={},
        )


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
        self._session = Session(
            transport, on_event=self._hear, answer_seconds=answer_seconds, tries=tries
        )
        self._session.send_scores(send_scores)
        self._send_scores = send_scores
        hello = self._session.hello
        self.name = f"{hello.board}, {hello.model}"
        self.labels = hello.labels
        self.sample_rate = hello.sample_rate

    def play(
        self,
        samples: NDArray[np.int16],
        *,
        on_detection: OnResult = lambda found: None,
        on_progress: OnProgress = lambda count: None,
    ) -> Replayed:
        self._session.reset(microphone=False)  # what it has heard so far belongs to nobody
        self._start(on_detection, len(samples))
        done = self._session.play(samples, on_progress=on_progress)
        stats = self._session.stats()
        self._playing = False
        self._expect(done.number("detections"), len(self._detections), "detections")
        self._expect(done.number("frames") * self._send_scores, len(self._scores), "scores")
        return Replayed(
            frames=number_of(done, "frames", 0, len(samples), source=self.name),
            detections=self._detections,
            times_ms=np.array(self._times, np.uint32),
            scores=np.array(self._scores, np.int8).reshape(-1, len(self.labels)),
            features_crc=np.array(self._features_crc, np.uint16),
            stats=stats,
        )

    def _expect(self, sent: int, came: int, what: str) -> None:
        if sent != came:
            raise StapesError(
                f"{self.name}: found {came} {what}, expected {sent} (lines were lost on the way); "
                "check cable and baud rate, then replay again"
            )

    def _start(self, on_detection: OnResult, count: int) -> None:
        self._playing = True
        self._most_ms = min(count * 1000 // self.sample_rate, _MOST_MS)
        self._on_detection = on_detection
        self._detections: list[Detection] = []
        self._times: list[int] = []
        self._scores: list[list[int]] = []
        self._features_crc: list[int] = []

    def _hear(self, event: Event) -> None:
        if not self._playing:
            return  # what a board with a microphone hears before it is asked
        if event.name == "detection":
            found = detection_of(event, labels=self.labels, most_ms=self._most_ms, source=self.name)
            self._detections.append(found)
            self._on_detection(found)
        elif event.name == "scores":
            scores = event.values().get("q")
            if not isinstance(scores, list) or len(scores) != len(self.labels):
                said = event.fields.get("q", "none")
                raise not_asked_for(self.name, f"{said!a:.40} for q", f"{len(self.labels)} scores")
            self._times.append(number_of(event, "time_ms", 0, self._most_ms, source=self.name))
            self._scores.append(scores)
            crc = number_of(event, "features_crc", 0, 0xFFFF, source=self.name)
            self._features_crc.append(crc)


def detection_of(
    event: Event,
    *,
    labels: Sequence[str] = (),
    most_ms: int = _MOST_MS,
    source: str = "the board",
) -> Detection:
    """The detection of a `detection` event, of one of `labels` if given, at `most_ms` or before.
    Its five decimals give the Q16 score back exactly.

    Raises:
        StapesError: it is none of a model that has heard so much.
    """
    label = event.fields.get("label", "")
    if labels and label not in labels:
        raise not_asked_for(source, f"a detection of {label!a:.60}", f"one of {', '.join(labels)}")
    score = event.values().get("score")
    if not isinstance(score, float) or not 0 <= score <= 1:
        said = event.fields.get("score", "none")
        raise not_asked_for(source, f"{said!a:.40} for score", "0 to 1")
    return Detection(
        time_ms=number_of(event, "time_ms", 0, most_ms, source=source),
        label=label,
        score_q16=round(score * SCORE_ONE_Q16),
    )


@contextlib.contextmanager
def open_player(
    *,
    model: str | Path | None = None,
    program: str | Path | None = None,
    board: str | None = None,
    image: str | Path | None = None,
    port: str | None = None,
    baud: int = PortSettings.baud,
    send_scores: bool = False,
    count_instructions: bool = True,
    tee: str | Path | None = None,
) -> Iterator[Player]:
    """Opens one of: a `model` in this process, a `program` (stapes-firmware of this machine), an
    emulated `board` with its `image` (whose clocks count instructions, or run a third faster), a
    board at a serial `port`. What comes over a link is also written to `tee`, if given.

    Raises:
        StapesError: it cannot be opened or does not answer.
    """
    if model is not None:
        yield NativePlayer(model)
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
