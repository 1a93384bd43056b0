# SPDX-License-Identifier: Apache-2.0
"""Sends bytes into an emulated board through memory that the emulator shares with this process.
This is many times faster than its serial port, over which the board still answers.

boards/common/memory_link.h is the other side.
"""

from __future__ import annotations

import mmap
import os
import select
import socket
import time
from pathlib import Path

from stapes.link.transport import LinkClosed, SocketTransport

MARK = b"Stapes memory li"
RING_BYTES = 32768
SHARED_BYTES = 65536  # at the end of the board's memory; the ring needs the first of them
_HEADER_BYTES = 24  # mark; counts of bytes written and of bytes read, modulo 2^32
_WRITTEN, _READ = 4, 5  # places of both counts, in words
_POLL_SECONDS = 0.001  # while the ring is full
_HANG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP  # POLLRDHUP: only on Linux


class SharedRing:
    """The ring in the file `path` of `memory_bytes`, made anew: no board may run on it yet.

    The other side may read the bytes at any time.
    """

    def __init__(self, path: Path, memory_bytes: int) -> None:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.truncate(file, memory_bytes)  # without content it takes no space on the disk
            self._map = mmap.mmap(file, SHARED_BYTES, offset=memory_bytes - SHARED_BYTES)
        finally:
            os.close(file)
        self._words = memoryview(self._map)[:_HEADER_BYTES].cast("I")
        self._words[_WRITTEN] = self._words[_READ] = 0
        self._map[: len(MARK)] = MARK

    def put(self, data: bytes) -> int:
        """Writes as many bytes as there is room for; returns how many."""
        written = self._words[_WRITTEN]
        room = RING_BYTES - ((written - self._words[_READ]) & 0xFFFFFFFF)
        data = data[: max(room, 0)]
        start = written % RING_BYTES
        first = min(len(data), RING_BYTES - start)
        self._map[_HEADER_BYTES + start : _HEADER_BYTES + start + first] = data[:first]
        self._map[_HEADER_BYTES : _HEADER_BYTES + len(data) - first] = data[first:]
        # First the bytes, then the count that makes them visible. If a processor changes this
        # order, the board finds the frame damaged, and the host sends it again.
        self._words[_WRITTEN] = (written + len(data)) & 0xFFFFFFFF
        return len(data)

    def close(self) -> None:
        """May be called twice."""
        self._words.release()
        self._map.close()


class MemoryTransport(SocketTransport):
    """Reads from an emulated serial port, writes into `ring`; both are closed with it."""

    is_fast = True  # there is no wire
    waiting_frames = 100  # so many fit into the ring; fewer than half of all sequence numbers

    def __init__(self, name: str, connection: socket.socket, ring: SharedRing) -> None:
        super().__init__(name, connection)
        self._ring = ring
        self._hang_up = select.poll()
        self._hang_up.register(connection, _HANG_UP)

    def write(self, data: bytes) -> None:
        deadline = time.monotonic() + self.WRITE_SECONDS
        while data := data[self._ring.put(data) :]:
            if self._hang_up.poll(0):
                raise LinkClosed(f"{self.name}: the connection ended; check the program")
            if time.monotonic() > deadline:
                raise LinkClosed(
                    f"{self.name}: took no byte for {self.WRITE_SECONDS:.0f} s; restart it"
                )
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        self._ring.close()
        super().close()
