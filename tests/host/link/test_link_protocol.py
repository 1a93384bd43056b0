# SPDX-License-Identifier: Apache-2.0
"""The bytes of the link: frames that the host makes, lines that it reads, and damage to them."""

import random

import numpy as np
import pytest
from link_bytes import cobs_decode, line

from stapes.link.protocol import (
    MAX_LINE_BYTES,
    MAX_PAYLOAD_BYTES,
    FrameType,
    LineReader,
    cobs_encode,
    crc16,
    encode_frame,
    parse_line,
)


def test_the_checksum_is_crc_16_ccitt_false():
    assert crc16(b"123456789") == 0x29B1


@pytest.mark.parametrize("size", [0, 1, 253, 254, 255, 256])
@pytest.mark.parametrize("zeros", [0.0, 0.3, 1.0])
def test_cobs_leaves_no_zero_byte_and_loses_nothing(size, zeros):
    random_state = np.random.default_rng(size)
    data = random_state.integers(1, 256, size).astype(np.uint8)
    data[random_state.random(size) < zeros] = 0
    encoded = cobs_encode(data.tobytes())
    assert 0 not in encoded
    assert cobs_decode(encoded) == data.tobytes()


def test_a_frame_is_type_sequence_payload_and_checksum():
    frame = encode_frame(FrameType.AUDIO, 300, b"\1\0\2")
    assert frame[-1] == 0
    body = cobs_decode(frame[:-1])
    assert body[:-2] == bytes([5, 300 % 256, 1, 0, 2])
    assert int.from_bytes(body[-2:], "little") == crc16(body[:-2])


def test_a_payload_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="257 bytes"):
        encode_frame(FrameType.AUDIO, 0, bytes(MAX_PAYLOAD_BYTES + 1))


def test_a_line_gives_its_event():
    (event,) = LineReader().feed(line(7, "detection time_ms=4480 label=yes score=0.87311"))
    assert (event.name, event.sequence) == ("detection", 7)
    assert event.values() == {"time_ms": 4480, "label": "yes", "score": 0.87311}


def test_values_are_typed_by_their_field():
    (event,) = LineReader().feed(line(0, "x labels=7,a%20b q=80FF007F label=12 n=5 later=abc"))
    assert event.values() == {
        "labels": ["7", "a b"],
        "q": [-128, -1, 0, 127],
        "label": "12",
        "n": 5,
        "later": "abc",
    }


def test_escaped_text_comes_back():
    (event,) = LineReader().feed(line(0, "log text=%24%2A%25%3D%20%C3%A9"))
    assert event.fields["text"] == "$*%= é"


def test_text_that_would_steer_a_terminal_stays_escaped():
    (event,) = LineReader().feed(line(0, "x label=%1B[2J%0Afake labels=a%C2%9B,b"))
    assert event.values() == {
        "label": r"\u001b[2J\u000afake",
        "labels": [r"a\u009b", "b"],
    }
    assert parse_line(line(0, "log text=\x1b[2J").rstrip()) is None


@pytest.mark.parametrize("text", ["9" * 5000, "1" + "0" * 20, "1.e999", "-1.e999", "%C2%B2", ""])
def test_a_number_that_no_board_has_is_text_and_counts_as_0(text):
    (event,) = LineReader().feed(line(0, f"x n={text}"))
    assert event.number("n") == 0
    assert isinstance(event.values()["n"], str)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"$",
        b"$0000 a",
        b"$0000 a*0000",
        b"$000 a*B4BA",
        line(0, "a b=1").rstrip()[:-1],
        line(0, "a b=1").rstrip().lower(),
        b"\xff" * 50,
    ],
)
def test_what_is_no_whole_line_is_no_event(damaged):
    assert parse_line(damaged) is None


def test_lines_may_come_in_any_pieces():
    data = b"".join(line(i, f"ack next={i}") for i in range(50))
    reader = LineReader()
    events = [event for byte in data for event in reader.feed(bytes([byte]))]
    assert [event.number("next") for event in events] == list(range(50))
    assert reader.counts.damaged == reader.counts.lost == 0


def test_missing_lines_are_counted():
    reader = LineReader()
    list(reader.feed(line(0xFFFE, "a") + line(0xFFFF, "a") + line(0, "a") + line(4, "a")))
    assert reader.counts.lost == 3


def test_a_line_that_comes_twice_is_left_out():
    reader = LineReader()
    assert len(list(reader.feed(line(3, "a") * 2 + line(4, "a")))) == 2
    assert (reader.counts.repeated, reader.counts.lost) == (1, 0)


def test_a_reset_in_mid_line_costs_that_line_only():
    hello = line(0, "hello protocol=1")
    reader = LineReader()
    events = list(reader.feed(line(8, "a") + line(9, "detection time_ms=1")[:12] + hello))
    assert [event.name for event in events] == ["a", "hello"]
    assert (reader.counts.restarts, reader.counts.lost) == (1, 0)


def test_a_hello_that_was_asked_for_is_no_restart():
    reader = LineReader()
    list(reader.feed(line(0, "hello protocol=1") + line(1, "hello protocol=1 request=4")))
    assert reader.counts.restarts == 0


@pytest.mark.parametrize("before", [3, 40000])
def test_a_board_that_says_why_it_restarted_has_restarted_once(before):
    reader = LineReader()
    list(reader.feed(line(before, "ok")))
    list(reader.feed(line(0, "fatal reason=watchdog") + line(1, "hello protocol=1")))
    assert (reader.counts.restarts, reader.counts.lost) == (1, 0)


def test_an_endless_line_is_given_up():
    reader = LineReader()
    for _ in range(100):
        list(reader.feed(b"x" * 1000))
    assert reader.counts.damaged >= 100_000 // (MAX_LINE_BYTES + 1000)
    (event,) = reader.feed(b"\n" + line(1, "a"))
    assert event.name == "a"


def damaged(data: bytes, rng: random.Random) -> bytes:
    """One flip, loss, insertion, repetition or cut."""
    at = rng.randrange(len(data))
    kind = rng.randrange(5)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at] + data[at + 1 :]
    if kind == 2:
        return data[:at] + bytes([rng.randrange(256)]) + data[at:]
    if kind == 3:
        return data[: at + 1] + data[max(0, at - 5) :]
    return data[:at]


@pytest.mark.parametrize("seed", range(200))
def test_damage_never_makes_an_event_and_ends_with_the_next_line(seed):
    rng = random.Random(seed)
    sent = [f"detection time_ms={20 * i} label=yes score=0.9" for i in range(30)]
    pieces = [line(i, body) for i, body in enumerate(sent)]
    hit = sorted(rng.sample(range(1, 28), 6))
    for index in hit:
        pieces[index] = damaged(pieces[index], rng)
    reader = LineReader()
    events = list(reader.feed(b"".join(pieces)))
    times = [event.number("time_ms") // 20 for event in events]
    assert times == sorted(set(times))  # in order, each once
    assert all(event.fields["label"] == "yes" for event in events)
    # After the end of a damaged line, lines are whole again. If the line end itself is damaged,
    # two lines are lost.
    unhurt = {i for i in range(30) if i not in hit and i - 1 not in hit}
    assert unhurt <= set(times)
    assert reader.counts.lost == 30 - len(times)
    assert reader.counts.damaged <= 2 * len(hit)
    assert reader.counts.restarts == 0


def test_noise_makes_no_events():
    rng = np.random.default_rng(0)
    reader = LineReader()
    assert list(reader.feed(rng.integers(0, 256, 300_000).astype(np.uint8).tobytes())) == []
    assert reader.counts.damaged > 900
    assert len(list(reader.feed(b"\n" + line(0, "a")))) == 1
