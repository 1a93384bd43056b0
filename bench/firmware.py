#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flash and RAM of the whole firmware for each board and model. On emulated boards also the
instructions of a frame, and the worst frame's share of the time between two frames.

Sizes are those of the image for a board. Instructions are counted by the emulator
(-icount) over noise whose loudness changes; they are not cycles, so the share of a frame's time
holds for a processor that takes one cycle an instruction. What the emulated board computed must
equal what stapes._native computes. Needs cmake, and the compilers and emulators of the boards.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.firmware.boards import Board, all_boards
from stapes.firmware.build import cmake_commands, image, read_sizes
from stapes.firmware.emulator import instructions_of, run_measurement
from stapes.firmware.frame_time import PROGRAM as PIPELINE_PROGRAM
from stapes.firmware.model_folder import emit_model
from stapes.firmware.tools import ToolFailed, run_tool

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MODELS = ("micro", "words")  # under models/
FIRMWARE = "common/run_firmware.cc"  # under boards/
LOUDNESS_SAMPLES = 4096  # as measure_pipeline.cc has it

# Upstream's micro_speech with its microfrontend and CMSIS-NN (tflite-micro 90b983c), whole
# pipeline, the same compiler: code without the model, and RAM.
REFERENCES = {"mps2_an386": {"code_bytes": 87956 - 18800, "ram_bytes": 20800}}
BUDGETS = {"micro": {"code_bytes": 32768, "ram_bytes": 14336}, "words": {"ram_bytes": 32768}}

Figures = dict[str, float]


def main() -> None:
    boards = all_boards(ROOT)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--boards", nargs="+", choices=list(boards), default=list(boards))
    parser.add_argument("--models", nargs="+", type=Path, help="models/micro and models/words")
    parser.add_argument("--build_dir", type=Path, default=ROOT / "build" / "bench" / "firmware")
    arguments = parser.parse_args()
    report = {}
    try:
        models = named_models(arguments.models)
        for name in arguments.boards:
            report[name] = {
                case: measure(boards[name], case, path, arguments.build_dir)
                for case, path in models.items()
            }
    except StapesError as error:
        sys.exit(f"firmware.py: {error}")
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        print_report(report, boards)


def named_models(given: list[Path] | None) -> dict[str, Path]:
    """Case -> model file.

    Raises:
        StapesError: none is given, none is shipped.
    """
    if given:
        return {path.stem: path for path in given}
    shipped = {name: ROOT / "models" / name / "model.tflite" for name in DEFAULT_MODELS}
    found = {name: path for name, path in shipped.items() if path.is_file()}
    if not found:
        raise StapesError("found no shipped models, expected some under models/; pass --models")
    return found


def measure(board: Board, case: str, model: Path, build_dir: Path) -> Figures:
    """Builds the image and, for an emulated board, runs the pipeline.

    Raises:
        StapesError: a build or a run fails, or the board computes something else than this machine.
    """
    emit_model(model, build_dir / "models" / case)
    folder = build_dir / board.name
    figures = build(board, case, build_dir, FIRMWARE)
    if board.emulated and figures["fits"]:
        build(board, case, build_dir, str(PIPELINE_PROGRAM))
        figures |= frame_figures(board, model, run_measurement(board, image(folder, "elf")))
    return figures


def build(board: Board, case: str, build_dir: Path, program: str) -> Figures:
    """What the image takes.

    Raises:
        StapesError: it cannot be built, for another reason than memory.
    """
    folder = build_dir / board.name
    configure, build = cmake_commands(
        ROOT, folder, board=board.option, model=build_dir / "models" / case, main=program
    )
    run_tool(configure)
    image(folder, "elf").unlink(missing_ok=True)  # link again, so that the sizes are printed
    try:
        output = run_tool(build)
    except ToolFailed as error:
        output = error.output
    sizes = read_sizes(output)
    if sizes is None:
        raise StapesError(f"{board.name} with {case} cannot be built:\n{output}")
    fits = sizes.flash_bytes <= board.flash_bytes and sizes.ram_bytes <= board.ram_bytes
    return {**dataclasses.asdict(sizes), "fits": fits}


def frame_figures(board: Board, path: Path, values: dict[str, int]) -> Figures:
    """Instructions of a frame, and its share of the time that there is for it.

    Raises:
        StapesError: features or scores differ from those of this machine.
    """
    pipeline = Pipeline.from_file(path)
    trace = pipeline.process(noise(values["samples"]))
    if values["hash"] != trace_hash(trace.inputs, trace.scores):
        raise StapesError(f"{board.name} computes other bytes than this machine; run tests/board")

    front_end = pipeline.settings.front_end
    frame_seconds = front_end.stride_samples / front_end.sample_rate
    mean, worst = (instructions_of(values[f"{name}_ticks"], values) for name in ("mean", "most"))
    return {
        "instructions": mean,
        "worst_instructions": worst,
        "instructions_per_second_of_audio": round(mean / frame_seconds),
        **share_of_clock(board, worst, frame_seconds),
    }


def share_of_clock(board: Board, worst: int, frame_seconds: float) -> Figures:
    """The worst frame's share of the time for one; empty for a processor without a clock rate."""
    if not board.clock_hertz:
        return {}
    return {
        "clock_hertz": board.clock_hertz,
        "worst_share_of_frame": round(worst / (board.clock_hertz * frame_seconds), 4),
    }


def noise(count: int) -> np.ndarray:
    """The samples that measure_pipeline.cc makes."""
    state, states = 1, np.empty(count, np.uint32)
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        states[i] = state
    shifts = 16 + (np.arange(count) // LOUDNESS_SAMPLES & 7)
    return (states.view(np.int32) >> shifts).astype(np.int16)


def trace_hash(features: np.ndarray, scores: np.ndarray) -> int:
    """FNV-1a over the network's inputs and outputs, inference by inference."""
    value = 2166136261
    for frame in zip(features, scores, strict=True):
        for byte in b"".join(part.tobytes() for part in frame):
            value = (value ^ byte) * 16777619 % 2**32
    return value


def print_report(report: dict[str, dict[str, Figures]], boards: dict[str, Board]) -> None:
    """A row for each board and model; in parentheses how many times less than upstream's."""
    print(f"{'board':<24}{'model':<12}{'flash':>9}{'code':>17}{'RAM':>16}{'mean':>11}{'worst':>11}")
    for board, cases in report.items():
        for case, figures in cases.items():
            references = REFERENCES.get(board, {})
            code, ram = (
                _with_ratio(figures[name], references.get(name))
                for name in ("code_bytes", "ram_bytes")
            )
            row = f"{board:<24}{case:<12}{figures['flash_bytes']:>9,}{code:>17}{ram:>16}"
            if "instructions" in figures:
                row += f"{figures['instructions']:>11,}{figures['worst_instructions']:>11,}"
            if "clock_hertz" in figures:
                row += f"  {figures['worst_share_of_frame']:.1%} at "
                row += f"{figures['clock_hertz'] / 1e6:g} MHz"
            print(row if figures["fits"] else f"{row}  does NOT fit")
    print(
        "\nflash and RAM in bytes, of which code is without the model; instructions of a frame and"
        "\nthe worst as a share of the time between frames, at one instruction a cycle."
        "\nIn parentheses: micro_speech (TFLM, CMSIS-NN) as a multiple of the figure."
    )
    for case, limits in BUDGETS.items():
        figures = report.get("mps2_an386", {}).get(case)
        for name, limit in limits.items() if figures else ():
            verdict = "within" if figures[name] <= limit else "OVER"
            print(f"mps2_an386 {case}: {name} {figures[name]:,}, {verdict} the {limit:,} allowed")


def _with_ratio(value: float, reference: float | None) -> str:
    return f"{value:,}" if reference is None else f"{value:,} ({reference / value:.2f}x)"


if __name__ == "__main__":
    main()
