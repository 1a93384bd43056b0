# SPDX-License-Identifier: Apache-2.0
"""A fault, a full stack or a program that hangs restarts a board, and the board says why. The tests
cause each of them on every emulated board."""

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import pytest

from stapes.firmware.boards import all_boards
from stapes.firmware.emulator import Emulator
from stapes.link.protocol import Event, LineReader

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [ROOT / "tests" / "board" / "faults" / "fault_main.cc"]
BOARDS = [board.name for board in all_boards(ROOT).values() if board.emulated]
WATCHED = [board for board in BOARDS if board != "microbit"]  # QEMU has no watchdog of the nRF51
# With interrupts off, only an NMI is noticed, and qemu_riscv32 has none.
WATCHED_AT_ALL_TIMES = [board for board in WATCHED if board != "qemu_riscv32"]


@dataclass(frozen=True, kw_only=True)
class Exceptions:
    """Numbers of the exceptions: undefined instruction, call to no address, watchdog."""

    undefined: int
    nowhere: int
    watchdog: int


CORTEX_M = Exceptions(undefined=3, nowhere=3, watchdog=2)  # HardFault, NMI
RISC_V = Exceptions(undefined=2, nowhere=1, watchdog=0x8000_0007)  # the timer's interrupt
EXCEPTIONS = dict.fromkeys(BOARDS, CORTEX_M) | {"qemu_riscv32": RISC_V}


@pytest.fixture(scope="module")
def images(build_image):
    built = {}

    def image(board: str) -> Path:
        if board not in built:
            built[board] = build_image(board, SOURCES)
        return built[board]

    return image


class Victim:
    """A running board and what it says."""

    def __init__(self, emulator: Emulator) -> None:
        self._transport = emulator.transport
        self._reader = LineReader()
        self._events: deque[Event] = deque()

    def next(self, name: str) -> Event:
        """The next event, which must be `name`."""
        deadline = time.monotonic() + 300
        while not self._events and time.monotonic() < deadline:
            self._events.extend(self._reader.feed(self._transport.read(0.2)))
        assert self._events, f"no {name}"
        event = self._events.popleft()
        assert event.name == name, event
        return event

    def provoke(self, what: bytes) -> None:
        self._transport.write(what)


def address(event: Event, name: str) -> int:
    """The address of a function, without the bit that says Thumb."""
    return event.number(name) & ~1


def provoked(victim: Victim, what: bytes) -> Event:
    """What the board says after it has restarted."""
    victim.provoke(what)
    fatal = victim.next("fatal")
    victim.next("ready")
    return fatal


@pytest.mark.parametrize("board", BOARDS)
def test_after_a_fault_the_board_restarts_and_says_where_it_was(images, board):
    with Emulator(board, images(board)) as emulator:
        victim = Victim(emulator)
        at = address(victim.next("ready"), "undefined_at")
        for _ in range(2):
            fatal = provoked(victim, b"u")
            assert fatal.fields["reason"] == "fault"
            assert fatal.number("exception") == EXCEPTIONS[board].undefined
            assert at <= fatal.number("pc") < at + 8
        fatal = provoked(victim, b"c")  # a call into nowhere
        assert fatal.fields["reason"] == "fault"
        assert fatal.number("exception") == EXCEPTIONS[board].nowhere
        assert provoked(victim, b"s").fields["reason"] == "stack overflow"


@pytest.mark.parametrize("board", BOARDS)
def test_an_image_cannot_run_a_command_of_this_machine(images, board):
    ran = Path("semihosting_ran_this")
    with Emulator(board, images(board)) as emulator:
        victim = Victim(emulator)
        victim.next("ready")
        assert provoked(victim, b"x").fields["reason"] == "fault"
    assert not ran.exists()


@pytest.mark.parametrize("board", WATCHED)
def test_a_program_that_hangs_is_found_by_the_watchdog(images, board):
    with Emulator(board, images(board)) as emulator:
        victim = Victim(emulator)
        at = address(victim.next("ready"), "hang_at")
        fatal = provoked(victim, b"h")
        assert fatal.fields["reason"] == "watchdog"
        assert fatal.number("exception") == EXCEPTIONS[board].watchdog
        assert at <= fatal.number("pc") < at + 16
        if board in WATCHED_AT_ALL_TIMES:
            assert provoked(victim, b"i").fields["reason"] == "watchdog"  # interrupts held back


@pytest.mark.parametrize("board", WATCHED)
def test_a_program_that_feeds_the_watchdog_is_left_alone(images, board):
    with Emulator(board, images(board)) as emulator:
        victim = Victim(emulator)
        victim.next("ready")
        victim.provoke(b"w")  # works for longer than the watchdog waits
        victim.next("ready")
