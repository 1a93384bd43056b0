#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of docs/boards.md from what every board.cmake says. Run it after you have added
a board."""

from __future__ import annotations

from pathlib import Path

from stapes.files import write_text
from stapes.firmware.boards import Board, all_boards

SOURCE = Path(__file__).resolve().parent.parent
PAGE = SOURCE / "docs" / "boards.md"
HEAD = """\
| board | processor | flash, RAM | microphone | flashed with | stores models of `stapes load` |
|---|---|---|---|---|---|
"""
HOST = (
    "| [host](../boards/host/README.md) | this machine | | WAV files, or samples on standard input "
    "| | two in a file (`--models`) |\n"
)
FLASHERS = {"pyocd": "pyOCD", "bossac": "bossac", "uf2": "UF2"}


def main() -> None:
    write_text(PAGE, with_table(PAGE.read_text(), SOURCE))


def with_table(page: str, source: Path) -> str:
    """The page with the table anew: the lines from the first to the last that begin with |."""
    lines = page.splitlines(keepends=True)
    rows = [place for place, line in enumerate(lines) if line.startswith("|")]
    return "".join([*lines[: rows[0]], table(source), *lines[rows[-1] + 1 :]])


def table(source: Path) -> str:
    """Real boards first, then emulated ones, by their names."""
    boards = sorted(all_boards(source).values(), key=lambda board: (board.emulated, board.name))
    return HEAD + "".join(map(_row, boards)) + HOST


def _row(board: Board) -> str:
    flashed = "QEMU (emulated)" if board.emulated else FLASHERS.get(board.flasher or "", "by hand")
    cells = [
        f"[{board.name}](../boards/{board.name}/README.md)",
        board.processor,
        f"{_size(board.flash_bytes)}, {_size(board.ram_bytes)}",
        board.microphone,
        flashed,
        "two" if board.model_flash else "",
    ]
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|\n"


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count % (1 << 20) == 0 else f"{count >> 10} KB"


if __name__ == "__main__":
    main()
