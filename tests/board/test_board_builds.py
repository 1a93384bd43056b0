# SPDX-License-Identifier: Apache-2.0
"""Every board builds: without a warning (they are errors), into files of the same bytes.
An image that does not fit gives a clear error."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stapes.firmware.boards import all_boards, find_board
from stapes.firmware.tools import ToolFailed

ROOT = Path(__file__).resolve().parents[2]
BOARDS = all_boards(ROOT)
BOARDS["template"] = find_board(ROOT, str(ROOT / "boards" / "template"))


def bytes_of_hex(text: str) -> dict[int, int]:
    """Address -> byte. Source: Intel, Hexadecimal Object File Format Specification, 1988."""
    memory, base = {}, 0
    for line in text.splitlines():
        record = bytes.fromhex(line.removeprefix(":"))
        assert sum(record) % 256 == 0
        count, address, kind = record[0], int.from_bytes(record[1:3], "big"), record[3]
        data = record[4 : 4 + count]
        if kind == 0:
            memory |= dict(enumerate(data, base + address))
        elif kind in (2, 4):  # extended segment, extended linear address
            base = int.from_bytes(data, "big") << (4 if kind == 2 else 16)
    return memory


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_builds_into_files_of_the_same_bytes(firmware, name):
    image, board = firmware.image(name), BOARDS[name]
    content = image.with_suffix(".bin").read_bytes()
    assert firmware.model.read_bytes() in content
    in_hex = bytes_of_hex(image.with_suffix(".hex").read_text())
    places = range(board.flash_start, board.flash_start + len(content))
    assert min(in_hex) == places.start and max(in_hex) < places.stop
    assert bytes(in_hex.get(place, 0) for place in places) == content  # gaps are zeros in .bin
    uf2 = image.with_suffix(".uf2")
    assert uf2.exists() == ("STAPES_UF2_FAMILY" in board_file(name))
    if uf2.exists():
        blocks = uf2.read_bytes()
        data = b"".join(blocks[at + 32 : at + 288] for at in range(0, len(blocks), 512))
        assert data.startswith(content) and not data[len(content) :].strip(b"\xff")


def board_file(name: str) -> str:
    return (ROOT / "boards" / name / "board.cmake").read_text()


def test_a_model_that_is_too_large_for_the_flash_is_told_in_words(firmware, small_model):
    large = type(firmware)(small_model() + bytes(300_000), name="large")
    with pytest.raises(ToolFailed) as refused:
        large.image("microbit")
    said = refused.value.output
    needed, available, missing = map(
        int,
        re.search(r"flash: (\d+) bytes needed, (\d+) available: (\d+) too many", said).groups(),
    )
    assert available == find_board(ROOT, "microbit").flash_bytes
    assert needed - available == missing and 300_000 < needed < 350_000
    assert "the image does not fit microbit: use a smaller model" in said
    assert "collect2" not in said and "overflowed" not in said  # what the linker says


def test_an_image_that_takes_too_much_ram_is_told_and_removed(firmware, tmp_path):
    image = tmp_path / "image.elf"
    shutil.copy(firmware.image("mps2_an386"), image)
    sizes = ("-DFLASH_START=0", "-DFLASH_BYTES=65536", "-DRAM_START=0x20000000", "-DRAM_BYTES=6000")
    table = ROOT / "boards" / "common" / "size_table.cmake"
    command = ["cmake", f"-DELF={image}", "-DSIZE=arm-none-eabi-size", "-DBOARD=small", *sizes]
    done = subprocess.run([*command, "-P", table], capture_output=True, text=True)
    assert done.returncode != 0
    assert re.search(r"^RAM: \d+ bytes needed, 6000 available: \d+ too many$", done.stderr, re.M)
    assert not re.search(r"^flash: \d+ bytes needed", done.stderr, re.M)
    assert not image.exists()
