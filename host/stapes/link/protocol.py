# SPDX-License-Identifier: Apache-2.0
"""The bytes of the serial link, as docs/protocol.md describes them: frames out, lines in.

COBS: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", 1999. Checksum:
CRC-16/CCITT-FALSE.
"""

from __future__ import annotations

import binascii
import enum
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from stapes.plain import plain

PROTOCOL_VERSION = 1
WAKE_STAGE = "wake"  # field `stage` of lines from the wake word's model
MAX_PAYLOAD_BYTES = 256
ALL_AUDIO = 0xFFFFFFFF  # of a listen frame: no limit
MAX_NUMBER_DIGITS = 20  # of a 64-bit number
MAX_LINE_BYTES = 16384  # 64 labels of 48 bytes, all escaped, and the rest of a hello line

# Words are printable ASCII without * and $.
_LINE = re.compile(rb"\$([0-9A-F]{4}) ([!-#%-)+-~]+(?: [!-#%-)+-~]+)*)\*([0-9A-F]{4})")
_DIGITS = re.compile(rf"[0-9]{{1,{MAX_NUMBER_DIGITS}}}")
_TEXT_FIELDS = frozenset(
    {"firmware", "board", "model", "sha256", "label", "reason", "text", "operator", "pcm", "fallen"}
    | {"stage", "wake_model", "wake_sha256"}
)
_LISTS = frozenset({"labels", "wake_labels"})


class FrameType(enum.IntEnum):
    """What the host can ask of a board."""

    HELLO = 1
    RESET = 2
    SCORES = 3
    STATS = 4
    AUDIO = 5
    END = 6
    THRESHOLD = 7
    DECODER = 8
    RESET_DECODER = 9
    LISTEN = 10
    MODEL_BEGIN = 11
    MODEL_DATA = 12
    MODEL_COMMIT = 13
    MODEL_BUILT_IN = 14
    PACKED_AUDIO = 15
    AWAKE = 16
    GATE = 17


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF."""
    return binascii.crc_hqx(data, 0xFFFF)


def cobs_encode(data: bytes) -> bytes:
    """`data` without zero bytes; the terminating zero is not included."""
    out = bytearray()
    for run in data.split(b"\0"):
        while len(run) >= 254:
            out += b"\xff" + run[:254]
            run = run[254:]
        out.append(len(run) + 1)
        out += run
    return bytes(out)


def encode_frame(kind: FrameType, sequence: int, payload: bytes = b"") -> bytes:
    """One frame with its terminating zero byte.

    Raises:
        ValueError: the payload is longer than MAX_PAYLOAD_BYTES.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"payload of {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
    body = bytes([kind, sequence & 0xFF]) + payload
    return cobs_encode(body + crc16(body).to_bytes(2, "little")) + b"\0"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One good line. `fields` hold unescaped text; lists are not split yet. Characters that cannot
    be printed stay escaped: a board's words must not steer a terminal."""

    name: str
    sequence: int
    fields: dict[str, str]

    def number(self, name: str) -> int:
        """An integer field, below 10^20; 0 if the field is missing or is something else (in a later
        protocol version)."""
        return int(self.fields[name]) if self.has_number(name) else 0

    def has_number(self, name: str) -> bool:
        """Whether the field is a number, as `number` reads it."""
        return _DIGITS.fullmatch(self.fields.get(name, "")) is not None

    def texts(self, name: str) -> list[str]:
        """A list of labels; empty if the field is missing."""
        texts = self.values().get(name)
        return texts if isinstance(texts, list) else []

    @property
    def is_of_wake_word(self) -> bool:
        """True for scores and detections of the model that wakes the other model."""
        return self.fields.get("stage") == WAKE_STAGE

    def values(self) -> dict[str, object]:
        """All fields by type: numbers, text, lists of labels, `q` as a list of int8."""
        return {name: _typed(name, text) for name, text in self.fields.items()}

    @property
    def starts_anew(self) -> bool:
        """True for a hello that the board sends by itself: it starts, or another model runs."""
        return self.name == "hello" and "request" not in self.fields


@dataclass(kw_only=True)
class LinkCounts:
    """What a reader has counted."""

    events: int = 0
    damaged: int = 0  # lines that failed their check, and noise
    lost: int = 0  # sequence numbers that never came; damaged lines are among them
    repeated: int = 0  # the same line as before once more; it is left out
    restarts: int = 0  # the board restarted


@dataclass(kw_only=True)
class LineReader:
    """Finds the events in the bytes that come from a board; bytes may be anything."""

    counts: LinkCounts = field(default_factory=LinkCounts)
    _buffer: bytearray = field(default_factory=bytearray)
    _last: Event | None = None

    def feed(self, data: bytes) -> Iterator[Event]:
        """Takes bytes, gives the events that they complete."""
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        if len(rest) > MAX_LINE_BYTES:
            self._buffer.clear()
            self.counts.damaged += 1
        for line in lines:
            if line.strip(b"\r \0"):
                event = parse_line(bytes(line))
                if event is None:
                    self.counts.damaged += 1
                elif event == self._last:
                    self.counts.repeated += 1
                else:
                    self._count(event)
                    yield event

    def forget(self) -> None:
        """Call it after a break of the connection: any line, or the rest of one, may come next."""
        self._buffer.clear()
        self._last = None

    def _count(self, event: Event) -> None:
        self.counts.events += 1
        if self._last is not None:
            gap = (event.sequence - self._last.sequence - 1) & 0xFFFF
            if self._last.name in ("fatal", "log") and gap == 0:
                pass  # the hello after it belongs to the same restart, or to another model
            elif event.name == "fatal" or event.starts_anew or gap >= 0x8000:
                self.counts.restarts += 1
            else:
                self.counts.lost += gap
        self._last = event


def parse_line(line: bytes) -> Event | None:
    """The event of one line; None when it is damaged.

    A board that was reset in the middle of a line begins a new line with a dollar sign. So the last
    dollar sign counts: within a line, dollar signs are escaped.
    """
    start = line.rfind(b"$")
    match = _LINE.fullmatch(line[start:].rstrip(b"\r")) if start >= 0 else None
    if match is None or crc16(line[start + 1 : start + match.start(3) - 1]) != int(match[3], 16):
        return None
    name, *words = match[2].decode("ascii", "replace").split(" ")
    fields = dict(word.split("=", 1) for word in words if "=" in word)
    return Event(
        name=name,
        sequence=int(match[1], 16),
        fields={key: text if key in _LISTS else _plain(text) for key, text in fields.items()},
    )


def _plain(escaped: str) -> str:
    return plain(unquote(escaped))


def _typed(name: str, text: str) -> object:
    if name in _TEXT_FIELDS:
        return text
    if name in _LISTS:
        return [_plain(label) for label in text.split(",")]
    try:
        if name == "q":
            return [(byte + 128) % 256 - 128 for byte in bytes.fromhex(text)]
        if len(text) > MAX_NUMBER_DIGITS:
            return text
        number = float(text) if "." in text else int(text)
        return number if math.isfinite(number) else text
    except ValueError:
        return text
