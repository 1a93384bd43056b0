# SPDX-License-Identifier: Apache-2.0
"""List the boards that Stapes knows, and what is plugged into this machine.

The page of a board says what to connect: boards/NAME/README.md."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stapes.firmware.boards import Board

EXAMPLE = """  stapes boards
  stapes flash --board mps2_an386 micro"""

_COLUMNS = ("name", "processor", "flash", "RAM", "microphone", "flashed by")
_FLASHERS = {
    "pyocd": "probe (pyOCD)",
    "bossac": "loader (bossac)",
    "uf2": "drive (UF2)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object per board")
    parser.add_argument(
        "--source_dir", type=Path, help="the source tree (default: found by itself)"
    )


def run(arguments: argparse.Namespace) -> int:
    from stapes.firmware.boards import all_boards
    from stapes.firmware.devices import plugged_in
    from stapes.firmware.source import find_source

    boards = all_boards(find_source(arguments.source_dir))
    if arguments.json:
        for board in boards.values():
            print(json.dumps({**dataclasses.asdict(board), "emulated": board.emulated}))
        return 0
    print(board_table(boards.values()))
    print("\nplugged in:", *(plugged_in() or ["nothing that a board is flashed by"]), sep="\n  ")
    print("\nNext: stapes flash --board NAME MODEL   (stapes models lists those that there are)")
    return 0


def board_table(boards: Iterable[Board]) -> str:
    """A line for each board."""
    from stapes.cli.table import table

    return table(_COLUMNS, [_cells(board) for board in boards])


def _cells(board: Board) -> list[str]:
    how = "emulated (QEMU)" if board.emulated else _FLASHERS.get(board.flasher or "", "by hand")
    return [
        board.name,
        board.processor,
        _size(board.flash_bytes),
        _size(board.ram_bytes),
        board.microphone,
        how,
    ]


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count >> 10} KB"
