# SPDX-License-Identifier: Apache-2.0
"""Watches a board: gives every event as it comes, and goes on after unplugging, resets, noise."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stapes.errors import StapesError
from stapes.link.decoder_settings import DecoderChanges, Request
from stapes.link.hello import sample_rate_of
from stapes.link.protocol import Event, FrameType, LineReader, LinkCounts, encode_frame
from stapes.link.transport import LinkClosed, Transport

ASK_SECONDS = 1.0  # until a request without an answer is sent again
ASK_TIMES = 10
SILENT_SECONDS = 5.0  # after so long without any line, a notice names the port
_CHECK = "check cable, baud rate and firmware"

LOSS_SECONDS = 1.0  # between two notices of lost lines: a board that talks nonsense has thousands


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something about the connection itself, in words for people."""

    name: str  # connected, silent, disconnected, lost, restarted, refused, unknown_rate
    text: str


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What to ask every board that speaks, and again after it has restarted.

    `audio_rate`: characters of `audio` lines a second, 0: none; `stats_seconds`: how often to ask
    for the statistics, 0: never.
    """

    send_scores: bool = False
    audio_rate: int = 0
    stats_seconds: float = 0.0
    changes: DecoderChanges = dataclasses.field(default_factory=DecoderChanges)

    def requests(self, labels: list[str], *, wake_labels: list[str], source: str) -> list[Request]:
        """Frames for a board with these labels."""
        return [
            (FrameType.SCORES, bytes([self.send_scores])),
            (FrameType.LISTEN, struct.pack("<I", self.audio_rate)),
            *self.changes.requests(labels, wake_labels=wake_labels, source=source),
        ]


class Monitor:
    """Gives events and notices without end; None when nothing came for `tick_seconds`.

    `open_port` opens the transport; after a break of the connection it is called again every
    `retry_seconds`. Without `reconnect`, a break ends the monitor.
    """

    def __init__(
        self,
        open_port: Callable[[], Transport],
        *,
        reconnect: bool = True,
        wishes: Callable[[Transport], Wishes] = lambda transport: Wishes(),
        retry_seconds: float = 1.0,
        tick_seconds: float = 0.5,
    ) -> None:
        self.reader = LineReader()
        self._open_port = open_port
        self._reconnect = reconnect
        self._wishes_for = wishes
        self._retry_seconds = retry_seconds
        self._tick_seconds = tick_seconds
        self._told = dataclasses.replace(self.reader.counts)
        self._next_loss = 0.0  # time.monotonic() from which a notice of lost lines may come

    def watch(self) -> Iterator[Event | Notice | None]:
        """Never ends by itself while it may reconnect.

        Raises:
            StapesError: the port cannot be opened the first time, or a setting does not fit the
                board.
        """
        transport = self._open_port()
        while True:
            yield Notice(name="connected", text=f"watching {transport.name}")
            try:
                with contextlib.closing(transport):
                    yield from self._watch_one(transport)
            except LinkClosed as error:
                if not self._reconnect:
                    return
                self.reader.forget()
                yield Notice(name="disconnected", text=str(error))
            while (again := self._open_again()) is None:
                yield None
            transport = again

    def _watch_one(self, transport: Transport) -> Iterator[Event | Notice | None]:
        # A transport that can only be read ignores all requests.
        wishes = self._wishes_for(transport)
        requests = _Requests(transport)
        requests.ask(FrameType.HELLO, before=b"\0")  # ends whatever came before
        known: dict[str, str] | None = None  # what the board has said of itself
        next_stats = time.monotonic() + wishes.stats_seconds
        silent_at = time.monotonic() + SILENT_SECONDS
        while True:
            for event in self.reader.feed(transport.read(self._tick_seconds)):
                silent_at = math.inf
                yield from self._news()
                requests.take(event)
                if event.name == "refused":
                    yield Notice(name="refused", text=f"the board refused: {_reason(event)}")
                if event.name == "hello":
                    if refusal := _refusal(event, transport.name):
                        yield refusal
                        continue
                    said = {key: text for key, text in event.fields.items() if key != "request"}
                    news, known = said != known or event.starts_anew, said
                    if not news:
                        continue  # an answer that is equal to the hello before
                    requests.forget()
                    for kind, payload in wishes.requests(
                        event.texts("labels"),
                        wake_labels=event.texts("wake_labels"),
                        source=transport.name,
                    ):
                        requests.ask(kind, payload)
                yield event
            if wishes.stats_seconds and known is not None and time.monotonic() >= next_stats:
                requests.ask(FrameType.STATS)
                next_stats = time.monotonic() + wishes.stats_seconds
            if time.monotonic() >= silent_at:
                silent_at = math.inf
                yield Notice(name="silent", text=f"no board speaks at {transport.name}; {_CHECK}")
            requests.ask_again()
            yield from self._news()
            yield None

    def _news(self) -> Iterator[Notice]:
        counts = self.reader.counts
        told, self._told = self._told, dataclasses.replace(counts)
        if counts.restarts > told.restarts:
            yield Notice(name="restarted", text="the board restarted")
        damaged, lost = counts.damaged - told.damaged, counts.lost - told.lost
        if (
            damaged or lost
        ) and time.monotonic() < self._next_loss:  # a later notice counts these, too
            self._told = dataclasses.replace(counts, damaged=told.damaged, lost=told.lost)
        elif damaged or lost:
            self._next_loss = time.monotonic() + LOSS_SECONDS
            yield Notice(
                name="lost",
                text=f"{damaged} damaged and {lost} missing lines "
                f"({counts.damaged} and {counts.lost} in total)",
            )

    def _open_again(self) -> Transport | None:
        time.sleep(self._retry_seconds)
        with contextlib.suppress(StapesError, OSError):
            return self._open_port()
        return None


class _Requests:
    """Requests that wait for their answer, by number."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._number = 0
        self._waiting: dict[int, _Waiting] = {}

    def ask(self, kind: FrameType, payload: bytes = b"", *, before: bytes = b"") -> None:
        self._number = (self._number + 1) & 0xFF
        frame = before + encode_frame(kind, self._number, payload)
        self._waiting[self._number] = _Waiting(frame=frame, at=time.monotonic())
        self._transport.write(frame)

    def take(self, event: Event) -> None:
        """Notes the answer if the event is one: any event may be an answer."""
        if "request" in event.fields:
            self._waiting.pop(event.number("request"), None)

    def ask_again(self) -> None:
        """Repeats requests that have waited long enough; gives up those that were sent ASK_TIMES
        times."""
        now = time.monotonic()
        for number, waiting in list(self._waiting.items()):
            if now - waiting.at < ASK_SECONDS:
                continue
            if waiting.times == ASK_TIMES:
                del self._waiting[number]
                continue
            waiting.at, waiting.times = now, waiting.times + 1
            self._transport.write(waiting.frame)

    def forget(self) -> None:
        """Drops all requests: the board restarted, or another one is there now."""
        self._waiting.clear()


@dataclass
class _Waiting:
    frame: bytes
    at: float
    times: int = 1


def _refusal(event: Event, source: str) -> Notice | None:
    """A notice about a hello with a sample rate that no model has: audio of this board is then not
    used. None if the rate is good."""
    try:
        sample_rate_of(event, source=source)
    except StapesError as error:
        return Notice(name="unknown_rate", text=str(error))
    return None


def _reason(event: Event) -> str:
    return event.fields.get("reason", "no reason given")


def summary(counts: LinkCounts) -> str:
    """One line about a whole watch."""
    return (
        f"{counts.events} events, {counts.damaged} damaged lines, {counts.lost} missing, "
        f"{counts.restarts} restarts"
    )
