# SPDX-License-Identifier: Apache-2.0
"""An emulated board that runs until Ctrl-C, whose serial port other commands open: at a socket that
only its user can reach, or at a TCP port of this machine."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError
from stapes.firmware.emulator import ending_with_us
from stapes.firmware.tools import find_tool

HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class SerialPort:
    """The serial port of an emulated board: as QEMU's -serial takes it, and as --port takes it."""

    serial: str
    url: str


def tcp_port(number: int) -> SerialPort:
    """A TCP port: anyone on this machine can connect."""
    address = f"{HOST}:{number}"
    return SerialPort(serial=f"tcp:{address},server=on,wait=off", url=f"socket://{address}")


def unix_socket(board: str) -> SerialPort:
    """A socket for each board, in a folder of the user's own."""
    path = _folder() / board
    return SerialPort(serial=f"unix:{path},server=on,wait=off", url=f"unix:{path}")


def check_emulator(emulator: str, port: SerialPort) -> None:
    """Makes ready for `run_emulator` with this program.

    Raises:
        StapesError: QEMU is missing, the port is taken, or the folder belongs to someone else.
    """
    find_tool(emulator, purpose="to emulate a board")
    kind, _, address = port.serial.partition(",")[0].partition(":")
    if kind == "tcp":
        _check_tcp(int(address.rpartition(":")[2]))
    else:
        _check_folder()
        _check_unix(Path(address))


def run_emulator(command: list[str]) -> None:
    """Runs the emulator until Ctrl-C, or until this process ends in another way.

    Raises:
        StapesError: the emulator ends by itself.
    """
    process = subprocess.Popen(ending_with_us(command), stdin=subprocess.DEVNULL)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        return
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    raise StapesError(f"{command[0]}: ended by itself (exit status {status}); build it again")


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"stapes-{os.getuid()}"


def _check_folder() -> None:
    """Makes the folder, which nobody else may enter."""
    folder = _folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        raise StapesError(
            f"{folder}: found a folder that others can enter, expected your own with mode 700; "
            "remove it, or pass --tcp_port"
        )


def _check_unix(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise StapesError(
                f"{path}: found an emulated board that already runs there; stop it first, or pass "
                "--tcp_port"
            )


def _check_tcp(number: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError as error:
            raise StapesError(
                f"--tcp_port {number}: cannot be used ({error.strerror}); choose another"
            ) from error
