# SPDX-License-Identifier: Apache-2.0
"""Run the same inputs through Stapes, upstream TFLM and LiteRT and report every differing byte.

Inputs are seeded random values and extremes, or the features of clips. The exit status is 1 if TFLM
gives other bytes or refuses the model. Differences of LiteRT are only reported; docs/engines.md
says what to expect.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stapes.cli.flags import add_flags
from stapes.cli.shared_flags import model_file
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.evaluation.verify import Comparison

EXAMPLE = "  stapes verify build/yes_no.tflite --clips speech_commands"


@dataclass(frozen=True, kw_only=True)
class VerifyFlags:
    """How much is compared and listed."""

    frames: int = setting(1000, least=1, most=10_000_000, help="inferences to compare")
    seed: int = setting(0, least=0, most=2**63 - 1, help="seed of the inputs, or order of clips")
    show: int = setting(20, least=0, most=2**31, help="differing bytes to list; 0: all")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=model_file, metavar="MODEL", help="any quantized model")
    parser.add_argument(
        "--clips", type=Path, metavar="DIR", help="folder of WAV files (default: random inputs)"
    )
    add_flags(parser, VerifyFlags)
    parser.add_argument("--json", action="store_true", help="print one JSON object, with all bytes")


def run(arguments: argparse.Namespace) -> int:
    from stapes.evaluation.verify import verify

    report, comparisons = verify(
        arguments.model, clips=arguments.clips, frames=arguments.frames, seed=arguments.seed
    )
    if arguments.json:
        report["runtimes"] = [_as_json(comparison) for comparison in comparisons]
        print(json.dumps(report))
    else:
        _print(report, comparisons, show=arguments.show)
    return 0 if report["equal"] is not False else 1


def _as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        **dataclasses.asdict(comparison),
        "differing_bytes": len(comparison.differences),
        "differing_frames": comparison.differing_frames,
        "largest_difference": comparison.largest_difference,
    }


def _print(report: dict[str, Any], comparisons: list[Comparison], *, show: int) -> None:
    say(
        f"{report['model']}: {report['frames']} inferences in {report['streams']} streams, "
        f"inputs: {_inputs(report)}, seed {report['seed']}"
    )
    print()
    say(f"{'':<8}{'bytes':>10}{'differing':>11}{'inferences':>12}{'largest':>9}  runtime")
    for comparison in comparisons:
        if comparison.failure:
            where = f" ({comparison.version})" if comparison.version else ""
            say(f"{comparison.runtime:<8}{comparison.failure}{where}")
            continue
        print(
            f"{comparison.runtime:<8}{comparison.compared_bytes:>10,}"
            f"{len(comparison.differences):>11,}{comparison.differing_frames:>12,}"
            f"{comparison.largest_difference:>9}  {comparison.version}"
        )
    for comparison in comparisons:
        _print_differences(comparison, show=show)
    verdicts = {
        True: "Stapes and TFLM agree in every byte.",
        False: "Stapes and TFLM do not agree.",
        None: "TFLM is not installed: nothing was verified against it.",
    }
    print(f"\n{verdicts[report['equal']]}")


def _inputs(report: dict[str, Any]) -> str:
    if report["inputs"] == "random":
        return "extremes and random values (--clips DIR for speech)"
    return f"features of {report['inputs']} (at most --frames of them)"


def _print_differences(comparison: Comparison, *, show: int) -> None:
    shown = comparison.differences[: show or None]
    if shown:
        print(f"\n{comparison.runtime} differs:")
    for entry in shown:
        say(
            f"  {entry.stream}, inference {entry.frame}, output {entry.index}: "
            f"Stapes {entry.stapes}, {comparison.runtime} {entry.other}"
        )
    hidden = len(comparison.differences) - len(shown)
    if hidden:
        say(f"  and {hidden} more; --show 0 lists them")
