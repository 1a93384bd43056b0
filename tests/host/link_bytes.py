# SPDX-License-Identifier: Apache-2.0
"""Both ends of the link in bytes, for tests. They were written from docs/protocol.md, without the
code that they test. And a connection that damages its bytes."""

from __future__ import annotations

import random
import struct

from stapes.link.protocol import Event, FrameType, LineReader, crc16, encode_frame
from stapes.link.session import MODEL_PIECE_BYTES
from stapes.link.transport import Transport

LAST_REQUEST = 255
PATIENCE_SECONDS = 120.0  # a busy machine may need many
# For a Session or a LinkPlayer with an emulated board: nothing is sent twice to a slow one.
TRIES = 60
PATIENT = {"answer_seconds": 5.0, "tries": TRIES}


def line(sequence: int, body: str) -> bytes:
    """A line as a board sends it."""
    text = f"{sequence:04X} {body}".encode()
    return b"$" + text + f"*{crc16(text):04X}\r\n".encode()


def cobs_decode(data: bytes) -> bytes:
    """By the definition of COBS: each code says where the next zero byte was."""
    out, position = bytearray(), 0
    while position < len(data):
        code = data[position]
        out += data[position + 1 : position + code]
        position += code
        if code < 255 and position < len(data):
            out.append(0)
    return bytes(out)


def model_frames(data: bytes, crc32: int) -> list[bytes]:
    """The frames that send a model image and its checksum."""
    pieces = [
        struct.pack("<I", start) + data[start : start + MODEL_PIECE_BYTES]
        for start in range(0, len(data), MODEL_PIECE_BYTES)
    ]
    return [
        encode_frame(FrameType.MODEL_BEGIN, 1, struct.pack("<II", len(data), crc32)),
        *(encode_frame(FrameType.MODEL_DATA, 1, piece) for piece in pieces),
        encode_frame(FrameType.MODEL_COMMIT, 1, struct.pack("<I", crc32)),
    ]


def answers(transport: Transport, frames: list[bytes]) -> list[Event]:
    """All that a board says to `frames`."""
    for frame in [*frames, encode_frame(FrameType.STATS, LAST_REQUEST)]:
        transport.write(frame)
    reader, events = LineReader(), []
    while not any(event.number("request") == LAST_REQUEST for event in events):
        said = transport.read(PATIENCE_SECONDS)
        assert said, f"silence after {events}"
        events.extend(reader.feed(said))
    return events[:-1]


class BadConnection:
    """Damages one piece in `one_in` on its way; 0 for none."""

    def __init__(
        self, transport: Transport, *, to_board: int = 0, to_host: int = 0, seed: int = 0
    ) -> None:
        self.name = transport.name
        self.hits = 0
        self._transport = transport
        self._to_board, self._to_host = to_board, to_host
        self._rng = random.Random(seed)

    def read(self, timeout: float) -> bytes:
        return self._perhaps(self._transport.read(timeout), self._to_host)

    def write(self, data: bytes) -> None:
        self._transport.write(self._perhaps(data, self._to_board))

    def close(self) -> None:
        self._transport.close()

    def _perhaps(self, data: bytes, one_in: int) -> bytes:
        if not data or not one_in or self._rng.randrange(one_in):
            return data
        self.hits += 1
        at = self._rng.randrange(len(data))
        byte = bytes([data[at] ^ 1 << self._rng.randrange(8)])
        noise = self._rng.randbytes(3)
        middles = [byte, b"", noise + data[at : at + 1], data[at : at + 1] * 2]
        if choice := self._rng.randrange(5):
            return data[:at] + middles[choice - 1] + data[at + 1 :]
        return data[:at]
