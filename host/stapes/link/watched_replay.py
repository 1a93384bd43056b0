# SPDX-License-Identifier: Apache-2.0
"""Plays a recording into a board and shows events as fast as it was spoken, even if the board is
faster."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stapes.link.decoder_settings import DecoderChanges
from stapes.link.heard import Heard
from stapes.link.hello import number_of
from stapes.link.protocol import Event, LinkCounts
from stapes.link.session import Session
from stapes.link.transport import Transport


class WatchedReplay:
    """Speaks with the board behind `transport`, like `Session`, which also gets `tries`.

    Raises:
        StapesError: the board does not answer.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        show_scores: bool,
        changes: DecoderChanges | None = None,
        tries: int = 10,
    ) -> None:
        self._show: Callable[[Event], None] | None = None
        self._transport = _ReadAhead(transport)
        self._session = Session(self._transport, on_event=self._hear, tries=tries)
        self._show_scores = show_scores
        self._session.send_scores(True)  # the times of scores keep the pace
        if changes is not None:
            self._session.set_decoder(changes)
        self.sample_rate = self._session.hello.sample_rate

    @property
    def counts(self) -> LinkCounts:
        """What came over the link."""
        return self._session.reader.counts

    def play(self, samples: NDArray[np.int16], show: Callable[[Event], None]) -> None:
        """Plays int16 [n], and shows what the board says about it, each event when it is due.

        Raises:
            StapesError: the board falls silent, restarts or says something impossible.
        """
        self._session.reset(microphone=False)  # what it has heard so far is not of this recording
        show(self._session.greeting)
        self._heard = Heard(
            hello=self._session.hello, samples=len(samples), source=self._transport.name
        )
        self._detections = {"detections": 0, "wake_detections": 0}
        self._started, self._show = time.monotonic(), show
        try:
            done = self._session.play(samples)
        finally:
            self._show = None
        for name, shown in self._detections.items():
            number_of(done, name, shown, shown, source=self._transport.name, missing=0)

    def _hear(self, event: Event) -> None:
        """Waits until the event is due. The board waits, too: no frames are sent meanwhile."""
        if self._show is not None:  # otherwise the board heard it before the recording
            self._transport.wait_until(self._started + self._checked_ms(event) / 1000)
            if self._show_scores or event.name != "scores":
                self._show(event)

    def _checked_ms(self, event: Event) -> int:
        """The time of an event, checked to be possible; 0 for an event without a time."""
        if event.name == "detection":
            name = "wake_detections" if event.is_of_wake_word else "detections"
            self._detections[name] += 1
            return self._heard.detection(event).time_ms
        if event.name == "scores":
            return self._heard.scores(event).time_ms
        return self._heard.time_ms(event) if "time_ms" in event.fields else 0


_MOST_AHEAD = 1 << 20  # bytes; a board says far less in the time of a recording


class _ReadAhead:
    """Another transport, which is also read during `wait_until`: a board drops lines if nobody
    reads them for a moment."""

    def __init__(self, transport: Transport) -> None:
        self.name = transport.name
        self.is_fast = getattr(transport, "is_fast", False)
        self.waiting_frames = getattr(transport, "waiting_frames", 0)
        self._transport = transport
        self._ahead = b""

    def wait_until(self, end: float) -> None:
        """Returns at `end` of time.monotonic(), or at once after it."""
        while (left := end - time.monotonic()) > 0:
            if len(self._ahead) < _MOST_AHEAD:
                self._ahead += self._transport.read(left)
            else:
                time.sleep(left)

    def read(self, timeout: float) -> bytes:
        data, self._ahead = self._ahead, b""
        return data or self._transport.read(timeout)

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()
