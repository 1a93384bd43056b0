"""The boards of the source tree: what their board.cmake says."""

from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.firmware.boards import all_boards, find_board, find_emulated

SOURCE = Path(__file__).parents[3]


def test_a_board_is_what_its_board_cmake_says(tmp_path):
    folder = tmp_path / "boards" / "mine"
    folder.mkdir(parents=True)
    (folder / "board.cmake").write_text(
        "# Mine.\n"
        "set(STAPES_FLASH_START 0x10000)\nset(STAPES_FLASH_BYTES 0x40000)\n"
        "set(STAPES_RAM_START 0x20000000)\nset(STAPES_RAM_BYTES 32768)\n"
        "set(STAPES_STACK_BYTES 2048)\n"
        'set(STAPES_FLASH_PRESS "press the button")\n'
    )
    board = find_board(tmp_path, "mine")
    assert (board.flash_start, board.flash_bytes) == (65536, 262144)
    assert (board.ram_start, board.ram_bytes, board.stack_bytes) == (0x20000000, 32768, 2048)
    assert not board.emulated and board.press == "press the button"
    with pytest.raises(StapesError, match="--board yours: found no such board; expected mine"):
        find_board(tmp_path, "yours")


@pytest.mark.parametrize("board", all_boards(SOURCE).values(), ids=lambda board: board.name)
def test_a_board_has_a_readme_that_the_list_of_boards_names(board):
    assert (SOURCE / "boards" / board.name / "README.md").is_file()
    links = (SOURCE / "docs" / "boards.md").read_text()
    assert f"[{board.name}](../boards/{board.name}/README.md)" in links


def test_the_emulated_boards_are_those_with_a_machine_of_qemu():
    assert find_emulated(SOURCE, "mps2_an386").qemu_machine == "mps2-an386"
    with pytest.raises(StapesError, match="'nrf52840dk': found no emulator for it, expected one"):
        find_emulated(SOURCE, "nrf52840dk")
