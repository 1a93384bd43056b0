"""An emulated board whose serial port is a TCP port of this machine."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from stapes.errors import StapesError
from stapes.firmware.boards import Board
from stapes.firmware.devices import find_tool

HOST = "127.0.0.1"


def qemu_command(board: Board, image: Path, tcp_port: int) -> list[str]:
    """QEMU with the board's serial port at `tcp_port`; takes one client after the other.

    Raises:
        StapesError: no such TCP port.
    """
    if not 0 < tcp_port < 65536:
        raise StapesError(f"--tcp_port {tcp_port}: expected 1 to 65535; choose another")
    return [
        *("qemu-system-arm", "-machine", str(board.qemu_machine), "-nographic", "-monitor", "none"),
        *("-serial", f"tcp:{HOST}:{tcp_port},server=on,wait=off"),
        *("-semihosting-config", "enable=on,target=native", "-kernel", str(image)),
    ]


def check_emulator(tcp_port: int) -> None:
    """Raises StapesError where QEMU is missing or the port is taken."""
    find_tool("qemu-system-arm", "run: apt-get install qemu-system-arm")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, tcp_port))
        except OSError as error:
            raise StapesError(
                f"--tcp_port {tcp_port}: cannot be used ({error.strerror}); choose another"
            ) from error


def run_emulator(command: list[str]) -> None:
    """Until Ctrl-C.

    Raises:
        StapesError: the emulator ends by itself.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        return
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    raise StapesError(f"qemu-system-arm: ended by itself (exit status {status}); build it again")
