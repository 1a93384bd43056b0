"""The boards of Stapes' source tree. A board's board.cmake is the only statement of its facts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError


@dataclass(frozen=True, kw_only=True)
class Board:
    """A Cortex-M board. Addresses and sizes in bytes."""

    name: str
    option: str  # what -DSTAPES_BOARD= takes: its name, or its path outside of boards/
    flash_start: int
    flash_bytes: int
    ram_start: int
    ram_bytes: int
    stack_bytes: int
    qemu_machine: str | None
    qemu_ram_bytes: int | None = None  # of the RAM that QEMU can keep in a file
    # How `stapes flash` reaches a real one (pyocd, bossac, uf2), what pyOCD calls its chip and
    # which pack it needs for it, how its drive calls itself, and what the user is to do.
    flasher: str | None = None
    pyocd_target: str | None = None
    pyocd_pack: str | None = None
    uf2_board_id: str | None = None
    press: str = "connect it"
    model_flash: str | None = None  # source under boards/ of what keeps models over the link

    @property
    def emulated(self) -> bool:
        return self.qemu_machine is not None


def all_boards(source: Path) -> dict[str, Board]:
    """Every board of the source tree by its name, but `host`."""
    found = {}
    for path in sorted(source.glob("boards/*/board.cmake")):
        text = path.read_text()
        if "STAPES_FLASH_BYTES" in text:
            name = path.parent.name
            found[name] = _parse(name, text, option=name)
    return found


def find_board(source: Path, name: str) -> Board:
    """One board.

    Raises:
        StapesError: no such board, or one without memory of its own (`host`).
    """
    boards = all_boards(source)
    if name not in boards:
        raise StapesError(f"--board {name}: found no such board; expected {', '.join(boards)}")
    return boards[name]


def find_emulated(source: Path, name: str) -> Board:
    """One board that QEMU emulates.

    Raises:
        StapesError: no such board, or none that is emulated.
    """
    emulated = {board.name: board for board in all_boards(source).values() if board.emulated}
    if name not in emulated:
        raise StapesError(
            f"board {name!r}: found no emulator for it, expected one of {', '.join(emulated)}; "
            "flash it and use --port"
        )
    return emulated[name]


def _parse(name: str, text: str, *, option: str) -> Board:
    values = dict(re.findall(r'set\(STAPES_(\w+)\s+"?([^")]*)"?\)', text))
    numbers = ("FLASH_START", "FLASH_BYTES", "RAM_START", "RAM_BYTES", "STACK_BYTES")
    return Board(
        name=name,
        option=option,
        qemu_machine=values.get("QEMU_MACHINE"),
        qemu_ram_bytes=int(values["QEMU_RAM_BYTES"]) if "QEMU_RAM_BYTES" in values else None,
        flasher=values.get("FLASHER"),
        pyocd_target=values.get("PYOCD_TARGET"),
        pyocd_pack=values.get("PYOCD_PACK"),
        uf2_board_id=values.get("UF2_BOARD_ID"),
        press=values.get("FLASH_PRESS", "connect it"),
        model_flash=values.get("MODEL_FLASH"),
        **{number.lower(): int(values[number], 0) for number in numbers},
    )
