"""What a model takes on a board: instructions in an emulator, flash and RAM of the linked image.

Both need Stapes' source tree: bench/engine.py measures, boards/<board>/board.cmake says what a
board has.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from stapes.device.engine import Engine
from stapes.errors import StapesError
from stapes.firmware.boards import Board, find_board

EMULATED_BOARD = "mps2_an386"
BUILD_TOOLS = ("cmake", "ninja", "arm-none-eabi-g++")
EMULATOR = "qemu-system-arm"
TIMEOUT_S = 600
MAX_MACS = 500_000_000  # a minute in the emulator, whose 32-bit ticks last for some more


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """Executed by one inference on an emulated board, and by each operator of it in turn."""

    board: str
    inference: int
    operators: tuple[int, ...]
    stack_bytes: int


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Bytes that the whole firmware with a model needs, beside those of the board."""

    board: str
    flash_needed: int
    flash_bytes: int
    ram_needed: int
    ram_bytes: int

    @property
    def fits(self) -> bool:
        return self.flash_needed <= self.flash_bytes and self.ram_needed <= self.ram_bytes


def missing_tools(*, emulator: bool) -> list[str]:
    """Programs that are not installed, of those that measuring needs."""
    tools = (*BUILD_TOOLS, EMULATOR) if emulator else BUILD_TOOLS
    return [tool for tool in tools if shutil.which(tool) is None]


def count_instructions(
    model: bytes, source: Path, *, board: str = EMULATED_BOARD, cpu: str = ""
) -> Instructions:
    """Runs the model on an emulated board, outputs compared with those computed here.

    `cpu` is another core than the board's, such as cortex-m0 on mps2_an385.

    Raises:
        StapesError: a tool is missing, no emulator has this board, the model is too large for it,
            the build or the run fails, or the outputs differ.
    """
    _require(missing_tools(emulator=True))
    _require_room(model, find_board(source, board))
    bench = _load_bench(source)
    machine = next((m for m in bench.MACHINES.values() if (m.board, m.cpu) == (board, cpu)), None)
    if machine is None:
        known = ", ".join(m.board for m in bench.MACHINES.values())
        raise StapesError(f"--board {board}: no emulator of it; expected one of {known}")
    network = bench.Network(name="model", model=model, macs=0)
    try:
        image = bench.build(machine, network, source / "build" / "info" / (board + cpu))
        values = bench.run(machine, image)
    except StapesError as error:
        raise StapesError(
            f"it does not run on an emulated {board}: {_complaint(str(error))}"
        ) from error
    if values["crc"] != bench.checksum(network):
        raise StapesError(f"{board} computes other outputs than this machine; run tests/board")

    def instructions(ticks: int) -> int:
        return round(ticks / values["ticks_per_second"] * 1e9 / 2**machine.shift)

    operators = [value for name, value in values.items() if name.startswith("operator_")]
    return Instructions(
        board=board,
        inference=instructions(values["ticks"]),
        operators=tuple(instructions(ticks) for ticks in operators),
        stack_bytes=values["stack_bytes"],
    )


def _require_room(model: bytes, board: Board) -> None:
    """Raises StapesError where counting would take minutes or the model is more than the board."""
    engine = Engine.from_bytes(model)
    macs = sum(operator["macs"] for operator in engine.operators)
    if macs > MAX_MACS:
        raise StapesError(
            f"{macs:,} MACs would take minutes in the emulator, which counts up to {MAX_MACS:,}"
        )
    if len(model) > board.flash_bytes or engine.arena_used > board.ram_bytes:
        raise StapesError(
            f"{len(model):,} bytes of model and {engine.arena_used:,} of arena are too many for "
            f"{board.name}, which has {board.flash_bytes:,} of flash and {board.ram_bytes:,} of RAM"
        )


def fit_on_board(model_path: Path, source: Path, board: str) -> Fit:
    """Links the firmware with the model for a board and compares what it needs.

    Raises:
        StapesError: no such board, a tool is missing, or the build fails for another reason than
            memory.
    """
    from stapes.firmware.model_folder import emit_model

    described = find_board(source, board)
    flash_bytes, ram_bytes = described.flash_bytes, described.ram_bytes
    _require(missing_tools(emulator=False))
    folder = source / "build" / "info" / f"{board}-image"
    emit_model(model_path, folder / "model")
    configure = ["cmake", "-G", "Ninja", "-S", source, "-B", folder, f"-DSTAPES_BOARD={board}"]
    _call([*configure, f"-DSTAPES_MODEL={folder / 'model'}"])
    # Linked anew every time: only then the sizes are printed.
    (folder / "boards" / "stapes-firmware.elf").unlink(missing_ok=True)
    done = _run(["cmake", "--build", folder, "--target", "stapes-firmware", "-j2"])
    output = done.stdout + done.stderr
    needed = [_needed(output, part) for part in ("flash", "RAM")]
    if None in needed:
        raise StapesError(
            f"{board}: the firmware cannot be built: {_complaint(output)}; "
            f"repeat: cmake --build {folder}"
        )
    return Fit(
        board=board,
        flash_needed=needed[0],
        flash_bytes=flash_bytes,
        ram_needed=needed[1],
        ram_bytes=ram_bytes,
    )


def _needed(output: str, memory: str) -> int | None:
    """From the build's table of sizes, which it prints before it complains that they do not fit."""
    table = re.search(rf"{memory}: +(\d+) of \d+ bytes", output)
    return int(table[1]) if table else None


def _load_bench(source: Path) -> ModuleType:
    """bench/engine.py as a module."""
    path = source / "bench" / "engine.py"
    specification = importlib.util.spec_from_file_location("stapes_bench_engine", path)
    if specification is None or specification.loader is None or not path.is_file():
        raise StapesError(f"{path}: found no such file, expected Stapes' source tree")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def _require(missing: list[str]) -> None:
    if missing:
        raise StapesError(f"found no {', '.join(missing)}; install what README.md lists")


def _run(command: list[object]) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def _call(command: list[object]) -> None:
    done = _run(command)
    if done.returncode != 0:
        raise StapesError(f"{' '.join(map(str, command))}: {_complaint(done.stdout + done.stderr)}")


_TELLING = r"\berror\b|undefined reference|overflowed by"


def _complaint(output: str) -> str:
    """The first line of a build's output that says what is wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = (line for line in lines if re.search(_TELLING, line, re.I))
    return next(telling, lines[-1] if lines else "no output")
