# SPDX-License-Identifier: Apache-2.0
"""A conversation with one board: requests that are answered, audio under flow control.

Lost and damaged bytes in either direction only cost time: requests are sent again, and audio is
sent again from the first frame that the board has not taken (go-back-N).
"""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stapes.errors import StapesError
from stapes.link.decoder_settings import DecoderChanges
from stapes.link.hello import Hello, not_asked_for, number_of, read_hello
from stapes.link.model_image import ALIGNMENT, ModelImage
from stapes.link.packed_audio import cut
from stapes.link.protocol import (
    MAX_PAYLOAD_BYTES,
    Event,
    FrameType,
    LineReader,
    encode_frame,
)
from stapes.link.transport import Transport

OnEvent = Callable[[Event], None]
OnProgress = Callable[[int], None]

MODEL_PIECE_BYTES = (MAX_PAYLOAD_BYTES - 4) // ALIGNMENT * ALIGNMENT

# The events that answer a request or carry the stream; all others are news.
_ANSWERS = frozenset({"hello", "ok", "stats", "ack", "done", "model", "refused"})


class Refused(StapesError):
    """The board has refused a request and did nothing; `reason`: the board's own words."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Session:
    """Speaks with the board behind `transport`.

    `answer_seconds` is the time to wait before something is said again, `tries` how often.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        on_event: OnEvent = lambda event: None,
        answer_seconds: float = 1.0,
        tries: int = 10,
    ) -> None:
        self.reader = LineReader()
        self._transport = transport
        self._on_event = on_event
        self._answer_seconds = answer_seconds
        self._patience = tries * answer_seconds
        self._events: deque[Event] = deque()
        self._request = 0
        self._connected = False
        self.hello = self._greet()

    def reset(self, *, microphone: bool = True) -> None:
        """Forgets all audio: the next sample is the first one. It comes from the microphone, if the
        board has one and `microphone` is true, or from a stream."""
        self.ask(FrameType.RESET, b"" if microphone else b"\1", answer="ok")

    def send_scores(self, on: bool) -> None:
        """Whether the scores of every frame come as events."""
        self.ask(FrameType.SCORES, bytes([on]), answer="ok")

    def stats(self) -> dict[str, object]:
        """Counters and meters of the board, by the names of docs/protocol.md."""
        return self.ask(FrameType.STATS, answer="stats").values()

    def set_decoder(self, changes: DecoderChanges) -> None:
        """Changes the decoder's settings until the board restarts or takes another model.

        Raises:
            StapesError: the model has no such label, or the board refuses: for example, it has no
                memory for a longer window.
        """
        wake = self.hello.wake
        for kind, payload in changes.requests(
            self.hello.labels,
            wake_labels=wake.labels if wake is not None else (),
            source=self._transport.name,
        ):
            self.ask(kind, payload, answer="ok")

    def reset_decoder(self) -> None:
        """Forgets scores and detections, not the audio."""
        self.ask(FrameType.RESET_DECODER, answer="ok")

    def listen(self, bytes_per_second: int) -> None:
        """The board sends what it hears as `audio` events, at most so many characters a second; 0
        ends this, ALL_AUDIO sets no limit."""
        self.ask(FrameType.LISTEN, struct.pack("<I", bytes_per_second), answer="ok")

    def play(
        self, samples: NDArray[np.int16], *, on_progress: OnProgress = lambda count: None
    ) -> Event:
        """Resets the board, streams `samples` (int16 [n]) and waits until all have been heard.

        Detections and scores go to `on_event` in their order. Returns the `done` event.

        Raises:
            StapesError: the board falls silent, restarts, reports a fault, or says something
                impossible.
        """
        self.reset(microphone=False)
        pieces = self._cut(samples)
        frames = [
            encode_frame(kind, number, payload) for number, (_, kind, payload) in enumerate(pieces)
        ]
        frames.append(encode_frame(FrameType.END, len(pieces)))
        ends = [0, *np.cumsum([count for count, _, _ in pieces], dtype=int).tolist(), len(samples)]
        done = self._stream(frames, lambda taken: on_progress(ends[taken]))
        number_of(done, "samples", len(samples), len(samples), source=self._transport.name)
        return done

    def _cut(self, samples: NDArray[np.int16]) -> list[tuple[int, FrameType, bytes]]:
        """Pieces of audio: number of samples, frame type, payload. Over a fast transport, audio is
        not packed: that would only cost time."""
        plain = MAX_PAYLOAD_BYTES // 2
        if self.hello.packing and not getattr(self._transport, "is_fast", False):
            cuts = cut(samples)
        else:
            cuts = [(min(plain, len(samples) - at), None) for at in range(0, len(samples), plain)]
        pieces, start = [], 0
        for count, packed in cuts:
            if packed is not None:
                pieces.append((count, FrameType.PACKED_AUDIO, packed))
            else:
                data = samples[start : start + count].astype("<i2").tobytes()
                pieces.append((count, FrameType.AUDIO, data))
            start += count
        return pieces

    def load(self, image: ModelImage, *, on_progress: OnProgress = lambda count: None) -> Hello:
        """Sends a model, which replaces the running one for good once the board has checked it.

        Progress: bytes that the board has taken.

        Raises:
            StapesError: the board refuses the model, or falls silent; the old model goes on.
        """
        if len(image.data) > self.hello.model_bytes:
            raise StapesError(
                f"{self._transport.name}: found room for models of {self.hello.model_bytes} bytes, "
                f"expected {len(image.data)}; choose a smaller model, or compile it in"
            )
        begin = struct.pack("<II", len(image.data), image.crc32)
        self.ask(FrameType.MODEL_BEGIN, begin, answer="ok")
        self._send_image(image.data, on_progress)
        commit = struct.pack("<I", image.crc32)
        try:
            answer = self.ask(FrameType.MODEL_COMMIT, commit, answer="hello")
        except Refused as refused:
            if options := image.options_for(refused.reason):
                raise StapesError(
                    f"{refused}; compile it in, or build the firmware with {options} "
                    "(`stapes flash --room_for` does)"
                ) from None
            raise
        self.hello = read_hello(answer, source=self._transport.name)
        if self.hello.sha256 != image.sha256:
            found = f"a board that runs {self.hello.model} {self.hello.sha256}"
            raise self._wrong(found, f"{image.name} {image.sha256}")
        return self.hello

    def use_built_in(self) -> Hello:
        """Back to the compiled-in model, for good."""
        answer = self.ask(FrameType.MODEL_BUILT_IN, answer="hello")
        self.hello = read_hello(answer, source=self._transport.name)
        if self.hello.model_slot:
            raise self._wrong(f"model_slot {self.hello.model_slot}", "0, the compiled-in model")
        return self.hello

    def _send_image(self, data: bytes, on_progress: OnProgress) -> None:
        """Go-back-N, as audio; the board says which byte it waits for."""
        taken = sent = reached = 0  # ends of the bytes that are taken, sent now, ever sent
        repeated = False
        window = self.hello.credits * MODEL_PIECE_BYTES
        progress = _Progress(self._patience)
        while taken < len(data):
            if progress.ended:
                raise self._silent("model")
            while sent < min(taken + window, len(data)):
                piece = struct.pack("<I", sent) + data[sent : sent + MODEL_PIECE_BYTES]
                self._transport.write(encode_frame(FrameType.MODEL_DATA, self._request, piece))
                sent = min(sent + MODEL_PIECE_BYTES, len(data))
            reached = max(reached, sent)
            event = self._next(time.monotonic() + self._answer_seconds)
            if event is None:
                sent = taken
            elif event.name == "refused":
                raise self._refused(event)
            elif event.name == "model":
                wanted = number_of(event, "next", taken, reached, source=self._transport.name)
                if wanted > taken:
                    taken, repeated = wanted, False
                    sent = max(sent, taken)
                    progress.made()
                    on_progress(taken)
                elif not repeated:
                    sent, repeated = taken, True

    def _greet(self) -> Hello:
        # A zero byte ends whatever the board has received before.
        self._transport.write(b"\0")
        event = self.ask(FrameType.HELLO, answer="hello")
        hello = read_hello(event, source=self._transport.name)
        self.greeting = event
        self._connected = True
        return hello

    def ask(self, kind: FrameType, payload: bytes = b"", *, answer: str) -> Event:
        """Sends a request, again and again, until its `answer` comes: the name of an event.

        Raises:
            Refused: the board cannot do it.
            StapesError: the board is silent, or its answer makes no sense.
        """
        self._request = (self._request + 1) & 0xFF
        frame = encode_frame(kind, self._request, payload)
        progress = _Progress(self._patience)
        while not progress.ended:
            self._transport.write(frame)
            deadline = time.monotonic() + self._answer_seconds
            while (event := self._next(deadline)) and not progress.ended:
                if event.fields.get("request") != str(self._request):
                    continue
                if event.name == "refused":
                    raise self._refused(event)
                if event.name == answer:
                    return event
        raise self._silent(answer)

    def _stream(self, frames: list[bytes], on_taken: Callable[[int], None]) -> Event:
        # How many frames the board has acknowledged, how many are sent now, how many ever were.
        taken = sent = reached = 0
        repeated = False  # went back already since the last progress
        progress = _Progress(self._patience)
        done = None
        # Some transports keep frames until the board takes them: these need not wait for an ack.
        credits = max(self.hello.credits, getattr(self._transport, "waiting_frames", 0))
        while taken < len(frames) or done is None:
            if progress.ended:
                raise self._silent("ack")
            while sent < min(taken + credits, len(frames)):
                self._transport.write(frames[sent])
                sent += 1
            reached = max(reached, sent)
            event = self._next(time.monotonic() + self._answer_seconds)
            if event is None:
                # If all frames are taken, the last one is sent again to get its answer.
                sent = min(taken, len(frames) - 1)
            elif event.name == "done":
                if reached < len(frames):
                    raise self._wrong("'done' before the end", "an 'ack'")
                done = event
            elif event.name == "ack":
                more = self._acknowledged(event, taken, reached)
                if more:
                    taken += more
                    sent = max(sent, taken)
                    repeated = False
                    progress.made()
                    on_taken(taken)
                elif sent > taken and not repeated:
                    sent, repeated = taken, True
        return done

    def _acknowledged(self, event: Event, taken: int, reached: int) -> int:
        """How many frames more than `taken` the board has; at most up to `reached`."""
        following = number_of(event, "next", 0, 0xFF, source=self._transport.name)
        more = (following - taken) & 0xFF
        if more > reached - taken:
            raise self._wrong(
                f"an ack of frames before {following}",
                f"those before {taken & 0xFF} to {reached & 0xFF}, which were sent",
            )
        return more

    def _next(self, deadline: float) -> Event | None:
        """The next answer, or None at the deadline. Other events go to `on_event` meanwhile."""
        while True:
            while self._events:
                event = self._events.popleft()
                self._check(event)
                if event.name in _ANSWERS:
                    return event
                self._on_event(event)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            self._events.extend(self.reader.feed(self._transport.read(remaining)))

    def _check(self, event: Event) -> None:
        name = self._transport.name
        if event.name == "fatal":
            raise StapesError(
                f"{name}: the board stopped ({event.fields.get('reason', 'no reason given')}, "
                f"pc {event.number('pc'):#x}); build its firmware again"
            )
        if event.starts_anew and self._connected:
            raise StapesError(
                f"{name}: the board restarted in the middle; check its power supply, then start "
                "again"
            )

    def _refused(self, event: Event) -> Refused:
        reason = told = event.fields.get("reason", "no reason given")
        if "operator" in event.fields:
            operator = event.fields["operator"] or "unknown"
            reason += f", operator {event.number('operator_index')} ({operator})"
        change = "nothing changed"
        if "fallen" in event.fields:
            change = (
                f"the model that ran before does not run any more ({event.fields['fallen']}), the "
                "built-in one runs; load a model again"
            )
        return Refused(
            f"{self._transport.name}: the board refused ({reason}); {change}", reason=told
        )

    def _wrong(self, found: str, expected: str) -> StapesError:
        return not_asked_for(self._transport.name, found, expected)

    def _silent(self, answer: str) -> StapesError:
        return StapesError(
            f"{self._transport.name}: no {answer!r} for {self._patience:.0f} s "
            f"({self.reader.counts.damaged} damaged lines came), expected a board that runs "
            "Stapes; check cable, baud rate, firmware, and that no other program uses the port"
        )


class _Progress:
    """Whether the board made any progress in the last `seconds`; other lines do not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.made()

    def made(self) -> None:
        """The board made progress: the time starts again."""
        self._end = time.monotonic() + self._seconds

    @property
    def ended(self) -> bool:
        return time.monotonic() >= self._end
