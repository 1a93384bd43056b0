"""Emulated boards: qemu-system-arm with the serial port on a socket."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from stapes.errors import StapesError
from stapes.link.transport import LinkClosed, SocketTransport, connect

# Board (folder under boards/) -> QEMU's name of the machine.
MACHINES = {
    "microbit": "microbit",
    "mps2_an385": "mps2-an385",
    "mps2_an386": "mps2-an386",
    "mps2_an500": "mps2-an500",
    "mps2_an505": "mps2-an505",
    "mps3_an547": "mps3-an547",
}

MEMORY_BYTES = 16 << 20  # of the RAM that QEMU can keep in a file: the MPS2 boards' PSRAM

# One instruction is 2^6 = 64 ns of emulated time: clocks count instructions, the same every time.
ICOUNT_SHIFT = 6
INSTRUCTION_NS = 1 << ICOUNT_SHIFT

# QEMU needs far less, unless the machine is very busy.
START_SECONDS = 60.0
END_SECONDS = 10.0

# The kernel ends QEMU however this process ends; where there is no setpriv, only `close` does.
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()


def _machine(machine: str, memory: str | Path | None) -> list[str]:
    if memory is None:
        return ["-machine", machine]
    kept = f"memory-backend-file,id=kept,share=on,mem-path={memory},size={MEMORY_BYTES}"
    return ["-machine", f"{machine},memory-backend=kept", "-object", kept]


class Emulator:
    """A running emulated board; `transport` is its serial port. Ends with the `with` block.

    Its clocks count instructions, unless `count_instructions` is False, which is a third faster.
    `memory` is a file that keeps the board's largest RAM when it is switched off.

    Raises:
        StapesError: qemu-system-arm or the image is missing, or the emulator does not start.
    """

    def __init__(
        self,
        board: str,
        image: str | Path,
        *,
        count_instructions: bool = True,
        memory: str | Path | None = None,
    ) -> None:
        if board not in MACHINES:
            raise StapesError(
                f"board {board!r}: found no emulator for it, expected one of "
                f"{', '.join(sorted(MACHINES))}; flash it and use --port"
            )
        if not Path(image).is_file():
            raise StapesError(
                f"{image}: not found, expected the image of a firmware; build it with cmake "
                f"-DSTAPES_BOARD={board} -DSTAPES_MODEL=..."
            )
        if shutil.which("qemu-system-arm") is None:
            raise StapesError(
                "qemu-system-arm: not found, needed to emulate a board; "
                "run: apt-get install qemu-system-arm"
            )
        self._image = image
        self._folder = tempfile.TemporaryDirectory(prefix="stapes-")
        path = f"{self._folder.name}/uart"
        self.process = subprocess.Popen(
            [
                *_ENDS_WITH_US,
                *("qemu-system-arm", *_machine(MACHINES[board], memory), "-nographic"),
                *("-monitor", "none", "-serial", f"unix:{path},server=on,wait=on"),
                *("-semihosting-config", "enable=on,target=native"),
                *(("-icount", f"shift={ICOUNT_SHIFT}") if count_instructions else ()),
                *("-kernel", str(image)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            self.transport = self._connect(board, path)
        except BaseException:
            self.close()
            raise

    def _connect(self, board: str, path: str) -> SocketTransport:
        deadline = time.monotonic() + START_SECONDS
        while not Path(path).exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise self._did_not_run()
            time.sleep(0.01)
        return connect(f"{board} (emulated)", socket.AF_UNIX, path, patience=START_SECONDS)

    def _did_not_run(self) -> StapesError:
        """With QEMU's reason, which registers may follow; it has ended."""
        lines = self.process.stderr.read().decode(errors="replace").splitlines()
        said = [line for line in lines if line.startswith("qemu")][-1:] or ["no reason given"]
        return StapesError(
            f"{self._image}: the emulator ended ({said[0]}), expected the image of a "
            "firmware for this board; build it again"
        )

    def wait(self, timeout: float) -> int:
        """The exit status of a board that ends by itself."""
        return self.process.wait(timeout)

    def close(self) -> None:
        """Switches the board off."""
        if hasattr(self, "transport"):
            self.transport.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
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
