# SPDX-License-Identifier: Apache-2.0
"""The boards of Stapes' source tree. A board's board.cmake is the only statement of its facts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import read_text
from stapes.firmware.tools import BUILD_TOOLS, COMPILER, EMULATOR

TEMPLATE = "template"  # no board: the start of one
_FILE = "a board.cmake"
NUMBERS = ("FLASH_START", "FLASH_BYTES", "RAM_START", "RAM_BYTES", "STACK_BYTES")


@dataclass(frozen=True, kw_only=True)
class Flash:
    """How a chip reads its flash: `line_bytes` at once, which stay in a cache of `cache_bytes` (the
    size of one line for a chip without a cache); to wait for a line takes `wait_states` cycles."""

    wait_states: int
    line_bytes: int
    cache_bytes: int


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board with a microcontroller. Addresses and sizes in bytes."""

    name: str
    option: str  # what -DSTAPES_BOARD= takes: its name, or its path outside of boards/
    flash_start: int
    flash_bytes: int
    ram_start: int
    ram_bytes: int
    stack_bytes: int
    processor: str = ""  # processor and microphone are texts for people
    microphone: str = ""
    core: str = ""  # what -mcpu= says
    # From the documents of the chip, which `current_source` names: how it reads its flash, and its
    # current in microamperes, at work (per megahertz) and asleep.
    flash: Flash | None = None
    active_ua_per_mhz: float | None = None
    sleep_ua: float | None = None
    current_source: str = ""
    compiler: str = COMPILER
    emulator: str = EMULATOR  # then its machine for this board, if it has one, and more options
    qemu_machine: str | None
    qemu_options: tuple[str, ...] = ()
    qemu_ram_bytes: int | None = None  # of the RAM that QEMU can keep in a file
    # How `stapes flash` reaches a real board (pyocd, bossac, uf2), pyOCD's name of the chip and the
    # pack that pyOCD needs for it, the board id of its UF2 drive, and what the user has to do.
    flasher: str | None = None
    pyocd_target: str | None = None
    pyocd_pack: str | None = None
    uf2_board_id: str | None = None
    press: str = "connect it"
    model_flash: str | None = None  # source file that stores models from the link

    @property
    def emulated(self) -> bool:
        return self.qemu_machine is not None

    @property
    def clock_hertz(self) -> int:
        """0 where `processor` does not say."""
        clock = re.search(r"(\d+) MHz", self.processor)
        return int(clock[1]) * 1_000_000 if clock else 0

    @property
    def build_tools(self) -> tuple[str, ...]:
        return (*BUILD_TOOLS[:-1], self.compiler)


def all_boards(source: Path) -> dict[str, Board]:
    """Every board of the source tree, by name, except `host` and `web`."""
    found = {}
    for path in sorted(source.glob("boards/*/board.cmake")):
        name, text = path.parent.name, read_text(path, what=_FILE)
        if name != TEMPLATE and "STAPES_FLASH_BYTES" in text:
            found[name] = _parse(path, text, option=name)
    return found


def find_board(source: Path, name: str) -> Board:
    """One board, by its name or by the path of a folder outside of the source tree.

    Raises:
        StapesError: no such board, or a board without memory of its own (`host`); or a board.cmake
            in which something is missing.
    """
    if outside := _outside(name):
        return outside
    boards = all_boards(source)
    if name not in boards:
        raise StapesError(
            f"--board {name}: found no such board; expected {', '.join(boards)}, or the path of a "
            "folder with a board.cmake"
        )
    return boards[name]


def find_emulated(source: Path, name: str) -> Board:
    """One board that QEMU emulates.

    Raises:
        StapesError: no such board, or none that is emulated.
    """
    emulated = {board.name: board for board in all_boards(source).values() if board.emulated}
    found = _outside(name) or emulated.get(name)
    if found is None or not found.emulated:
        raise StapesError(
            f"board {name!r}: found no emulator for it, expected one of {', '.join(emulated)}; "
            "flash it and use --port"
        )
    return found


def _outside(name: str) -> Board | None:
    """The board whose folder has this path; None for a name."""
    path = Path(name) / "board.cmake"
    if len(path.parts) < 3 or not path.is_file():
        return None
    return _parse(path, read_text(path, what=_FILE), option=str(path.parent.resolve()))


def _parse(path: Path, text: str, *, option: str) -> Board:
    found = re.findall(r'set\(STAPES_(\w+)\s+(?:"([^"]*)"|([^")]*))\)', text)
    values = {name: quoted or plain for name, quoted, plain in found}
    missing = [f"STAPES_{name}" for name in NUMBERS if name not in values]
    if missing:
        raise StapesError(
            f"{path}: found no {', '.join(missing)}, expected the addresses and sizes of the "
            "board's memory; docs/porting.md explains them"
        )
    ram_bytes = values.get("QEMU_RAM_BYTES")
    core = re.search(r"-mcpu=([\w-]+)", values.get("CPU_FLAGS", ""))
    return Board(
        name=path.resolve().parent.name,
        option=option,
        processor=values.get("PROCESSOR", ""),
        microphone=values.get("MICROPHONE", ""),
        core=core[1] if core else "",
        flash=_flash(values),
        active_ua_per_mhz=_number(values.get("ACTIVE_UA_PER_MHZ")),
        sleep_ua=_number(values.get("SLEEP_UA")),
        current_source=values.get("CURRENT_SOURCE", ""),
        compiler=values.get("COMPILER", COMPILER),
        emulator=values.get("QEMU", EMULATOR),
        qemu_machine=values.get("QEMU_MACHINE"),
        qemu_options=tuple(values.get("QEMU_OPTIONS", "").split()),
        qemu_ram_bytes=int(ram_bytes) if ram_bytes else None,
        flasher=values.get("FLASHER"),
        pyocd_target=values.get("PYOCD_TARGET"),
        pyocd_pack=values.get("PYOCD_PACK"),
        uf2_board_id=values.get("UF2_BOARD_ID"),
        press=values.get("FLASH_PRESS", "connect it"),
        model_flash=values.get("MODEL_FLASH"),
        **{number.lower(): int(values[number], 0) for number in NUMBERS},
    )


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _flash(values: dict[str, str]) -> Flash | None:
    """What a board.cmake says of waiting for flash; None where it says nothing."""
    if "FLASH_WAIT_STATES" not in values:
        return None
    line = int(values.get("FLASH_LINE_BYTES", "4"))
    return Flash(
        wait_states=int(values["FLASH_WAIT_STATES"]),
        line_bytes=line,
        cache_bytes=int(values.get("FLASH_CACHE_BYTES", line)),
    )
