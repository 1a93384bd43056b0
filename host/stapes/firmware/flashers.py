# SPDX-License-Identifier: Apache-2.0
"""The ways to flash a board: a debug probe, a boot loader behind a serial port, a drive, QEMU."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import serial

from stapes.errors import StapesError
from stapes.files import writing
from stapes.firmware import devices
from stapes.firmware.boards import Board
from stapes.firmware.build import image
from stapes.firmware.tools import find_tool

FOR_FLASHING = "for flashing"
NANO_VENDOR = 0x2341
NANO_BOOT_LOADER = 0x005A
NANO_SKETCH = (
    0x805A  # a sketch with USB: it starts the boot loader when its port opens at 1200 baud
)
UNPLUGGED_SECONDS = 5.0

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user said about the way: which probe, port or drive; how long to wait for it."""

    probe: str | None = None
    port: str | None = None
    drive: Path | None = None
    wait_seconds: float = 30.0


class Flasher(Protocol):
    """A way onto a board."""

    def commands(self, folder: Path) -> list[list[str]]:
        """What `flash` does with the build in `folder`, as commands of a shell."""

    def check(self) -> None:
        """Raises StapesError where a program is missing; asked before the build."""

    def flash(self, folder: Path) -> None:
        """Writes the image.

        Raises:
            StapesError: no board is there, or too many are, or writing fails.
        """


def flasher_of(board: Board, options: Options) -> Flasher:
    """Raises StapesError for a board that cannot be flashed."""
    match board.flasher:
        case "pyocd":
            return PyOcd(board, options)
        case "bossac":
            return Bossac(board, options)
        case "uf2":
            return Uf2(board, options)
    raise StapesError(
        f"--board {board.name}: found no STAPES_FLASHER in its board.cmake, expected pyocd, bossac "
        "or uf2; flash it by hand; its README.md says how"
    )


class PyOcd:
    """A debug probe: CMSIS-DAP, ST-LINK or J-Link."""

    def __init__(self, board: Board, options: Options) -> None:
        self._board = board
        self._options = options
        self._target = board.pyocd_target or board.name

    def commands(self, folder: Path) -> list[list[str]]:
        probe = ["--uid", self._options.probe] if self._options.probe else []
        load = ["pyocd", "flash", "--target", self._target, *probe, str(image(folder, "hex"))]
        return [*self._pack(), load]

    def check(self) -> None:
        find_tool("pyocd", purpose=FOR_FLASHING)

    def flash(self, folder: Path) -> None:
        pyocd = find_tool("pyocd", purpose=FOR_FLASHING)
        self._check_probe(_await(lambda: devices.probes(pyocd), self._options.wait_seconds))
        *packs, load = self.commands(folder)
        if packs and not devices.knows_target(pyocd, self._target):
            _run([pyocd, *packs[0][1:]], "it needs the network, once")
        _run([pyocd, *load[1:]], "check cable and supply of the board")

    def _pack(self) -> list[list[str]]:
        """pyOCD knows some chips by itself; for others it needs a pack of their maker, which it
        then keeps."""
        pack = self._board.pyocd_pack
        return [["pyocd", "pack", "install", pack]] if pack else []

    def _check_probe(self, found: list[devices.Probe]) -> None:
        uids = [probe.uid for probe in found]
        wanted = self._options.probe
        if wanted and not any(wanted in uid for uid in uids):
            raise StapesError(
                f"--probe {wanted}: found {', '.join(uids) or 'no probe'}; "
                "stapes flash --list shows what is plugged in"
            )
        if not found:
            raise StapesError(f"{self._board.name}: found no debug probe; {self._board.press}")
        if not wanted and len(found) > 1:
            raise StapesError(
                f"{self._board.name}: found {len(found)} probes ({', '.join(uids)}), expected one; "
                "pass --probe"
            )


class Bossac:
    """The boot loader of Arduino's nRF52840 boards, which speaks SAM-BA."""

    def __init__(self, board: Board, options: Options) -> None:
        self._board = board
        self._options = options

    def commands(self, folder: Path) -> list[list[str]]:
        return [self._command(self._options.port or "PORT", folder)]

    def check(self) -> None:
        find_tool("bossac", purpose=FOR_FLASHING)

    def flash(self, folder: Path) -> None:
        bossac = find_tool("bossac", purpose=FOR_FLASHING)
        port = self._options.port or self._boot_loader()
        _run([bossac, *self._command(port, folder)[1:]], self._board.press)

    def _command(self, port: str, folder: Path) -> list[str]:
        # Like the call in Arduino's own platform.txt; the boot loader adds the program's start.
        name = port.removeprefix("/dev/")
        return ["bossac", f"--port={name}", "-U", "-i", "-e", "-w", str(image(folder, "bin")), "-R"]

    def _boot_loader(self) -> str:
        found = self._ports(NANO_BOOT_LOADER)
        if not found:
            for sketch in self._ports(NANO_SKETCH):
                touch(sketch.device)
            found = _await(lambda: self._ports(NANO_BOOT_LOADER), self._options.wait_seconds)
        if len(found) != 1:
            names = ", ".join(port.device for port in found) or "none"
            raise StapesError(
                f"{self._board.name}: found {len(found)} boot loaders ({names}), expected one; "
                f"{self._board.press}, or pass --port"
            )
        return found[0].device

    @staticmethod
    def _ports(product: int) -> list[devices.Port]:
        return [
            port
            for port in devices.ports()
            if (port.vendor, port.product) == (NANO_VENDOR, product)
        ]


class Uf2:
    """A boot loader that shows a drive and flashes the file copied to it."""

    def __init__(self, board: Board, options: Options) -> None:
        self._board = board
        self._options = options

    def commands(self, folder: Path) -> list[list[str]]:
        drive = self._options.drive or Path("DRIVE")
        return [["cp", str(image(folder, "uf2")), f"{drive}/"]]

    def check(self) -> None:
        pass

    def flash(self, folder: Path) -> None:
        source, drive = image(folder, "uf2"), self._drive()
        target = drive / source.name
        with writing(target):
            try:
                shutil.copyfile(source, target)
            except OSError:
                # The board restarts with the last block, at times before the copy has returned.
                if devices.uf2_drive(drive) is not None:
                    raise

    def _drive(self) -> Path:
        if self._options.drive:
            if devices.uf2_drive(self._options.drive) is None:
                raise StapesError(
                    f"--drive {self._options.drive}: found no {devices.INFO_FILE} in it, expected "
                    f"the drive of a boot loader; {self._board.press}"
                )
            return self._options.drive
        found = _await(self._drives, self._options.wait_seconds)
        if len(found) != 1:
            names = ", ".join(str(drive.folder) for drive in found) or "none"
            raise StapesError(
                f"{self._board.name}: found {len(found)} drives ({names}), expected one named "
                f"{self._board.uf2_board_id}; {self._board.press}, mount it, or pass --drive"
            )
        return found[0].folder

    def _drives(self) -> list[devices.Drive]:
        wanted = self._board.uf2_board_id
        return [drive for drive in devices.drives() if drive.board_id == wanted]


def touch(port: str) -> None:
    """Opens a port at 1200 baud, which tells an Arduino sketch to start the boot loader."""
    with contextlib.suppress(OSError), serial.Serial(port, 1200):
        pass  # the port goes away


def _await(find: Callable[[], list[Found]], seconds: float) -> list[Found]:
    """What `find` finds; if it finds nothing, tries again, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := find()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _run(command: list[str], remedy: str) -> None:
    """Shows a program's own output.

    Raises:
        StapesError: the program fails.
    """
    done = subprocess.run(command)
    if done.returncode:
        raise StapesError(
            f"{Path(command[0]).name}: exit status {done.returncode}, its output is above; {remedy}"
        )
