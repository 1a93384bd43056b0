# SPDX-License-Identifier: Apache-2.0
"""Print what a model is: size, memory, accuracy, false accepts, and the boards that it fits.

--all shows the rest: settings, whose data it was trained on and the terms of that data, provenance,
memory, and for each operator its work and bytes.
--measure counts the instructions of an inference on an emulated Cortex-M4, and estimates how long
boards need for each frame: this needs the Arm compiler, qemu-system-arm and unicorn. --board links
the firmware for that board, and compares its flash and RAM with the needs of the model; with
--measure the estimate is for it alone. How long a battery lasts follows from its currents.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import shlex
import sys
from pathlib import Path
from typing import Any

from stapes.cli import frame_times
from stapes.cli.next_step import next_step
from stapes.cli.shared_flags import model_file
from stapes.errors import StapesError
from stapes.model.settings import NOT_WORDS
from stapes.model.shipped import short_name
from stapes.model.training_data import KEY
from stapes.plain import plain

EXAMPLE = """\
  stapes info micro
  stapes info build/yes_no.tflite --all
  stapes info build/yes_no.tflite --board mps2_an386"""

CHART_COLUMNS = 32
_NO_TREE = "it takes Stapes' source tree: run this in a checkout"
VALUE_COLUMN = 33  # of settings
MAX_PLAIN_COLUMNS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=model_file, metavar="MODEL", help="a model to look into")
    parser.add_argument("--all", action="store_true", help="print all that is known")
    parser.add_argument("--json", action="store_true", help="print all of it as one JSON object")
    parser.add_argument(
        "--measure",
        action="store_true",
        help="count instructions, estimate milliseconds (1 to 2 minutes)",
    )
    parser.add_argument("--board", metavar="NAME", help="link, and say whether it fits this board")
    frame_times.add_flags(parser)
    # Scripts of version 0.1 pass it; to measure nothing is now the default.
    parser.add_argument("--no_measure", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--source_dir", type=Path, help="the source tree (default: found by itself)"
    )


def run(arguments: argparse.Namespace) -> int:
    from stapes.evaluation.describe import describe
    from stapes.firmware.boards import all_boards
    from stapes.firmware.overview import overview
    from stapes.installed import installed_tree

    report = describe(arguments.model)
    figures = overview(arguments.model.read_bytes(), report)
    boards = list(all_boards(installed_tree()).values())
    report["overview"] = {
        **dataclasses.asdict(figures),
        "boards": [board.name for board in boards if figures.needs.fits(board)],
    }
    report["board"] = None
    if arguments.board:
        report["board"] = _fit(arguments.model, arguments.source_dir, arguments.board)
    report["instructions"], report["not_measured"] = None, "--measure counts them"
    report["frame_times"], report["not_estimated"] = None, "--measure does it"
    report["boards_without_estimate"] = {}
    if arguments.measure:
        _measure(report, arguments)
    if arguments.json:
        print(json.dumps(_finite(report), allow_nan=False))
        return 0
    print("\n\n".join([_opening(report, figures.lines(boards)), *_sections(report, arguments)]))
    if not (arguments.all or arguments.measure or arguments.board):
        name = short_name(arguments.model)
        print()
        about = f"stapes info {shlex.quote(name)} --all shows the rest"
        next_step("listen" if report["labels"] else "verify", name, about=about)
    return 0


def _finite(value: Any) -> Any:
    """`value` with None (null in JSON) in place of NaN and infinity: a file of somebody else may
    hold them, and JSON has no such numbers."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _fit(path: Path, source_dir: Path | None, board: str) -> dict[str, Any]:
    from stapes.firmware.measure import fit_on_board
    from stapes.firmware.source import find_source

    fit = fit_on_board(path, find_source(source_dir), board)
    return {**dataclasses.asdict(fit), "fits": fit.fits}


def _measure(report: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Adds "instructions" and "frame_times", or why they are not there; a failing tool is no reason
    to stop."""
    from stapes.firmware.measure import EMULATED_BOARD, MEASURING_TOOLS, count_instructions
    from stapes.firmware.source import find_source
    from stapes.firmware.tools import missing_tools

    missing = missing_tools(*MEASURING_TOOLS)
    if missing:
        report["not_measured"] = report["not_estimated"] = f"found no {', '.join(missing)}"
        return
    try:
        source = find_source(arguments.source_dir)
    except StapesError:
        report["not_measured"] = report["not_estimated"] = _NO_TREE
        return
    print(
        f"info: building an image and counting its instructions on an emulated {EMULATED_BOARD}",
        file=sys.stderr,
        flush=True,
    )
    try:
        counted = count_instructions(arguments.model.read_bytes(), source)
    except StapesError as error:
        report["not_measured"] = report["not_estimated"] = str(error)
        return
    report["not_measured"] = None
    report["instructions"] = dataclasses.asdict(counted)
    _estimate(report, arguments, source)


def _estimate(report: dict[str, Any], arguments: argparse.Namespace, source: Path) -> None:
    """Adds "frame_times", or why there are none."""
    from stapes.firmware.boards import all_boards, find_board

    if not report["labels"]:
        report["not_estimated"] = "found no Stapes settings inside, which say what a frame is"
        return
    asked = arguments.board
    boards = [find_board(source, asked)] if asked else list(all_boards(source).values())
    try:
        report["frame_times"] = frame_times.estimate(arguments.model, boards, source, arguments)
        report["not_estimated"] = None
        report["boards_without_estimate"] = frame_times.without_estimate(boards)
    except StapesError as error:
        report["not_estimated"] = str(error)


def _opening(report: dict[str, Any], lines: list[str]) -> str:
    """The model's name and words, and the most important lines about it."""
    words = [label for label in report["labels"] if label not in NOT_WORDS]
    about = ", ".join(words) if report["labels"] else "no Stapes settings inside"
    if report["attribution"]:
        lines = [*lines, "training data  its authors must be named; --all says whom"]
    else:
        lines = [*lines, "training data  the model does not say whose"]
    return "\n".join([plain(f"{report['name']}: {about}"), *(f"  {line}" for line in lines)])


def _sections(report: dict[str, Any], arguments: argparse.Namespace) -> list[str]:
    """The sections after the opening, as the flags ask for them."""
    sections = []
    if arguments.all:
        if told := report["attribution"].splitlines():
            sections.append("\n".join(["training data", *(f"  {line}" for line in told)]))
        for part in ("front_end", "decoder", "provenance"):
            settings = {k: v for k, v in report.get(part, {}).items() if k != KEY}
            rows = _rows(settings, depth=1)
            sections += ["\n".join([part.replace("_", " "), *rows])] if rows else []
        sections.append(_memory_table(report))
    if arguments.all or arguments.measure:
        sections += [_operator_table(report), _summary(report)]
    if report["frame_times"]:
        sections.append(
            frame_times.section(report["frame_times"], report["boards_without_estimate"])
        )
    elif arguments.measure:
        sections.append(f"milliseconds are not estimated: {report['not_estimated']}")
    if report["board"]:
        sections.append(_board_table(report["board"]))
    return sections


def _rows(settings: dict[str, Any], *, depth: int) -> list[str]:
    """A line for each setting. A setting that holds nested or many settings becomes a heading, and
    its own settings come below it."""
    indent, lines = "  " * depth, []
    for name, value in settings.items():
        nested = isinstance(value, dict) and any(isinstance(part, dict) for part in value.values())
        if nested or (isinstance(value, dict) and len(_shown(value)) > MAX_PLAIN_COLUMNS):
            lines += [f"{indent}{plain(name)}", *_rows(value, depth=depth + 1)]
        else:
            name = f"{plain(name):<{VALUE_COLUMN - len(indent) - 1}}"
            lines.append(f"{indent}{name} {plain(_shown(value))}")
    return lines


def _shown(value: Any) -> str:
    """A setting for people: 0.05, yes, none, "yes 0.7, no 0.8"."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5f}".rstrip("0").rstrip(".")
    if isinstance(value, dict):
        parts = [
            f"{name} ({_shown(part)})"
            if isinstance(part, dict | list)
            else f"{name} {_shown(part)}"
            for name, part in value.items()
        ]
        return ", ".join(parts) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "none"
    return str(value)


def _operator_table(report: dict[str, Any]) -> str:
    counted = report["instructions"]["operators"] if report["instructions"] else None
    columns = ("MACs", "weight bytes", "scratch", *(("instructions",) if counted else ()))
    lines = [f"{'operator':<24}{'output':>12}" + "".join(f"{name:>14}" for name in columns)]
    for place, operator in enumerate(report["operators"]):
        shape = "x".join(map(str, operator["output_shape"]))
        values = [operator["macs"], operator["weight_bytes"], operator["scratch_bytes"]]
        values += [counted[place]] if counted else []
        name = f"{place:>3} {operator['name']}"
        lines.append(f"{name:<24}{shape:>12}" + "".join(f"{value:>14,}" for value in values))
    totals = f"{report['macs']:>14,}{report['weight_bytes']:>14,}"
    if counted:
        totals += f"{'':>14}{report['instructions']['inference']:>14,}"
    return "\n".join([*lines, f"{'    all':<36}{totals}"])


def _memory_table(report: dict[str, Any]) -> str:
    """One row per place in the arena; `#` where its content is needed."""
    steps = max((entry["last"] for entry in report["plan"]), default=0) + 1
    columns = min(steps, CHART_COLUMNS)
    lines = [
        f"memory: {report['arena_bytes']:,} bytes of arena, of which "
        f"{report['persistent_bytes']:,} for lists, multipliers and variables",
        f"{'offset':>9}{'bytes':>9}{'operators':>11}  {'':<{columns}}  content",
    ]
    for entry in report["plan"]:
        first, last = entry["first"], entry["last"]
        chart = "".join(
            "#" if first * columns // steps <= column <= last * columns // steps else "."
            for column in range(columns)
        )
        life = f"{first}" if first == last else f"{first}-{last}"
        content = " ".join(word for word in (entry["kind"], plain(entry["name"])) if word)
        lines.append(f"{entry['offset']:>9,}{entry['bytes']:>9,}{life:>11}  {chart}  {content}")
    return "\n".join(lines)


def _summary(report: dict[str, Any]) -> str:
    parts = [
        f"{report['model_bytes']:,} bytes of model",
        f"{report['arena_bytes']:,} bytes of arena",
    ]
    if report.get("window_bytes"):
        parts.append(
            f"{report['window_bytes']:,} bytes of window ({report['window_frames']} frames, an "
            f"inference every {report['clip_stride_frames']})"
        )
    if "macs_per_second" in report:
        parts.append(f"{report['macs_per_second']:,} MACs per second of audio")
    if report["instructions"]:
        counted = report["instructions"]
        measured = (
            f"{counted['inference']:,} instructions per inference and {counted['stack_bytes']:,} "
            f"bytes of stack, measured on an emulated {counted['board']}"
        )
    else:
        measured = f"instructions are not measured: {report['not_measured']}"
    return f"{', '.join(parts)}\n{measured}"


def _board_table(board: dict[str, Any]) -> str:
    """The verdict, and bytes needed against bytes available."""
    verdict = "fits" if board["fits"] else "does NOT fit"
    parts = "all of the firmware"
    if not board["whole_firmware"]:
        parts = "the engine alone: without settings there is no front end, decoder or link to add"
    lines = [f"{verdict} {board['board']}, with {parts}"]
    for memory in ("flash", "ram"):
        needed, available = board[f"{memory}_needed"], board[f"{memory}_bytes"]
        left = available - needed
        rest = f"{left:,} left" if left >= 0 else f"{-left:,} too many"
        lines.append(f"  {memory:<6}{needed:>10,} of {available:>10,} bytes, {rest}")
    return "\n".join(lines)
