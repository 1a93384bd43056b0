# SPDX-License-Identifier: Apache-2.0
"""Which serial port is the board's: by the USB ids that boards and their probes have."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from serial.tools import list_ports

from stapes.errors import StapesError
from stapes.plain import say

# Vendor, product (None: any) -> what it is, and whether the board itself is the USB device: then
# the baud rate means nothing. Source: the vendors' udev rules and INF files.
USB_IDS: dict[tuple[int, int | None], tuple[str, bool]] = {
    (0x2341, 0x805A): ("Arduino Nano 33 BLE", True),
    (0x2341, 0x005A): ("Arduino Nano 33 BLE, bootloader", True),
    (0x2E8A, 0x000A): ("Raspberry Pi Pico", True),
    (0x2E8A, 0x000C): ("Raspberry Pi debug probe", False),
    (0x0D28, 0x0204): ("CMSIS-DAP probe", False),
    (0x1366, None): ("SEGGER J-Link", False),
    (0x0483, 0x374B): ("ST-LINK/V2-1", False),
    (0x0483, 0x374E): ("STLINK-V3", False),
    (0x0403, None): ("FTDI serial converter", False),
    (0x10C4, 0xEA60): ("CP210x serial converter", False),
    (0x1A86, 0x7523): ("CH340 serial converter", False),
    (0x067B, 0x2303): ("PL2303 serial converter", False),
}


class PortInfo(Protocol):
    """What pyserial tells of a port."""

    device: str
    description: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    location: str | None


Ask = Callable[[Sequence[PortInfo]], PortInfo]


@dataclass
class PortFinder:
    """Finds a board's port, and the same board again under another name after it was unplugged.

    `list_all` lists all ports; `ask` lets the user choose one of several, None: nobody can be
    asked.
    """

    list_all: Callable[[], Sequence[PortInfo]] = list_ports.comports
    ask: Ask | None = None
    _chosen: PortInfo | None = None

    def find(self) -> str:
        """The name of the port.

        Raises:
            StapesError: no board is there, several are and nobody can be asked, or the board that
                was chosen before is not there.
        """
        ports = sorted(self.list_all(), key=lambda port: port.device)
        if self._chosen is None:
            self._chosen = self._choose(ports)
            return self._chosen.device
        for port in ports:
            if _identity(port) == _identity(self._chosen):
                return port.device
        raise StapesError(f"{self._chosen.device}: the board is not there; plug it in")

    def _choose(self, ports: Sequence[PortInfo]) -> PortInfo:
        known = [port for port in ports if kind_of(port) is not None]
        candidates = known or [port for port in ports if port.vid is not None]
        if not candidates:
            raise StapesError(
                "found no board at any USB port, expected one; plug it in, pass --port, or use an "
                "emulated one: stapes monitor --board mps2_an386 --model micro --replay WAV"
            )
        if len(candidates) == 1:
            return candidates[0]
        if self.ask is None:
            raise StapesError(
                f"found {len(candidates)} boards ({', '.join(port.device for port in candidates)})"
                ", expected one; pass --port"
            )
        return self.ask(candidates)


def kind_of(port: PortInfo) -> str | None:
    """What the device at a port is, None when its USB ids are not known."""
    entry = _entry(port)
    return entry[0] if entry else None


def is_usb_device(device: str) -> bool:
    """True when the board at `device` speaks USB itself: no baud rate limits it."""
    for port in list_ports.comports():
        if port.device == device:
            entry = _entry(port)
            return entry is not None and entry[1]
    return False


def ask_on_terminal(ports: Sequence[PortInfo]) -> PortInfo:
    """Shows a numbered list on standard error and reads the choice."""
    for number, port in enumerate(ports, start=1):
        say(f"  {number}  {port.device}  {kind_of(port) or port.description}", to=sys.stderr)
    while True:
        print(f"Which board, 1 to {len(ports)}? ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise StapesError("found no answer, expected the number of a board; pass --port")
        if answer.strip().isdecimal() and 1 <= int(answer) <= len(ports):
            return ports[int(answer) - 1]


def find_port() -> PortFinder:
    """A finder that asks the user if standard input is a terminal."""
    return PortFinder(ask=ask_on_terminal if sys.stdin.isatty() else None)


def _entry(port: PortInfo) -> tuple[str, bool] | None:
    if port.vid is None:
        return None
    return USB_IDS.get((port.vid, port.pid)) or USB_IDS.get((port.vid, None))


def _identity(port: PortInfo) -> tuple[object, ...]:
    """A value that is equal for the same board, whatever the port's name. If the board has no
    serial number, the place counts where it is plugged in."""
    return (port.vid, port.pid, port.serial_number or port.location)
