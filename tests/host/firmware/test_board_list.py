# SPDX-License-Identifier: Apache-2.0
"""The boards of the source tree: what their board.cmake says."""

import shutil
from pathlib import Path

import board_table
import pytest

from stapes.errors import StapesError
from stapes.firmware.boards import Flash, all_boards, find_board, find_emulated

SOURCE = Path(__file__).parents[3]


def test_a_board_is_what_its_board_cmake_says(tmp_path):
    folder = tmp_path / "boards" / "mine"
    folder.mkdir(parents=True)
    (folder / "board.cmake").write_text(
        "# Mine.\n"
        "set(STAPES_FLASH_START 0x10000)\nset(STAPES_FLASH_BYTES 0x40000)\n"
        "set(STAPES_RAM_START 0x20000000)\nset(STAPES_RAM_BYTES 32768)\n"
        "set(STAPES_STACK_BYTES 2048)\n"
        'set(STAPES_FLASH_PRESS "press the button (the left one), then wait")\n'
        "set(STAPES_BOARD_SOURCES a.cc\n    b.cc)\nset(STAPES_PROCESSOR M4)\n"
    )
    board = find_board(tmp_path, "mine")
    assert (board.flash_start, board.flash_bytes) == (65536, 262144)
    assert (board.ram_start, board.ram_bytes, board.stack_bytes) == (0x20000000, 32768, 2048)
    assert board.press == "press the button (the left one), then wait"
    assert not board.emulated and board.processor == "M4"
    with pytest.raises(StapesError, match="--board yours: found no such board; expected mine"):
        find_board(tmp_path, "yours")


def test_a_board_says_how_it_waits_for_flash_and_what_it_takes(tmp_path):
    text = (SOURCE / "boards" / "template" / "board.cmake").read_text()
    (tmp_path / "board.cmake").write_text(
        text + "set(STAPES_FLASH_WAIT_STATES 5)\nset(STAPES_FLASH_LINE_BYTES 16)\n"
        "set(STAPES_ACTIVE_UA_PER_MHZ 52.5)\nset(STAPES_SLEEP_UA 3)\n"
        'set(STAPES_CURRENT_SOURCE "Datasheet 1.0, table 7")\n'
    )
    board = find_board(SOURCE, str(tmp_path))
    assert (board.core, board.clock_hertz) == ("cortex-m4", 64_000_000)
    assert board.flash == Flash(wait_states=5, line_bytes=16, cache_bytes=16)
    assert (board.active_ua_per_mhz, board.sleep_ua) == (52.5, 3.0)
    assert board.current_source == "Datasheet 1.0, table 7"


@pytest.mark.parametrize("board", all_boards(SOURCE).values(), ids=lambda board: board.name)
def test_a_board_whose_current_is_stated_says_by_which_document(board):
    stated = board.sleep_ua is not None or board.active_ua_per_mhz is not None
    assert bool(board.current_source) == stated


@pytest.mark.parametrize("board", all_boards(SOURCE).values(), ids=lambda board: board.name)
def test_a_board_has_a_readme_and_says_what_it_is(board):
    assert (SOURCE / "boards" / board.name / "README.md").is_file()
    assert board.processor and board.microphone


def test_the_table_of_boards_is_what_their_files_say():
    page = board_table.PAGE.read_text()
    assert board_table.with_table(page, SOURCE) == page, "run python boards/board_table.py"


def test_a_new_board_gets_a_row_of_its_own(tmp_path):
    for name in ("mps2_an386", "nrf52840dk"):
        folder = tmp_path / "boards" / name
        shutil.copytree(SOURCE / "boards" / name, folder)
    (tmp_path / "boards" / "nrf52840dk").rename(tmp_path / "boards" / "mine")
    assert board_table.table(tmp_path).splitlines()[2:4] == [
        "| [mine](../boards/mine/README.md) | Cortex-M4F, 64 MHz | 1 MB, 256 KB "
        "| PDM, external | pyOCD | two |",
        "| [mps2_an386](../boards/mps2_an386/README.md) | Cortex-M4F, 25 MHz | 4 MB, 4 MB | none "
        "| QEMU (emulated) | two |",
    ]


def test_the_start_of_a_port_is_no_board():
    assert "template" not in all_boards(SOURCE)
    assert find_board(SOURCE, str(SOURCE / "boards" / "template")).name == "template"


def test_a_board_outside_of_the_source_tree_is_found_by_its_path(tmp_path, monkeypatch):
    shutil.copytree(SOURCE / "boards" / "mps2_an386", tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for name in ("./mine/../mine", str(tmp_path / "mine")):
        board = find_board(SOURCE, name)
        assert (board.name, board.option) == ("mine", str(tmp_path / "mine"))
        assert find_emulated(SOURCE, name) == board
    with pytest.raises(StapesError, match="found no such board"):
        find_board(SOURCE, "mine")


def test_a_board_file_without_memory_says_what_is_missing(tmp_path):
    (tmp_path / "board.cmake").write_text("set(STAPES_RAM_START 0)\nset(STAPES_RAM_BYTES 1)\n")
    with pytest.raises(StapesError) as refused:
        find_board(SOURCE, str(tmp_path))
    missing = "STAPES_FLASH_START, STAPES_FLASH_BYTES, STAPES_STACK_BYTES"
    assert f"board.cmake: found no {missing}, expected" in str(refused.value)
    (tmp_path / "board.cmake").write_bytes("# Fußnote".encode("latin-1"))
    with pytest.raises(StapesError, match=r"board\.cmake: found .* in UTF-8"):
        find_board(SOURCE, str(tmp_path))


def test_the_emulated_boards_are_those_with_a_machine_of_qemu():
    assert find_emulated(SOURCE, "mps2_an386").qemu_machine == "mps2-an386"
    with pytest.raises(StapesError, match="'nrf52840dk': found no emulator for it, expected one"):
        find_emulated(SOURCE, "nrf52840dk")
