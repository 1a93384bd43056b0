"""Watching a board: every event as it comes, through unplugging, resets and noise."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stapes.errors import StapesError
from stapes.link.protocol import Event, FrameType, LineReader, LinkCounts, encode_frame
from stapes.link.transport import LinkClosed, Transport


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something about the connection itself, in words for people."""

    name: str  # connected, disconnected, lost, restarted
    text: str


class Monitor:
    """Gives events and notices for as long as it is asked.

    `open_port` opens the transport; after a break it is tried again every `retry_seconds`. Without
    `reconnect` a break ends the monitor.
    """

    def __init__(
        self,
        open_port: Callable[[], Transport],
        *,
        reconnect: bool = True,
        send_scores: bool = False,
        retry_seconds: float = 1.0,
    ) -> None:
        self.reader = LineReader()
        self._open_port = open_port
        self._reconnect = reconnect
        self._send_scores = send_scores
        self._retry_seconds = retry_seconds
        self._told = dataclasses.replace(self.reader.counts)

    def watch(self) -> Iterator[Event | Notice]:
        """Never ends by itself while it may reconnect.

        Raises:
            StapesError: the port cannot be opened at the very first.
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
            transport = self._open_again()

    def _watch_one(self, transport: Transport) -> Iterator[Event | Notice]:
        # Whoever can only be listened to ignores this.
        transport.write(b"\0" + encode_frame(FrameType.HELLO, 0))
        transport.write(encode_frame(FrameType.SCORES, 1, bytes([self._send_scores])))
        while True:
            for event in self.reader.feed(transport.read(0.5)):
                yield from self._news()
                yield event
            yield from self._news()

    def _news(self) -> Iterator[Notice]:
        counts = self.reader.counts
        told, self._told = self._told, dataclasses.replace(counts)
        if counts.restarts > told.restarts:
            yield Notice(name="restarted", text="the board began again")
        damaged, lost = counts.damaged - told.damaged, counts.lost - told.lost
        if damaged or lost:
            yield Notice(
                name="lost",
                text=f"{damaged} damaged and {lost} missing lines "
                f"(in all {counts.damaged} and {counts.lost})",
            )

    def _open_again(self) -> Transport:
        while True:
            time.sleep(self._retry_seconds)
            with contextlib.suppress(StapesError, OSError):
                return self._open_port()


def summary(counts: LinkCounts) -> str:
    """One line about a whole watch."""
    return (
        f"{counts.events} events, {counts.damaged} damaged lines, {counts.lost} missing, "
        f"{counts.restarts} restarts"
    )
