# SPDX-License-Identifier: Apache-2.0
"""Builds of images and programs. They stay in build/tests between runs. All builds for one board
share a folder, so that only changed sources are compiled again."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from stapes.firmware.boards import find_board
from stapes.firmware.tools import missing_tools

ROOT = Path(__file__).parents[1]
BUILDS = ROOT / "build" / "tests"
SANITIZED = "../sanitize"  # where `make test` has built everything except the model
FIRMWARE = "common/run_firmware.cc"  # under boards/: the files that a program replaces


@contextlib.contextmanager
def build_folder(name: str) -> Iterator[Path]:
    """A folder that no other process of the tests uses meanwhile."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    with (BUILDS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield BUILDS / name


def skip_without_board_tools(board: str) -> None:
    """Skips the test where there is no compiler for a board, or no emulator for boards like it."""
    described = find_board(ROOT, str(ROOT / "boards" / board))
    if missing := missing_tools(*described.build_tools, described.emulator):
        pytest.skip(f"not installed: {', '.join(missing)}")
