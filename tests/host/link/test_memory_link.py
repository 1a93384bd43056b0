# SPDX-License-Identifier: Apache-2.0
"""Bytes into an emulated board through shared memory, with a board played by the test."""

import socket
import struct
import threading

import numpy as np
import pytest

from stapes.link.memory_link import MARK, RING_BYTES, SHARED_BYTES, MemoryTransport, SharedRing
from stapes.link.transport import LinkClosed

MEMORY_BYTES = 1 << 20
HEADER = struct.Struct("<16sII")


class Board:
    """The other side: reads the ring as boards/common/memory_link.cc does."""

    def __init__(self, path) -> None:
        self.memory = np.memmap(path, np.uint8, "r+", MEMORY_BYTES - SHARED_BYTES, SHARED_BYTES)

    @property
    def header(self) -> tuple[bytes, int, int]:
        return HEADER.unpack(self.memory[: HEADER.size].tobytes())

    def read(self, most: int) -> bytes:
        _, written, read = self.header
        count = min((written - read) % 2**32, most)
        places = HEADER.size + (read + np.arange(count)) % RING_BYTES
        data = self.memory[places].tobytes()
        self.memory[20:24] = np.frombuffer(struct.pack("<I", (read + count) % 2**32), np.uint8)
        return data


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory"


@pytest.fixture
def link(path):
    """The transport, the board, and the board's end of the serial port."""
    ours, theirs = socket.socketpair()
    transport = MemoryTransport("board", ours, SharedRing(path, MEMORY_BYTES))
    yield transport, Board(path), theirs
    transport.close()
    theirs.close()


def test_a_board_finds_the_mark_and_an_empty_ring_at_the_end_of_its_memory(path):
    path.write_bytes(b"\xff" * MEMORY_BYTES)  # left by another run
    SharedRing(path, MEMORY_BYTES).close()
    assert path.stat().st_size == MEMORY_BYTES
    assert Board(path).header == (MARK, 0, 0)


def test_all_bytes_arrive_in_order_however_slowly_the_board_reads(link):
    transport, board, _ = link
    sent = np.random.default_rng(1).integers(0, 256, 3 * RING_BYTES + 7).astype(np.uint8).tobytes()
    writer = threading.Thread(target=transport.write, args=[sent])
    writer.start()
    came = b""
    while len(came) < len(sent):
        came += board.read(1000)
    writer.join()
    assert came == sent
    assert board.header[1] == board.header[2] == len(sent)


def test_the_counts_of_bytes_wrap(path):
    ring, board = SharedRing(path, MEMORY_BYTES), Board(path)
    start = 2**32 - 3
    board.memory[16:24] = np.frombuffer(struct.pack("<II", start, start), np.uint8)
    assert ring.put(b"abcdefgh") == 8
    assert board.read(100) == b"abcdefgh"
    assert board.header[1:] == (5, 5)
    ring.close()


def test_a_ring_takes_what_it_has_room_for(path):
    ring, board = SharedRing(path, MEMORY_BYTES), Board(path)
    assert ring.put(bytes(RING_BYTES + 10)) == RING_BYTES
    assert ring.put(b"x") == 0
    board.read(4)
    assert ring.put(b"abcdefgh") == 4
    ring.close()


def test_what_the_board_says_comes_over_the_serial_port(link):
    transport, _, theirs = link
    theirs.sendall(b"$0000 hello\r\n")
    assert transport.read(1.0) == b"$0000 hello\r\n"
    assert transport.read(0.01) == b""


def test_a_board_that_has_gone_is_told_of_whether_bytes_are_sent_or_awaited(link):
    transport, _, theirs = link
    theirs.sendall(b"last words")
    theirs.close()
    with pytest.raises(LinkClosed, match="board: the connection ended"):
        transport.write(bytes(2 * RING_BYTES))
    assert transport.read(1.0) == b"last words"
    with pytest.raises(LinkClosed):
        transport.read(1.0)


def test_a_board_that_takes_nothing_is_given_up(link, monkeypatch):
    transport, _, _ = link
    monkeypatch.setattr(transport, "WRITE_SECONDS", 0.05)
    with pytest.raises(LinkClosed, match="board: took no byte for"):
        transport.write(bytes(RING_BYTES + 1))


def test_it_can_be_closed_twice(link):
    transport, _, _ = link
    transport.close()
    transport.close()
