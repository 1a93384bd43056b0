#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What int8 costs in accuracy: every architecture trained on real speech, in float and in int8.

Each network is trained in float and exported (ranges calibrated after training), then trained on
with int8 simulated (--quantize) and exported again. Both exports run the testing partition through
the float network and, as int8, through the firmware's own engine. Trainings are short: long
enough for a loss to mean something, too short for the best accuracy.

Everything is kept under --work_dir. The same command continues where it was stopped, and does
nothing twice. --again exports and measures the trained networks again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stapes.corpus.index import CorpusSettings
from stapes.errors import StapesError
from stapes.export.export import ExportResult, export_checkpoint
from stapes.files import write_text
from stapes.model.settings import DecoderSettings, FrontEndSettings
from stapes.networks.options import ModelOptions
from stapes.training.checkpoint import FILE_NAME
from stapes.training.loop import RunOptions, train
from stapes.training.settings import Schedule, TrainingSettings

TARGET_POINTS = 0.5
# Long enough to settle, at a tenth of the first rate, which is where a cosine ends.
QUANTIZED_SHARE, QUANTIZED_RATE = 0.2, 0.1


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Float steps, their first rate, the share of units that is dropped (-1: the architecture's
    own), and the features: milliseconds a frame, coefficients."""

    steps: int
    rate: float
    dropout: float = -1
    stride_ms: float = 20
    coefficients: int = 40


# The tutorial's large networks at its 98 frames of 40 coefficients, except for `conv`, whose steps
# take a second; the smaller ones at 49, and MLPerf Tiny's at its 49 of 10. The tutorial drops half
# of the units, which takes many more steps than these.
RECIPES = {
    "single_fc": Recipe(steps=600, rate=0.001, stride_ms=10),
    "conv": Recipe(steps=120, rate=0.001, dropout=0.1),
    "low_latency_conv": Recipe(steps=500, rate=0.001, dropout=0.1, stride_ms=10),
    "low_latency_svdf": Recipe(steps=500, rate=0.001, dropout=0.1, stride_ms=10),
    "tiny_conv": Recipe(steps=1500, rate=0.003, dropout=0.1),
    "tiny_embedding_conv": Recipe(steps=2000, rate=0.005, dropout=0),
    "ds_cnn": Recipe(steps=400, rate=0.005, coefficients=10),
    "svdf": Recipe(steps=500, rate=0.01),
    "residual_svdf": Recipe(steps=500, rate=0.01),
}


def main() -> None:
    arguments = parse()
    cases = {}
    for name in arguments.architectures or RECIPES:
        cases[name] = Case(name, arguments).figures()
    if arguments.json:
        print(json.dumps({platform.machine(): cases}))
    else:
        print_table(cases)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "architectures",
        nargs="*",
        metavar="ARCHITECTURE",
        help=f"(all: {' '.join(RECIPES)})",
    )
    add(
        "--data_dir",
        type=Path,
        default=os.environ.get("STAPES_CORPUS"),
        help="folder of clips, <word>/*.wav (STAPES_CORPUS)",
    )
    add("--work_dir", type=Path, default=Path("build/quantization"), help="(%(default)s)")
    add("--wanted_words", default="yes,no,up,down,left,right", help="(%(default)s)")
    add("--testing_percentage", type=float, default=20, help="of all clips (%(default)s)")
    add("--steps", type=int, help="float steps of each network (its own number)")
    add("--quantize_steps", type=int, help="steps with int8 simulated (a fifth of the others)")
    add("--batch_size", type=int, default=100, help="clips per step (%(default)s)")
    add("--seed", type=int, default=59185, help="(%(default)s)")
    add("--again", action="store_true", help="export and measure again what has been trained")
    add("--json", action="store_true", help="one JSON object on stdout, no table")
    arguments = parser.parse_args()
    if not arguments.data_dir:
        parser.error("set STAPES_CORPUS or --data_dir to a folder of clips")
    if unknown := set(arguments.architectures) - set(RECIPES):
        parser.error(f"{', '.join(sorted(unknown))}: expected some of {', '.join(RECIPES)}")
    return arguments


class Case:
    """One architecture: its two trainings, their exports, and what has been measured so far."""

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        self._name, self._arguments = name, arguments
        recipe = RECIPES[name]
        self._steps = arguments.steps or recipe.steps
        self._more = arguments.quantize_steps or max(round(QUANTIZED_SHARE * self._steps), 1)
        self._rate = recipe.rate
        self._float = TrainingSettings(
            corpus=CorpusSettings(
                wanted_words=tuple(arguments.wanted_words.split(",")),
                testing_percentage=arguments.testing_percentage,
            ),
            front_end=FrontEndSettings(
                window_stride_ms=recipe.stride_ms, dct_coefficient_count=recipe.coefficients
            ),
            architecture=name,
            model=ModelOptions(dropout=recipe.dropout),
            schedule=Schedule(steps=(self._steps,), rates=(self._rate,), decay="cosine"),
            batch_size=arguments.batch_size,
            seed=arguments.seed,
        )
        self._int8 = dataclasses.replace(
            self._float,
            schedule=Schedule(
                steps=(self._steps, self._more),
                rates=(self._rate, QUANTIZED_RATE * self._rate),
                decay="cosine",
            ),
            quantize=True,
            quantize_delay=self._steps,
        )
        self._folder = arguments.work_dir / name
        self._state = self._load()

    def figures(self) -> dict[str, Any]:
        """The figures of the table. Those that are not known yet are measured now."""
        self._say(f"{self._steps} steps in float, {self._more} with int8 simulated")
        for phase, settings, start in (
            ("float", self._float, ""),
            ("int8", self._int8, self._folder / "float" / FILE_NAME),
        ):
            if not self._state[phase]["trained"]:
                self._train(phase, settings, start)
            if self._arguments.again or not self._state[phase]["export"]:
                self._export(phase)
        after, aware = (self._state[phase]["export"] for phase in ("float", "int8"))
        return {
            "steps": self._steps,
            "quantize_steps": self._more,
            "test_clips": after["test_clips"],
            "after_training": summary(after),
            "aware_training": summary(aware),
            "seconds": sum(entry["seconds"] for entry in self._phases()),
        }

    def _train(self, phase: str, settings: TrainingSettings, start: str | Path) -> None:
        folder = self._folder / phase
        with self._counted(phase):
            train(
                settings,
                data_dir=self._arguments.data_dir,
                train_dir=folder,
                start_checkpoint="" if (folder / FILE_NAME).exists() else start,
                command=f"bench/{Path(__file__).name} {self._name}",
                options=RunOptions(progress=True),
                log=self._log,
            )
        self._state[phase]["trained"] = True
        self._save()

    def _export(self, phase: str) -> None:
        with self._counted(phase):
            result: ExportResult = export_checkpoint(
                self._folder / phase / FILE_NAME,
                self._folder / f"{phase}.tflite",
                decoder=DecoderSettings(),
                data_dir=self._arguments.data_dir,
                log=self._log,
            )
        self._state[phase]["export"] = dataclasses.asdict(result)
        self._save()

    def _load(self) -> dict[str, Any]:
        """The figures of an earlier run.

        Raises:
            StapesError: it was one with other settings.
        """
        settings = [self._float.to_json(), self._int8.to_json()]
        path = self._folder / "state.json"
        if not path.exists():
            fresh = {"trained": False, "seconds": 0.0, "export": {}}
            return {"settings": settings, "float": dict(fresh), "int8": dict(fresh)}
        state = json.loads(path.read_text())
        if state["settings"] != settings:
            raise StapesError(
                f"{path}: found a run with other settings, expected the same; choose another "
                "--work_dir, or remove this folder"
            )
        return state

    def _save(self) -> None:
        write_text(self._folder / "state.json", json.dumps(self._state))

    def _phases(self) -> Iterator[dict[str, Any]]:
        yield from (self._state[phase] for phase in ("float", "int8"))

    @contextmanager
    def _counted(self, phase: str) -> Iterator[None]:
        """Adds processor time, also that of work that was interrupted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        started = time.process_time()
        try:
            yield
        finally:
            self._state[phase]["seconds"] += time.process_time() - started
            self._save()

    def _log(self, line: str) -> None:
        if not line.startswith(("Confusion", "What each layer", "Note", "Reading")):
            self._say(line)

    def _say(self, line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {self._name}: {line}", file=sys.stderr, flush=True)


def summary(export: dict[str, Any]) -> dict[str, Any]:
    """Accuracies in percent, the loss in points, and the layers."""
    in_float, in_int8 = (100 * export[f"{kind}_accuracy"] for kind in ("float", "int8"))
    return {
        "float_percent": in_float,
        "int8_percent": in_int8,
        "lost_points": in_float - in_int8,
        "layers": export["layers"],
    }


def print_table(cases: dict[str, dict[str, Any]]) -> None:
    print(f"{'':<21}{'calibrated after training':^26}{'int8 simulated':^24}")
    print(
        f"{'network':<21}{'float':>8}{'int8':>8}{'lost':>7}   {'float':>8}{'int8':>8}{'lost':>7}"
        f"{'clips':>7}{'CPU s':>7}  weakest layer"
    )
    for name, case in cases.items():
        after, aware = case["after_training"], case["aware_training"]
        cells = "   ".join(
            f"{entry['float_percent']:>7.2f}%{entry['int8_percent']:>7.2f}%"
            f"{entry['lost_points']:>+7.2f}"
            for entry in (after, aware)
        )
        print(
            f"{name:<21}{cells}{case['test_clips']:>7}{case['seconds']:>7.0f}  "
            f"{weakest(after['layers'])}"
        )
    clips = min(case["test_clips"] for case in cases.values())
    print(
        f"lost: points of accuracy from float to int8, at most {TARGET_POINTS:g} wanted; one clip "
        f"is {100 / clips:.3f} points"
    )


def weakest(layers: list[dict[str, Any]]) -> str:
    measured = [layer for layer in layers if layer["sqnr_db"] is not None]
    if not measured:
        return "-"
    layer = min(measured, key=lambda entry: entry["sqnr_db"])
    return f"{layer['name']}, {layer['sqnr_db']:.1f} dB"


if __name__ == "__main__":
    try:
        main()
    except StapesError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
