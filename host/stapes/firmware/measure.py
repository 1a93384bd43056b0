# SPDX-License-Identifier: Apache-2.0
"""What a model takes on a board: instructions in an emulator, flash and RAM of the linked image.

Both need Stapes' source tree.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stapes.device.engine import Engine
from stapes.errors import StapesError
from stapes.files import read_bytes
from stapes.firmware.boards import Board, find_board, find_emulated
from stapes.firmware.build import build_program, check_build_tools, cmake_commands, read_sizes
from stapes.firmware.build import image as image_of
from stapes.firmware.emulator import instructions_of, run_measurement
from stapes.firmware.model_folder import emit_model
from stapes.firmware.rendering import render
from stapes.firmware.tools import (
    BUILD_TOOLS,
    EMULATOR,
    ToolFailed,
    alone_in,
    require_tools,
    run_tool,
)
from stapes.installed import build_folder
from stapes.model.metadata import find_settings

EMULATED_BOARD = "mps2_an386"
MEASURING_TOOLS = (*BUILD_TOOLS, EMULATOR)
MAX_MACS = 500_000_000  # a minute in the emulator; its 32-bit ticks last a little longer
PROGRAM = Path(__file__).parent / "programs" / "measure_network.cc"
INFERENCES = 3  # as the program has it
SEED = 1


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """Instructions that one inference executes on an emulated board, and each of its operators, in
    their order."""

    board: str
    inference: int
    operators: tuple[int, ...]
    arena_bytes: int
    stack_bytes: int


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Bytes that the whole firmware with a model needs, compared with those of the board. For a
    model without Stapes' settings, the bytes that the engine alone needs."""

    board: str
    whole_firmware: bool
    flash_needed: int
    flash_bytes: int
    ram_needed: int
    ram_bytes: int

    @property
    def fits(self) -> bool:
        return self.flash_needed <= self.flash_bytes and self.ram_needed <= self.ram_bytes


def count_instructions(
    model: bytes, source: Path, *, board: str = EMULATED_BOARD, cpu: str = ""
) -> Instructions:
    """Builds an image of the model in the folder for builds, and measures it.

    `cpu` is another core than the board's, such as cortex-m0 on mps2_an385.

    Raises:
        StapesError: a tool is missing, no emulator has this board, the model is too large for it,
            the build or the run fails, or the outputs differ.
    """
    described = find_emulated(source, board)
    tools = (*described.build_tools, described.emulator)
    require_tools(*tools, purpose="to count instructions")
    _require_room(model, described)
    folder = build_folder(source) / "info" / f"{board}{cpu}-network"
    with alone_in(folder):
        image = build_network(model, described, source, folder, cpu)
        return measure_network(model, described, image)


def build_network(model: bytes, board: Board, source: Path, folder: Path, cpu: str = "") -> Path:
    """The image that measures a model. Models for one board and core may share the folder.

    Raises:
        StapesError: a tool is missing, or the build fails.
    """
    return build_program(board, write_network(model, folder), source, folder, cpu=cpu)


def write_network(model: bytes, folder: Path) -> list[Path]:
    """Writes the model as C++ into `folder`; returns all sources of a program that runs the
    model."""
    engine = Engine.from_bytes(model)
    context = {
        "model": model,
        "operators": sorted({entry["symbol"] for entry in engine.operators}),
        "arena_bytes": -(-engine.arena_used // 16) * 16,
    }
    network = folder / "network.cc"
    folder.mkdir(parents=True, exist_ok=True)
    text = render("network.cc.jinja", context)
    if not network.exists() or network.read_text() != text:  # else there is nothing to compile
        network.write_text(text)
    return [network.resolve(), PROGRAM]


def measure_network(model: bytes, board: Board, image: Path) -> Instructions:
    """Runs an image of `build_network`, and compares its outputs with those computed here.

    Raises:
        StapesError: the run fails, or the outputs differ.
    """
    try:
        values = run_measurement(board, image)
    except StapesError as error:
        raise StapesError(f"it does not run on an emulated {board.name}: {error}") from error
    expected = outputs_crc(model)
    if values["crc"] != expected:
        raise StapesError(
            f"{board.name}: found outputs with CRC {values['crc']:08x}, expected {expected:08x} as "
            "this machine computes them; run tests/board"
        )
    operators = [value for name, value in values.items() if name.startswith("operator_")]
    return Instructions(
        board=board.name,
        inference=instructions_of(values["ticks"], values),
        operators=tuple(instructions_of(ticks, values) for ticks in operators),
        arena_bytes=values["arena_bytes"],
        stack_bytes=values["stack_bytes"],
    )


def measured_inputs(model: bytes, count: int = INFERENCES) -> Iterator[NDArray]:
    """The inputs that the program makes: Numerical Recipes' generator, upper bytes."""
    engine = Engine.from_bytes(model)
    dtype = np.dtype(engine.input_type)
    state = SEED
    for _ in range(count):
        values = np.empty(int(np.prod(engine.input_shape)) * dtype.itemsize, dtype=np.uint8)
        for i in range(values.size):
            state = (state * 1664525 + 1013904223) % 2**32
            values[i] = state >> 24
        yield values.view(dtype).reshape(engine.input_shape)


def outputs_crc(model: bytes) -> int:
    """CRC-32 of the outputs of all inferences, as they are computed here."""
    engine = Engine.from_bytes(model)
    crc = 0
    for frame in measured_inputs(model):
        crc = zlib.crc32(np.ascontiguousarray(engine.invoke(frame)).tobytes(), crc)
    return crc


def _require_room(model: bytes, board: Board) -> None:
    """Raises StapesError if counting would take minutes, or the model is too large for the
    board."""
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
    """Links the firmware with the model for a board and compares what it needs. A model without
    Stapes' settings is linked with the engine and a small program alone.

    Raises:
        StapesError: no such board, a tool is missing, or the build fails for another reason than
            memory.
    """
    described = find_board(source, board)
    check_build_tools(described)
    model = read_bytes(model_path, what="a .tflite model")
    whole_firmware = find_settings(model, source=str(model_path)) is not None
    kind = "image" if whole_firmware else "engine"
    folder = build_folder(source) / "info" / f"{described.name}-{kind}"
    with alone_in(folder):
        if whole_firmware:
            emit_model(model_path, folder / "model")
            options: dict[str, Any] = {"model": folder / "model"}
        else:
            options = {"model": "", "main": write_network(model, folder)}
        configure, build = cmake_commands(source, folder, board=described.option, **options)
        run_tool(configure)
        image_of(folder, "elf").unlink(missing_ok=True)  # linked again: only then sizes are printed
        try:
            output = run_tool(build)
        except ToolFailed as error:
            if read_sizes(error.output) is None:
                raise StapesError(f"{board}: the firmware cannot be built: {error}") from error
            output = error.output
    sizes = read_sizes(output)
    if sizes is None:
        raise StapesError(f"{board}: found no sizes in the build's output; remove {folder}")
    return Fit(
        board=described.name,
        whole_firmware=whole_firmware,
        flash_needed=sizes.flash_bytes,
        flash_bytes=described.flash_bytes,
        ram_needed=sizes.ram_bytes,
        ram_bytes=described.ram_bytes,
    )
