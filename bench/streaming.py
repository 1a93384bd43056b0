#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of streaming audio through whole models on this machine, times real time.

Without models on the command line, it takes those under models/. "One core" is the processor time
of one thread, stage by stage. "All cores" is time on the clock, for scores and detections together.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline, front_end_of
from stapes.stream.score_track import compute_scores

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {"micro": 2000, "words": 1000}  # times real time, one core
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path, help="(models/*/model.tflite)")
    parser.add_argument("--minutes", type=float, default=10, help="of audio (%(default)g)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, no table")
    arguments = parser.parse_args()
    models = arguments.models or sorted(ROOT.glob("models/*/model.tflite"))
    figures = {"host": {case_name(path): measure(path, arguments.minutes) for path in models}}
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        print_table(figures["host"])
        if not models:
            print("found no models/*/model.tflite; name a .tflite file")


def case_name(path: Path) -> str:
    return path.parent.name if path.stem == "model" else path.stem


def audio(seconds: float, rate: int) -> np.ndarray:
    """Noise whose loudness changes by the syllable: int16 [samples]."""
    random = np.random.default_rng(1)
    count = int(seconds * rate)
    loudness = np.repeat(10 ** random.uniform(0, 3.5, count // 3000 + 1), 3000)[:count]
    return np.clip(random.normal(size=count) * loudness, -32768, 32767).astype(np.int16)


def measure(path: Path, minutes: float) -> dict[str, float]:
    """Times real time of each stage, of one core, and of all."""
    bundle = ModelBundle.from_file(path)
    content, settings, engine = bundle.model, bundle.settings, bundle.engine
    samples = audio(minutes * 60, settings.front_end.sample_rate)
    trace = Pipeline(bundle).process(samples)  # the input of each stage
    front_end = front_end_of(bundle)
    track = compute_scores(content, settings, samples, workers=1)
    stages = {
        "front_end": cpu_seconds(lambda: front_end.process(samples)),
        "network": cpu_seconds(lambda: engine.run(trace.inputs)),
        "decoder": cpu_seconds(track.decode),
        "one_core": cpu_seconds(
            lambda: compute_scores(content, settings, samples, workers=1).decode()
        ),
    }
    started = time.perf_counter()
    compute_scores(content, settings, samples).decode()
    stages["all_cores"] = time.perf_counter() - started
    audio_seconds = minutes * 60
    return {
        "seconds": stages["one_core"],
        "inferences": len(track.scores),
        "cores": os.cpu_count() or 1,
        **{f"realtime_factor_{name}": audio_seconds / value for name, value in stages.items()},
    }


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of the best of some rounds: others may use the machine as well."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def print_table(cases: dict[str, dict[str, float]]) -> None:
    stages = ("front_end", "network", "decoder", "one_core", "all_cores")
    print(f"{'times real time':<24}" + "".join(f"{name:>11}" for name in stages) + "     target")
    for name, figures in cases.items():
        row = "".join(f"{figures[f'realtime_factor_{stage}']:>11,.0f}" for stage in stages)
        print(f"{name:<24}{row}{TARGETS.get(name, '-'):>11}")


if __name__ == "__main__":
    main()
