# SPDX-License-Identifier: Apache-2.0
"""UF2 files: a boot loader reads the image back, at its address.

The reader here was written from the specification, with its own numbers.
"""

import struct

import pytest

from stapes.errors import StapesError
from stapes.firmware.uf2 import encode, main

RP2040 = 0xE48BFF56


def flash_of(uf2: bytes, *, family: int) -> dict[int, int]:
    """What a boot loader would write: address -> byte."""
    assert len(uf2) % 512 == 0
    blocks = [uf2[start : start + 512] for start in range(0, len(uf2), 512)]
    flash = {}
    for expected, block in enumerate(blocks):
        first, second, flags, address, size, number, count, owner = struct.unpack("<8I", block[:32])
        assert (block[:4], second) == (b"UF2\n", 0x9E5D5157) and first == 0x0A324655
        assert block[508:] == bytes.fromhex("306fb10a")
        assert flags == 0x2000 and owner == family
        assert (number, count) == (expected, len(blocks))
        assert size == 256 and address % 256 == 0
        assert not any(block[32 + size : 508])
        flash |= dict(enumerate(block[32 : 32 + size], address))
    return flash


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000])
def test_the_image_arrives_at_its_address(size):
    image = bytes(i * 7 % 251 for i in range(size))
    flash = flash_of(encode(image, family=RP2040, address=0x10000000), family=RP2040)
    assert bytes(flash[0x10000000 + i] for i in range(size)) == image
    rest = {value for address, value in flash.items() if address >= 0x10000000 + size}
    assert rest <= {0xFF}  # as erased flash


@pytest.mark.parametrize(
    ("image", "address", "expected"),
    [(b"", 0, "the image is empty"), (b"x", 0x10000001, "expected a multiple of 256")],
)
def test_what_no_boot_loader_takes_is_refused(image, address, expected):
    with pytest.raises(StapesError, match=expected):
        encode(image, family=RP2040, address=address)


def test_the_build_calls_it_as_a_program(tmp_path, capsys):
    image, output = tmp_path / "a.bin", tmp_path / "a.uf2"
    options = [str(output), "--family", "0xada52840", "--address", "0x1000"]
    assert main([str(image), *options]) == 2
    assert "a.bin" in capsys.readouterr().err and not output.exists()
    image.write_bytes(b"abc")
    assert main([str(image), *options]) == 0
    assert output.read_bytes() == encode(b"abc", family=0xADA52840, address=0x1000)
