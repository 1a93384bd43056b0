# SPDX-License-Identifier: Apache-2.0
"""What `stapes info --measure` says of the time that boards need for a frame, and of batteries."""

from __future__ import annotations

import argparse
import dataclasses
import math
import textwrap
from pathlib import Path
from typing import Any

from stapes.cli.table import table
from stapes.errors import StapesError
from stapes.firmware.boards import Board
from stapes.firmware.cycles import LEFT_OUT
from stapes.firmware.frame_time import (
    FrameTime,
    battery_life,
    can_estimate,
    estimate_frame_times,
    why_not,
)

_COLUMNS = ("board", "instructions", "cycles", "waits for flash", "ms", "share of the time")
_WIDTH = 96


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--current_ua_per_mhz",
        type=_positive,
        metavar="UA",
        help="microamperes per MHz of a processor at work (default: what the board's file says)",
    )
    parser.add_argument(
        "--sleep_ua",
        type=_positive,
        metavar="UA",
        help="microamperes of the board asleep (default: what the board's file says)",
    )
    parser.add_argument(
        "--battery_mah",
        type=_positive,
        default=1000.0,
        metavar="MAH",
        help="the battery, in milliampere hours (default: %(default)g)",
    )


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"found {text}, expected a positive number")
    return value


def estimate(
    model: Path, boards: list[Board], source: Path, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    """The figures of each board whose cycles can be estimated, in the order of `boards`.

    Raises:
        StapesError: there is no such board, or the estimate fails.
    """
    usable = [board for board in boards if can_estimate(board)]
    if not usable:
        names = ", ".join(f"{board.name} ({board.processor})" for board in boards)
        why = "; ".join(dict.fromkeys(without_estimate(boards).values()))
        raise StapesError(f"no manual's table of cycles for the core of {names}: {why}")
    times = estimate_frame_times(model, usable, source)
    return [_figures(board, time, arguments) for board, time in zip(usable, times, strict=True)]


def without_estimate(boards: list[Board]) -> dict[str, str]:
    """The boards without an estimate, by name, and the reason for each."""
    return {board.name: why for board in boards if (why := why_not(board))}


def _figures(board: Board, time: FrameTime, arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of one board, as --json prints them."""
    active = arguments.current_ua_per_mhz or board.active_ua_per_mhz
    sleep = arguments.sleep_ua or board.sleep_ua
    battery = None
    if active and sleep:
        life = battery_life(
            time,
            active_ua_per_mhz=active,
            sleep_ua=sleep,
            milliampere_hours=arguments.battery_mah,
        )
        battery = {
            **dataclasses.asdict(life), "active_ua_per_mhz": active, "sleep_ua": sleep
        }  # fmt: skip
    return {
        **dataclasses.asdict(time),
        "milliseconds": round(time.milliseconds, 3),
        "duty": round(time.duty, 4),
        "current_source": board.current_source,
        "known_sleep_ua": board.sleep_ua,
        "battery": battery,
    }


def section(figures: list[dict[str, Any]], without: dict[str, str]) -> str:
    """For people. `without`: the boards without an estimate, and why."""
    title = f"estimated, for a frame of {figures[0]['frame_milliseconds']:g} ms (not measured)"
    rows = [
        (
            each["board"],
            f"{each['instructions']:,}",
            f"{each['cycles']:,}",
            "unknown" if each["waits"] is None else f"{each['waits']:,}",
            f"{each['milliseconds']:.2f}",
            f"{100 * each['duty']:.0f}%" + (" (too slow)" if each["duty"] > 1 else ""),
        )
        for each in figures
    ]
    manuals = "; ".join(dict.fromkeys(each["manual"] for each in figures))
    notes = [
        f"Cycles are those of Arm's manuals: {manuals}.",
        f"Left out: {LEFT_OUT}; where waits for flash are unknown, those, too; what a silence gate "
        "saves.",
        *map(_battery_line, figures),
        *(
            f"No estimate for {', '.join(name for name in without if without[name] == why)}: {why}."
            for why in dict.fromkeys(without.values())
        ),
    ]  # fmt: skip
    folded = [textwrap.fill(note, _WIDTH, subsequent_indent="  ") for note in notes if note]
    return "\n".join([title, table(_COLUMNS, rows), *folded])


def _battery_line(figures: dict[str, Any]) -> str:
    name, battery = figures["board"], figures["battery"]
    if battery:
        return (
            f"{name}: {battery['mean_ua'] / 1000:.2f} mA on average, {battery['days']:.1f} days "
            f"from {battery['milliampere_hours']:g} mAh (at work {battery['active_ua_per_mhz']:g} "
            f"microamperes per MHz, asleep {battery['sleep_ua']:g})"
        )
    if figures["known_sleep_ua"]:
        return (
            f"{name}: {figures['known_sleep_ua']:g} microamperes asleep "
            f"({figures['current_source']}); --current_ua_per_mhz gives the life of a battery"
        )
    return ""
