# SPDX-License-Identifier: Apache-2.0
"""Other programs: the errors when they are missing, fail, or do not end; and the folders in which
they build."""

import fcntl
import sys
from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.firmware.boards import find_board
from stapes.firmware.build import check_build_tools
from stapes.firmware.source import find_source
from stapes.firmware.tools import (
    BUILD_TOOLS,
    ToolFailed,
    alone_in,
    find_tool,
    missing_tools,
    require_tools,
    run_tool,
)


@pytest.fixture
def bin_folder(tmp_path, monkeypatch):
    """PATH is only this folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python" / "python"))
    return tmp_path


def program(folder, name):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def test_missing_programs_are_named_with_their_debian_packages(bin_folder):
    program(bin_folder, "ninja")
    assert missing_tools(*BUILD_TOOLS) == ["cmake", "arm-none-eabi-g++"]
    with pytest.raises(StapesError) as refused:
        require_tools(*BUILD_TOOLS, purpose="to build a firmware")
    assert str(refused.value) == (
        "cmake, arm-none-eabi-g++: not found, needed to build a firmware; run: apt-get install "
        "cmake gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib"
    )


def test_a_board_names_its_own_compiler_which_may_need_more(bin_folder):
    for name in ("cmake", "ninja"):
        program(bin_folder, name)
    board = find_board(find_source(None), "qemu_riscv32")
    with pytest.raises(StapesError) as refused:
        check_build_tools(board)
    assert str(refused.value) == (
        "riscv64-unknown-elf-g++: not found, needed to build a firmware; run: apt-get install "
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf gcc-arm-none-eabi "
        "libstdc++-arm-none-eabi-newlib"
    )


def test_a_program_that_debian_lacks_is_named_with_what_brings_it(bin_folder):
    with pytest.raises(StapesError, match=r"pyocd: not found, .*; run: pip install 'stapes\[flash"):
        find_tool("pyocd", purpose="for flashing")


def test_a_program_may_be_beside_this_python(bin_folder):
    program(bin_folder / "python", "pyocd")
    found = find_tool("pyocd", purpose="for flashing")
    assert found == str(bin_folder / "python" / "pyocd")
    require_tools("pyocd", purpose="for flashing")


def test_a_program_that_cannot_be_started_is_missing(bin_folder):
    with pytest.raises(StapesError, match="cmake: not found; run: apt-get install cmake"):
        run_tool(["cmake", "--version"])


def test_output_and_errors_come_together():
    assert run_tool(["sh", "-c", "echo one; echo two >&2"]) == "one\ntwo\n"


def test_a_program_that_fails_is_told_with_the_line_that_says_why():
    with pytest.raises(ToolFailed) as failed:
        run_tool(["sh", "-c", "seq 30; echo 'x.cc:1: error: no such thing'; echo stopped; exit 3"])
    assert str(failed.value).endswith("exit status 3 (x.cc:1: error: no such thing)")
    assert failed.value.output.startswith("1\n2\n")
    assert failed.value.tail.splitlines()[-1] == "stopped"
    assert len(failed.value.tail.splitlines()) == 20


@pytest.mark.parametrize(
    ("script", "said"), [("echo only this; exit 1", "(only this)"), ("exit 1", "(no output)")]
)
def test_without_such_a_line_the_last_one_is_told(script, said):
    with pytest.raises(ToolFailed) as failed:
        run_tool(["sh", "-c", script])
    assert str(failed.value).endswith(said)


def test_a_program_that_does_not_end_is_ended():
    with pytest.raises(ToolFailed, match="sleep: found no end after 0 s, expected one"):
        run_tool(["sleep", "60"], timeout_s=0.1)


def is_taken(folder: Path) -> bool:
    """Whether another process would have to wait."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_two_builds_in_one_folder_follow_one_another(tmp_path):
    folder = tmp_path / "new" / "build"
    with alone_in(folder):
        assert is_taken(folder)
    assert not is_taken(folder)
    with alone_in(folder):
        assert is_taken(folder)
