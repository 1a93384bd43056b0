"""The boards of Stapes' source tree, as their board.cmake describes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError

# What boards/common/cortex_m/image.cmake adds to every image.
START_UP = ("common/cortex_m/startup.cc", "common/cortex_m/fault.cc")
# As boards/common/cortex_m/arm-none-eabi.cmake and CMakeLists.txt have them.
COMPILE = (
    *("-mthumb", "-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"),
    *("-fno-unwind-tables", "-fno-move-loop-stores", "-ffunction-sections", "-fdata-sections"),
)


@dataclass(frozen=True, kw_only=True)
class Board:
    """A Cortex-M board. Addresses and sizes in bytes; `sources` are paths under boards/."""

    name: str
    cpu_flags: tuple[str, ...]
    flash_start: int
    flash_bytes: int
    ram_start: int
    ram_bytes: int
    stack_bytes: int
    sources: tuple[str, ...]
    qemu_machine: str | None
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
            found[path.parent.name] = _parse(path.parent.name, text)
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


def compiler(board: Board, source: Path) -> list[str]:
    """The command that compiles C++ for a board, without sources and output."""
    folders = (source, source / "firmware", source / "boards" / board.name)
    return [
        *("arm-none-eabi-g++", *board.cpu_flags, *COMPILE),
        *(f"-I{folder}" for folder in folders),
    ]


def link_flags(board: Board, source: Path) -> list[str]:
    """What links an image by boards/common/cortex_m/image.ld."""
    places = ("flash_start", "ram_start", "ram_bytes", "stack_bytes")
    return [
        *("-nostartfiles", f"-T{source}/boards/common/cortex_m/image.ld", "-Wl,--gc-sections"),
        *(f"-Wl,--defsym=stapes_{place}={getattr(board, place)}" for place in places),
    ]


def image_sources(board: Board, source: Path) -> list[Path]:
    """The board's own sources and those of start-up."""
    return [source / "boards" / path for path in (*board.sources, *START_UP)]


def _parse(name: str, text: str) -> Board:
    values = dict(re.findall(r'set\(STAPES_(\w+)\s+"?([^")]*)"?\)', text))
    numbers = ("FLASH_START", "FLASH_BYTES", "RAM_START", "RAM_BYTES", "STACK_BYTES")
    return Board(
        name=name,
        cpu_flags=tuple(values["CPU_FLAGS"].split()),
        sources=tuple(values["BOARD_SOURCES"].split()),
        qemu_machine=values.get("QEMU_MACHINE"),
        flasher=values.get("FLASHER"),
        pyocd_target=values.get("PYOCD_TARGET"),
        pyocd_pack=values.get("PYOCD_PACK"),
        uf2_board_id=values.get("UF2_BOARD_ID"),
        press=values.get("FLASH_PRESS", "connect it"),
        model_flash=values.get("MODEL_FLASH"),
        **{number.lower(): int(values[number], 0) for number in numbers},
    )
