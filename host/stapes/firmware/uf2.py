# SPDX-License-Identifier: Apache-2.0
"""UF2 files, which a boot loader takes by being copied to its USB drive.

Source: Microsoft, "USB Flashing Format (UF2)", github.com/microsoft/uf2. The build of an image runs
it: python -m stapes.firmware.uf2 image.bin image.uf2 --family 0xe48bff56 --address 0x10000000
"""

from __future__ import annotations

import argparse
import struct
import sys
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import read_bytes, write_bytes
from stapes.plain import say

BLOCK_BYTES = 512
PAYLOAD_BYTES = 256  # every boot loader takes this size
_START = (0x0A324655, 0x9E5D5157)
_END = 0x0AB16F30
_HAS_FAMILY = 0x2000
_DATA_BYTES = 476


def encode(image: bytes, *, family: int, address: int) -> bytes:
    """The blocks of an image that belongs at `address`; `family` says for which chips it is.

    Raises:
        StapesError: an empty image, or an address that is not a multiple of 256.
    """
    if not image:
        raise StapesError("the image is empty, expected some bytes; build it again")
    if address % PAYLOAD_BYTES:
        raise StapesError(
            f"address {address:#x}: expected a multiple of {PAYLOAD_BYTES}; correct board.cmake"
        )
    count = -(-len(image) // PAYLOAD_BYTES)
    return b"".join(
        _block(image, number, count, family=family, address=address) for number in range(count)
    )


def _block(image: bytes, number: int, count: int, *, family: int, address: int) -> bytes:
    start = number * PAYLOAD_BYTES
    payload = image[start : start + PAYLOAD_BYTES].ljust(PAYLOAD_BYTES, b"\xff")
    place = (_HAS_FAMILY, address + start, PAYLOAD_BYTES, number, count, family)
    header = struct.pack("<8I", *_START, *place)
    return header + payload.ljust(_DATA_BYTES, b"\0") + struct.pack("<I", _END)


def main(words: list[str] | None = None) -> int:
    """Writes a file as the build asks; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m stapes.firmware.uf2", description=__doc__)
    parser.add_argument("image", type=Path, help="a .bin file")
    parser.add_argument("output", type=Path, help="the .uf2 file")
    parser.add_argument("--family", type=lambda text: int(text, 0), required=True)
    parser.add_argument("--address", type=lambda text: int(text, 0), required=True)
    given = parser.parse_args(words)
    try:
        image = read_bytes(given.image, what="an image")
        write_bytes(given.output, encode(image, family=given.family, address=given.address))
    except StapesError as error:
        say(f"uf2: error: {error}", to=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
