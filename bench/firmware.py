#!/usr/bin/env python3
"""Flash and RAM of the whole firmware for each board and model; on emulated boards also the
instructions of a frame, the worst against the time between two frames.

Sizes are those of the image that a board would get. Instructions are counted by the emulator
(-icount) over noise whose loudness changes; they are not cycles, so the share of a frame's time
holds for a processor that takes one cycle an instruction. What the emulated board computed must
equal what stapes._native computes. Needs cmake, arm-none-eabi-g++ and qemu-system-arm.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.firmware.boards import Board, all_boards
from stapes.firmware.emulator import ICOUNT_SHIFT, INSTRUCTION_NS
from stapes.firmware.model_folder import emit_model

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MODELS = ("micro", "words")  # under models/
LOUDNESS_SAMPLES = 4096  # as firmware/run_pipeline.cc has it

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
    figures = sizes(build(board, case, build_dir, "common/run_firmware.cc"))
    if not figures["fits"]:
        return figures
    if board.emulated:
        build(board, case, build_dir, ROOT / "bench" / "firmware" / "run_pipeline.cc")
        figures |= frame_figures(board, model, run(board, build_dir))
    return figures


def build(board: Board, case: str, build_dir: Path, program: Path | str) -> str:
    """What the build prints, its table of sizes among it.

    Raises:
        StapesError: it fails for another reason than memory.
    """
    folder = build_dir / board.name
    model = f"-DSTAPES_MODEL={build_dir / 'models' / case}"
    configure = ["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", f"-DSTAPES_BOARD={board.name}"]
    done = _run([*configure, model, f"-DSTAPES_MAIN={program}"])
    if done.returncode == 0:
        (folder / "boards" / "stapes-firmware.elf").unlink(missing_ok=True)  # link, so print, anew
        done = _run(["cmake", "--build", folder, "--target", "stapes-firmware", "-j2"])
    output = done.stdout + done.stderr
    if "RAM:" not in output:
        raise StapesError(f"{board.name} with {case} cannot be built:\n{output}")
    return output


def sizes(output: str) -> Figures:
    """From the build's table."""
    flash = re.search(r"flash: (\d+) of (\d+) bytes \(code (\d+), model (\d+)\)", output)
    ram = re.search(r"RAM: +(\d+) of (\d+) bytes", output)
    return {
        "flash_bytes": int(flash[1]),
        "code_bytes": int(flash[3]),
        "model_bytes": int(flash[4]),
        "ram_bytes": int(ram[1]),
        "fits": int(flash[1]) <= int(flash[2]) and int(ram[1]) <= int(ram[2]),
    }


def run(board: Board, build_dir: Path) -> dict[str, int]:
    """What the image prints: lines of "name value".

    Raises:
        StapesError: the emulator fails, or the model does not run.
    """
    image = build_dir / board.name / "boards" / "stapes-firmware.elf"
    done = _run(
        [
            *("qemu-system-arm", "-machine", board.qemu_machine, "-nographic", "-monitor", "none"),
            *("-serial", "stdio", "-semihosting-config", "enable=on,target=native"),
            *("-icount", f"shift={ICOUNT_SHIFT}", "-kernel", image),
        ]
    )
    lines = [line.split(" ", 1) for line in done.stdout.splitlines() if line]
    if lines[-1:] != [["done"]]:
        raise StapesError(f"{image}: expected a last line 'done', found {done.stdout.strip()!r}")
    return {name: int(value) for name, value in lines[:-1]}


def frame_figures(board: Board, path: Path, values: dict[str, int]) -> Figures:
    """Instructions of a frame, and its share of the time that there is for it.

    Raises:
        StapesError: features or scores differ from those of this machine.
    """
    pipeline = Pipeline.from_file(path)
    trace = pipeline.process(noise(values["samples"]))
    if values["hash"] != trace_hash(trace.inputs, trace.scores):
        raise StapesError(f"{board.name} computes other bytes than this machine; run tests/board")

    def instructions(ticks: int) -> int:
        return round(ticks / values["ticks_per_second"] * 1e9 / INSTRUCTION_NS)

    front_end = pipeline.settings.front_end
    frame_seconds = front_end.stride_samples / front_end.sample_rate
    mean, worst = instructions(values["mean_ticks"]), instructions(values["most_ticks"])
    # The fine clock of every emulated board is that of its processor.
    available = values["ticks_per_second"] * frame_seconds
    return {
        "instructions": mean,
        "worst_instructions": worst,
        "clock_hertz": values["ticks_per_second"],
        "worst_share_of_frame": round(worst / available, 4),
        "instructions_per_second_of_audio": round(mean / frame_seconds),
    }


def noise(count: int) -> np.ndarray:
    """The samples that firmware/run_pipeline.cc makes."""
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


def _run(command: list[object]) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    try:
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900
        )
    except FileNotFoundError as error:
        raise StapesError(f"{words[0]}: not found; install what README.md lists") from error
    except subprocess.TimeoutExpired as error:
        raise StapesError(f"{words[0]}: no end after {error.timeout} s") from error


if __name__ == "__main__":
    main()
