# SPDX-License-Identifier: Apache-2.0
"""Damage of every kind to both directions of the link: nothing crashes, every loss is counted, and
both sides are in step again within one frame or line.

The board is the firmware itself (stapes-firmware --link, built with sanitizers).
"""

import contextlib
import os
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_bytes import line

from stapes.link.protocol import FrameType, LineReader, encode_frame, parse_line
from stapes.link.session import Session
from stapes.link.transport import ProgramTransport

MORE = int(os.environ.get("STAPES_EXAMPLES", "1"))  # factor on the number of examples


@dataclass(frozen=True)
class Hit:
    """One kind of damage, at a place from 0 (start) to 1 (end) of the bytes."""

    kind: str
    place: float
    extra: bytes

    def apply(self, data: bytes) -> bytes:
        at = int(self.place * len(data))
        before, hit, after = data[:at], data[at : at + 1], data[at + 1 :]
        match self.kind:
            case "flip":
                return before + bytes([hit[0] ^ 1 << (self.extra[0] % 8)]) + after
            case "drop":
                return before + after
            case "insert":
                return before + self.extra + hit + after
            case "duplicate":
                return before + hit + hit + after
        return before  # cut


hits = st.builds(
    Hit,
    kind=st.sampled_from(["flip", "drop", "insert", "duplicate", "cut"]),
    place=st.floats(0, 1, exclude_max=True),
    extra=st.binary(min_size=1, max_size=4),
)
payloads = st.binary(max_size=256)
kinds = st.sampled_from(list(FrameType))


@pytest.fixture(scope="module")
def program(firmware, tmp_path_factory):
    slots = tmp_path_factory.mktemp("slots") / "models"
    command = [str(firmware.program), "--link", "--models", str(slots)]
    with contextlib.closing(ProgramTransport(command)) as transport:
        yield transport


def errors(stats: dict[str, object]) -> int:
    names = ("bad_framing", "bad_length", "bad_checksum", "bad_command", "out_of_order")
    return sum(stats[name] for name in names)


@settings(max_examples=60 * MORE, derandomize=MORE == 1)
@given(frames=st.lists(st.tuples(kinds, st.integers(0, 255), payloads), max_size=8))
def test_whole_frames_of_any_content_are_answered_or_counted(program, frames):
    session = Session(program)
    # Answers to an earlier example may still come. The end of that example may cut the first line.
    before = session.reader.counts.damaged
    for kind, sequence, payload in frames:
        program.write(encode_frame(kind, sequence, payload))
    assert session.stats()["lost_lines"] == 0
    assert session.reader.counts.damaged == before
    assert session.reader.counts.lost == 0


@settings(max_examples=150 * MORE, derandomize=MORE == 1)
@given(kind=kinds, payload=payloads, hit=hits)
def test_a_damaged_frame_is_counted_and_the_next_one_heard(program, kind, payload, hit):
    session = Session(program, tries=1, answer_seconds=60)
    before = errors(session.stats())
    frame = encode_frame(kind, 7, payload)[:-1]
    damaged = hit.apply(frame)
    program.write(damaged + b"\0")
    found = errors(session.stats()) - before  # asked once only
    pieces = [piece for piece in damaged.split(b"\0") if piece]
    if frame not in pieces:  # a zero byte beside a whole frame does no harm
        assert found >= 1 or not pieces
    assert found <= len(pieces)


names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
texts = st.text(st.characters(codec="utf-8"), max_size=30)


def escape(text: str) -> str:
    """As docs/protocol.md has it."""
    plain = set(range(0x21, 0x7F)) - set(b"%*$=,")
    return "".join(chr(c) if c in plain else f"%{c:02X}" for c in text.encode())


@settings(max_examples=200 * MORE, derandomize=MORE == 1)
@given(name=names, fields=st.dictionaries(names, texts), sequence=st.integers(0, 0xFFFF))
def test_every_line_comes_through(name, fields, sequence):
    words = [f"{key}={escape(text)}" for key, text in fields.items() if key != "labels"]
    event = parse_line(line(sequence, " ".join([name, *words])).rstrip(b"\n"))
    assert (event.name, event.sequence) == (name, sequence)
    for key, text in fields.items():
        if key != "labels" and text.isprintable():
            assert event.fields[key] == text


@settings(max_examples=200 * MORE, derandomize=MORE == 1)
@given(blows=st.dictionaries(st.integers(1, 28), hits, max_size=10), size=st.integers(1, 50))
def test_every_lost_line_is_counted_and_whole_ones_come_through(blows, size):
    sent = [line(i, f"detection time_ms={20 * i} label=yes score=0.9") for i in range(30)]
    data = b"".join(blows[i].apply(piece) if i in blows else piece for i, piece in enumerate(sent))
    reader = LineReader()
    events = [
        event
        for start in range(0, len(data), size)
        for event in reader.feed(data[start : start + size])
    ]
    numbers = [event.number("time_ms") // 20 for event in events]
    assert numbers == sorted(set(numbers))
    # A line end that is damaged takes the next line with it.
    assert {i for i in range(30) if i not in blows and i - 1 not in blows} <= set(numbers)
    assert reader.counts.lost == 30 - len(numbers)
    assert reader.counts.restarts == 0
