# SPDX-License-Identifier: Apache-2.0
"""How long a board works for each frame of sound, and how long a battery lasts: estimated from the
cycles of the whole pipeline (front end, network, decoder), the board's clock and its currents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import write_bytes
from stapes.firmware.boards import Board, Flash, find_emulated
from stapes.firmware.build import check_build_tools, cmake_commands
from stapes.firmware.build import image as image_of
from stapes.firmware.cycles import TABLES, Calls, Estimate, estimate_cycles, why_no_table
from stapes.firmware.model_folder import emit_model
from stapes.firmware.tools import alone_in, run_tool
from stapes.installed import build_folder
from stapes.model.metadata import load_model, write_settings
from stapes.model.settings import ModelSettings

PROGRAM = Path(__file__).parent / "programs" / "measure_pipeline.cc"
PIECE_SAMPLES = 64  # samples of one call of PUSH, as in the program
PUSH = "_ZN6stapes8Pipeline4PushE"
FRAMES = 4  # at least so many are counted, after as many that are not
# Emulated boards that run the code for a core, and whether it is another core than their own.
STAND_INS = {
    "cortex-m0plus": ("mps2_an385", "cortex-m0plus"),
    "cortex-m3": ("mps2_an385", ""),
    "cortex-m4": ("mps2_an386", ""),
}


@dataclass(frozen=True, kw_only=True)
class FrameTime:
    """The work of a mean frame on a board. `waits`: cycles of waiting for flash; None if the
    board's file says nothing about them."""

    board: str
    core: str
    manual: str
    clock_hertz: int
    instructions: int
    cycles: int  # without `waits`
    waits: int | None
    frame_milliseconds: float  # from one frame to the next

    @property
    def milliseconds(self) -> float:
        return 1000 * (self.cycles + (self.waits or 0)) / self.clock_hertz

    @property
    def duty(self) -> float:
        """The share of the time in which the processor works."""
        return self.milliseconds / self.frame_milliseconds


@dataclass(frozen=True, kw_only=True)
class Battery:
    """Mean current in microamperes, and how many days a battery lasts with it."""

    mean_ua: float
    days: float
    milliampere_hours: float


def battery_life(
    time: FrameTime, *, active_ua_per_mhz: float, sleep_ua: float, milliampere_hours: float
) -> Battery:
    """For a processor that works during its share of each frame, and sleeps for the rest."""
    active = active_ua_per_mhz * time.clock_hertz / 1e6
    duty = min(1.0, time.duty)
    mean = duty * active + (1 - duty) * sleep_ua
    return Battery(
        mean_ua=mean, days=1000 * milliampere_hours / mean / 24, milliampere_hours=milliampere_hours
    )


def can_estimate(board: Board) -> bool:
    """Whether the board's core has a table of cycles, and its clock is known."""
    return board.core in TABLES and board.core in STAND_INS and board.clock_hertz > 0


def why_not(board: Board) -> str | None:
    """Why nothing can be estimated for a board; None if an estimate is possible."""
    if can_estimate(board):
        return None
    return "its file states no clock" if board.core in TABLES else why_no_table(board.core)


def estimate_frame_times(model: Path, boards: Sequence[Board], source: Path) -> list[FrameTime]:
    """The frame time of each board, in the order of `boards`; builds and runs an image for each
    core among them. The network runs as often as without a silence gate.

    Raises:
        StapesError: the model has no settings, a board has no clock or a core without a table, a
            tool is missing, or a build or a run fails.
    """
    for board in boards:
        if not can_estimate(board):
            raise StapesError(
                f"{board.name}: found {board.processor or 'no processor'}, expected a clock and a "
                f"core of which a manual gives cycles: {', '.join(TABLES)}"
            )
    content, settings = load_model(model)
    ungated = write_settings(content, replace(settings, gate=None), source=str(model))
    times = {}
    for core in dict.fromkeys(board.core for board in boards):
        of_core = [board for board in boards if board.core == core]
        flashes = [board.flash for board in of_core if board.flash]
        counted, frames = _count(ungated, settings, core, flashes, source)
        misses = iter(counted.misses)
        for board in of_core:
            times[board.name] = _time(board, counted, frames, misses, settings)
    return [times[board.name] for board in boards]


def _time(
    board: Board, counted: Estimate, frames: int, misses: Iterator[int], settings: ModelSettings
) -> FrameTime:
    front_end = settings.front_end
    waits = None
    if board.flash:
        waits = round(next(misses) * board.flash.wait_states / frames)
    return FrameTime(
        board=board.name,
        core=board.core,
        manual=counted.manual,
        clock_hertz=board.clock_hertz,
        instructions=round(counted.instructions / frames),
        cycles=round(counted.cycles / frames),
        waits=waits,
        frame_milliseconds=1000 * front_end.stride_samples / front_end.sample_rate,
    )


def _count(
    model: bytes, settings: ModelSettings, core: str, flashes: Sequence[Flash], source: Path
) -> tuple[Estimate, int]:
    """Cycles, and of how many frames, from an image for a stand-in for boards with that core."""
    name, cpu = STAND_INS[core]
    board = find_emulated(source, name)
    check_build_tools(board)
    calls, frames = counted_calls(settings)
    folder = build_folder(source) / "info" / f"{name}{cpu}-pipeline"
    with alone_in(folder):
        write_bytes(folder / "model.tflite", model)
        emit_model(folder / "model.tflite", folder / "model")
        options = {"model": folder / "model", "main": PROGRAM, "cpu": cpu}
        for command in cmake_commands(source, folder, board=board.option, **options):
            run_tool(command)
        image = image_of(folder, "elf")
        return estimate_cycles(image, board, core, calls=calls, flashes=flashes), frames


def counted_calls(settings: ModelSettings) -> tuple[Calls, int]:
    """The pushes of PIECE_SAMPLES that are counted, and the number of their frames. The frames are
    FRAMES or more, end with a push, and hold a whole number of inferences."""
    stride = settings.front_end.stride_samples
    unit = math.lcm(stride, PIECE_SAMPLES) // stride  # so many frames end with a piece
    unit = math.lcm(unit, settings.clip_stride_frames)
    frames = unit * -(-FRAMES // unit)
    pieces = frames * stride // PIECE_SAMPLES
    first = -(-settings.front_end.window_samples // PIECE_SAMPLES) + pieces
    return Calls(symbol=PUSH, first=first, count=pieces), frames
