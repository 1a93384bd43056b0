"""The boards of the source tree: what their board.cmake says, and that all places agree on them."""

from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.firmware.boards import all_boards, find_board, image_sources
from stapes.firmware.emulator import MACHINES

SOURCE = Path(__file__).parents[3]


def test_a_board_is_what_its_board_cmake_says(tmp_path):
    folder = tmp_path / "boards" / "mine"
    folder.mkdir(parents=True)
    (folder / "board.cmake").write_text(
        "# Mine.\n"
        'set(STAPES_CPU_FLAGS "-mcpu=cortex-m4 -mfloat-abi=soft")\n'
        "set(STAPES_FLASH_START 0x10000)\nset(STAPES_FLASH_BYTES 0x40000)\n"
        "set(STAPES_RAM_START 0x20000000)\nset(STAPES_RAM_BYTES 32768)\n"
        "set(STAPES_STACK_BYTES 2048)\n"
        "set(STAPES_BOARD_SOURCES mine/board.cc\n    cortex_m/main.cc)\n"
    )
    board = find_board(tmp_path, "mine")
    assert board.cpu_flags == ("-mcpu=cortex-m4", "-mfloat-abi=soft")
    assert (board.flash_start, board.flash_bytes) == (65536, 262144)
    assert (board.ram_start, board.ram_bytes, board.stack_bytes) == (0x20000000, 32768, 2048)
    assert board.sources == ("mine/board.cc", "cortex_m/main.cc")
    assert not board.emulated
    with pytest.raises(StapesError, match="--board yours: found no such board; expected mine"):
        find_board(tmp_path, "yours")


@pytest.mark.parametrize("board", all_boards(SOURCE).values(), ids=lambda board: board.name)
def test_a_board_has_a_readme_and_its_sources(board):
    assert (SOURCE / "boards" / board.name / "README.md").is_file()
    assert all(path.is_file() for path in image_sources(board, SOURCE))
    links = (SOURCE / "docs" / "boards.md").read_text()
    assert f"[{board.name}](../boards/{board.name}/README.md)" in links


def test_the_emulator_knows_the_emulated_boards():
    emulated = {b.name: b.qemu_machine for b in all_boards(SOURCE).values() if b.emulated}
    assert emulated == MACHINES
