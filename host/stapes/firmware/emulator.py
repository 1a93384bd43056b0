# SPDX-License-Identifier: Apache-2.0
"""Emulated boards: the one command line of QEMU; programs and boards that run in it."""

from __future__ import annotations

import contextlib
import functools
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from stapes.errors import StapesError
from stapes.firmware.boards import Board, find_emulated
from stapes.firmware.source import find_source
from stapes.firmware.tools import find_tool, run_tool
from stapes.link.memory_link import MemoryTransport, SharedRing
from stapes.link.transport import LinkClosed, SocketTransport, open_socket

# One instruction is 2^6 = 64 ns of emulated time: clocks count instructions, the same every time.
ICOUNT_SHIFT = 6
INSTRUCTION_NS = 1 << ICOUNT_SHIFT
PROGRAM_SECONDS = 300.0

# QEMU needs far less, unless the machine is very busy.
START_SECONDS = 60.0
END_SECONDS = 10.0

# An image may come from anybody: if it breaks out of the emulator, it cannot start other programs.
_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
_SANDBOX_SECONDS = 20.0


def ending_with_us(command: Sequence[str]) -> list[str]:
    """The same command, but the kernel ends it when this process ends, for whatever reason. Without
    the program setpriv, the kernel does not."""
    setpriv = shutil.which("setpriv")
    return [*((setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()), *command]


def sandbox_words(emulator: str) -> list[str]:
    """QEMU's own sandbox, where QEMU and the kernel have it."""
    program = shutil.which(emulator)
    return ["-sandbox", _SANDBOX] if program and _has_sandbox(program) else []


@functools.cache
def _has_sandbox(program: str) -> bool:
    """Tries it: starts QEMU with the sandbox and without a machine, which ends at once."""
    empty = ("-machine", "none", "-display", "none", "-serial", "none", "-monitor", "stdio")
    try:
        done = subprocess.run(
            [program, "-sandbox", _SANDBOX, *empty],
            input=b"quit\n",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SANDBOX_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def qemu_command(
    board: Board,
    image: Path,
    *,
    serials: Sequence[str],
    count_instructions: bool,
    ends_at_reset: bool = False,
    memory: Path | None = None,
) -> list[str]:
    """QEMU with an image on a board. `serials` are the serial ports, as -serial takes them. The
    clocks count instructions, or follow this machine's clock. With `ends_at_reset`, QEMU ends when
    a board would restart. `memory` is a file that is used as the RAM of `qemu_ram_bytes`.

    There is no semihosting: with it, an image could open files and run programs of this machine."""
    size = board.qemu_ram_bytes
    kept = f"memory-backend-file,id=kept,share=on,mem-path={memory},size={size}"
    return [
        *(board.emulator, "-machine"),
        f"{board.qemu_machine}{',memory-backend=kept' if memory else ''}",
        *board.qemu_options,
        *(("-object", kept) if memory else ()),
        *("-nographic", "-monitor", "none"),
        *(word for serial in serials for word in ("-serial", serial)),
        *sandbox_words(board.emulator),
        *(("-no-reboot",) if ends_at_reset else ()),
        *(("-icount", f"shift={ICOUNT_SHIFT}") if count_instructions else ()),
        *("-kernel", str(image)),
    ]


def run_program(board: Board, image: Path, *, count_instructions: bool = True) -> list[str]:
    """The lines that a program on an emulated board prints until it ends. Whether the program
    failed can be seen only from the lines.

    Raises:
        StapesError: QEMU is missing or fails, or the program does not end.
    """
    find_tool(board.emulator, purpose="to emulate a board")
    command = qemu_command(
        board,
        image,
        serials=["stdio"],
        count_instructions=count_instructions,
        ends_at_reset=True,
    )
    return run_tool(ending_with_us(command), timeout_s=PROGRAM_SECONDS).splitlines()


def run_measurement(board: Board, image: Path) -> dict[str, int]:
    """What a program measures on an emulated board. It prints lines "name value", and "done" at the
    end.

    Raises:
        StapesError: the program cannot be run, or prints something else.
    """
    *lines, last = run_program(board, image) or [""]
    if last != "done":
        raise StapesError(f"{image}: found {last!r}, expected a last line 'done'; build it again")
    return {name: int(value) for name, value in (line.split(" ", 1) for line in lines if line)}


def instructions_of(ticks: float, values: dict[str, int]) -> int:
    """How many instructions are executed in `ticks` ticks of a board's fine clock; `values` are
    those of `run_measurement`."""
    return round(ticks / values["ticks_per_second"] * 1e9 / INSTRUCTION_NS)


class Emulator:
    """A running emulated board; `transport` is its serial port. Ends with the `with` block.

    Its clocks count instructions, unless `count_instructions` is False, which is a third faster.
    `memory` is a file that keeps the board's largest RAM when it is switched off. With `fast`, the
    data that is sent goes through that RAM, if the board has it (link/memory_link.py): a real board
    has no such way, and this one is many times faster.

    Raises:
        StapesError: QEMU or the image is missing, or the emulator does not start.
    """

    def __init__(
        self,
        board: str,
        image: str | Path,
        *,
        count_instructions: bool = True,
        memory: str | Path | None = None,
        fast: bool = False,
    ) -> None:
        described = find_emulated(find_source(None), board)
        if not Path(image).is_file():
            raise StapesError(
                f"{image}: not found, expected the image of a firmware; build it with cmake "
                f"-DSTAPES_BOARD={board} -DSTAPES_MODEL=..."
            )
        find_tool(described.emulator, purpose="to emulate a board")
        self._image = image
        self._folder = tempfile.TemporaryDirectory(prefix="stapes-")
        self._ring: SharedRing | None = None
        if fast and described.qemu_ram_bytes:
            memory = memory or Path(self._folder.name) / "memory"
            self._ring = SharedRing(Path(memory), described.qemu_ram_bytes)
        path = f"{self._folder.name}/uart"
        command = qemu_command(
            described,
            Path(image),
            serials=[f"unix:{path},server=on,wait=on"],
            count_instructions=count_instructions,
            memory=Path(memory) if memory else None,
        )
        self.process = subprocess.Popen(
            ending_with_us(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            self.transport = self._connect(f"{board} (emulated)", path)
        except BaseException:
            self.close()
            raise

    def _connect(self, name: str, path: str) -> SocketTransport:
        deadline = time.monotonic() + START_SECONDS
        while not Path(path).exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise self._did_not_run()
            time.sleep(0.01)
        connection = open_socket(name, socket.AF_UNIX, path, patience=START_SECONDS)
        if self._ring is None:
            return SocketTransport(name, connection)
        return MemoryTransport(name, connection, self._ring)

    def _did_not_run(self) -> StapesError:
        """The error with QEMU's reason. QEMU has ended; it may print registers after the reason."""
        assert self.process.stderr  # a pipe
        lines = self.process.stderr.read().decode(errors="replace").splitlines()
        said = [line for line in lines if line.startswith("qemu")][-1:] or ["no reason given"]
        return StapesError(
            f"{self._image}: the emulator ended ({said[0]}), expected the image of a "
            "firmware for this board; build it again"
        )

    def close(self) -> None:
        """Switches the board off."""
        if hasattr(self, "transport"):
            self.transport.close()
        elif self._ring is not None:
            self._ring.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        assert self.process.stderr  # a pipe
        self.process.stderr.close()
        self._folder.cleanup()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if isinstance(error, LinkClosed) and self._failed():
                raise self._did_not_run() from error
        finally:
            self.close()

    def _failed(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(END_SECONDS) != 0
        return False
