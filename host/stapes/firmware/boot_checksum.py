# SPDX-License-Identifier: Apache-2.0
"""Fills in the checksum that the boot ROM of an RP2040 wants in the first 256 bytes of flash.

    python -m stapes.firmware.boot_checksum stapes-firmware.elf

Source: RP2040 Datasheet, 2.8.1.3.1: CRC-32 of the first 252 bytes, polynomial 0x04C11DB7, start
0xFFFFFFFF, not reflected, not inverted; stored low byte first."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import write_bytes
from stapes.plain import say

SECTION = b".boot"
CHECKED_BYTES = 252


def boot_crc32(data: bytes) -> int:
    """The boot ROM's checksum of some bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def fill_in(elf: bytes) -> bytes:
    """The 32-bit ELF image with the checksum in its section .boot.

    Raises:
        StapesError: no such section of 256 bytes.
    """
    place = _section(elf)
    crc = boot_crc32(elf[place : place + CHECKED_BYTES])
    end = place + CHECKED_BYTES
    return elf[:end] + struct.pack("<I", crc) + elf[end + 4 :]


def _section(elf: bytes) -> int:
    """The place of the section in the file."""
    (headers,) = struct.unpack_from("<I", elf, 32)
    size, count, names_index = struct.unpack_from("<3H", elf, 46)
    entries = [struct.unpack_from("<10I", elf, headers + i * size) for i in range(count)]
    names = entries[names_index][4]
    for name, _, _, _, offset, length, *_ in entries:
        if elf[names + name :].startswith(SECTION + b"\0"):
            if length != CHECKED_BYTES + 4:
                raise StapesError(f".boot: found {length} bytes, expected 256; shorten it")
            return offset
    raise StapesError("found no section .boot, expected one; add the board's boot2.cc")


def main() -> int:
    path = Path(sys.argv[1])
    try:
        mode = path.stat().st_mode
        write_bytes(path, fill_in(path.read_bytes()))
        path.chmod(mode)
    except StapesError as error:
        say(f"{path}: {error}", to=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
