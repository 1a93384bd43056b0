# SPDX-License-Identifier: Apache-2.0
"""-DSTAPES_BOARD takes a name or a folder anywhere, and says at once what is wrong with it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from builds import ROOT, skip_without_board_tools

TEMPLATE = ROOT / "boards" / "template"
NEEDED = {
    "CMAKE_TOOLCHAIN_FILE": "the compiler",
    "STAPES_CPU_FLAGS": "the processor, such as",
    "STAPES_FLASH_START": "the address at which the image starts",
    "STAPES_FLASH_BYTES": "how much room there is for the image",
    "STAPES_RAM_START": "the address of the memory that is there after reset",
    "STAPES_RAM_BYTES": "how much of that memory there is",
    "STAPES_STACK_BYTES": "how much of it is for the stack",
    "STAPES_BOARD_SOURCES": "the sources of the calls of boards/board.h",
}


@pytest.fixture
def board(tmp_path):
    """A copy of boards/template outside of the source tree."""
    skip_without_board_tools(str(TEMPLATE))
    folder = tmp_path / "mine"
    shutil.copytree(TEMPLATE, folder)
    change(folder, "${CMAKE_CURRENT_LIST_DIR}/..", str(ROOT / "boards"))
    return folder


def change(board: Path, old: str, new: str) -> None:
    path = board / "board.cmake"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def configure(board: object, folder: Path) -> subprocess.CompletedProcess[str]:
    main = ROOT / "tests" / "board" / "faults" / "fault_main.cc"
    command = ["cmake", "-G", "Ninja", "-S", ROOT, "-B", folder / "build"]
    flags = [f"-DSTAPES_BOARD={board}", f"-DSTAPES_MAIN={main}"]
    return subprocess.run([*command, *flags], capture_output=True, text=True)


def refused(board: object, folder: Path) -> str:
    """What CMake says, on one line."""
    done = configure(board, folder)
    assert done.returncode != 0
    return " ".join(done.stderr.split())


def test_a_board_may_be_a_folder_anywhere(board, tmp_path):
    done = configure(board, tmp_path)
    assert done.returncode == 0, done.stderr
    ninja = (tmp_path / "build" / "build.ninja").read_text()
    assert str(board / "board.cc") in ninja
    assert str(ROOT / "boards" / "common" / "cortex_m" / "systick.cc") in ninja
    assert r"STAPES_BOARD_NAME=\"mine\"" in ninja


def test_each_missing_variable_is_named_with_what_it_is_for(board, tmp_path):
    (board / "board.cmake").write_text("# Nothing yet.\n")
    said = refused(board, tmp_path)
    for name, purpose in NEEDED.items():
        assert f"{name} is missing: {purpose}" in said
    change(board, "# Nothing yet.\n", "set(STAPES_STACK_BYTES 2048)\n")
    said = refused(board, tmp_path)
    assert "STAPES_STACK_BYTES" not in said and "STAPES_RAM_BYTES is missing" in said


def test_flags_written_as_a_list_are_told_how_to_be_written(board, tmp_path):
    change(board, '"-mcpu=cortex-m4 -mfloat-abi=soft"', "-mcpu=cortex-m4 -mfloat-abi=soft")
    said = refused(board, tmp_path)
    assert "STAPES_CPU_FLAGS is a list, expected one text in quotes" in said
    assert 'set(STAPES_CPU_FLAGS "-mcpu=cortex-m4 -mfloat-abi=soft")' in said


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("BYTES 131072", "BYTES 128K", "STAPES_RAM_BYTES is 128K, expected a number: how much"),
        ("SOURCES board.cc", "SOURCES bord.cc", "bord.cc: no such source in this folder or under"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_expected(board, tmp_path, old, new, expected):
    change(board, old, new)
    assert expected in refused(board, tmp_path)


def test_a_compiler_without_headers_is_told_what_brings_them(tmp_path, monkeypatch):
    skip_without_board_tools("qemu_riscv32")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in ("cmake", "ninja"):
        (bin_folder / name).symlink_to(shutil.which(name))
    compiler = bin_folder / "riscv64-unknown-elf-g++"
    compiler.write_text("#!/bin/sh\n")  # which says nothing of headers
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder))
    said = refused("qemu_riscv32", tmp_path)
    assert "riscv64-unknown-elf-g++: found no headers of the C++ library" in said
    assert "apt-get install libstdc++-arm-none-eabi-newlib" in said


def test_a_folder_without_a_board_is_told_where_to_start(tmp_path):
    said = refused("toaster", tmp_path)
    assert "STAPES_BOARD=toaster: no board.cmake in boards/toaster or in" in said
    assert "copy boards/template to start one" in said
