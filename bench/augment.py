#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many seconds of audio each variation of training clips takes in a second of one core.

Here, every effect is applied to every clip. In a training, only the share --augment_frequency gets
it. The last row has all effects, with the settings of docs/augmentation.md and a share of one half.

With --data_dir, the CPU time of a batch (100 varied clips with their features) and that of a
training step. Both run at the same time, so the larger one sets the pace.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stapes.corpus.augment import random_variations
from stapes.corpus.augment_settings import AugmentSettings

SAMPLE_RATE = 16000
ARCHITECTURES = ("svdf", "ds_cnn")
BATCHES = 8
CLIPS_AT_ONCE = 16
EFFECTS = {
    "noise_snr_db": (0.0, 20.0),
    "speed_percent": 10.0,
    "time_stretch_percent": 15.0,
    "pitch_shift_semitones": 3.0,
    "reverb_ms": 500.0,
    "equalizer_db": 6.0,
    "band_limit_hertz": 3000.0,
    "clipping_db": 10.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=200, help="of one second (%(default)s)")
    parser.add_argument(
        "--data_dir",
        type=Path,
        default=os.environ.get("STAPES_CORPUS") or None,
        help="(STAPES_CORPUS)",
    )
    parser.add_argument("--wanted_words", default="yes,no", help="(%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, no table")
    arguments = parser.parse_args()
    cases = {"shift, gain, background": AugmentSettings(gain_db=6)}
    for name, amount in EFFECTS.items():
        cases[name] = AugmentSettings(**{name: amount}, augment_frequency=1)
    cases["all, half of the clips each"] = AugmentSettings(**EFFECTS, gain_db=6)
    factors = {name: measure(settings, arguments.clips) for name, settings in cases.items()}
    batches: dict[str, float] = {}
    steps: dict[str, float] = {}
    if arguments.data_dir:
        batches, steps = measure_training(arguments.data_dir, arguments.wanted_words.split(","))
    if arguments.json:
        figures = {name: {"realtime_factor": factor} for name, factor in factors.items()}
        figures |= {f"batch, {name}": {"cpu_seconds": s} for name, s in batches.items()}
        figures |= {f"step, {name}": {"cpu_seconds": s} for name, s in steps.items()}
        print(json.dumps({platform.machine(): figures}))
        return
    print(f"{'variation':<29}{'x real time':>12}{'ms a clip':>11}")
    for name, factor in factors.items():
        print(f"{name:<29}{factor:>12.0f}{1000 / factor:>11.2f}")
    for what, costs in (("batch", batches), ("step", steps)):
        for name, seconds in costs.items():
            print(f"{what + ', ' + name:<41}{1000 * seconds:>11.0f} ms CPU")


def measure(settings: AugmentSettings, count: int) -> float:
    """Seconds of audio varied per second of CPU, in one thread."""
    generator = np.random.default_rng(0)
    count -= count % CLIPS_AT_ONCE
    clips = generator.normal(0, 1000, (count, SAMPLE_RATE)).astype(np.int16)
    noises = [generator.normal(0, 1000, 30 * SAMPLE_RATE).astype(np.float32)]

    def vary(first: int) -> None:
        random_variations(
            clips[first : first + CLIPS_AT_ONCE],
            noises,
            settings,
            sample_rate=SAMPLE_RATE,
            generators=[np.random.default_rng([0, 1, first + row]) for row in range(CLIPS_AT_ONCE)],
        )

    vary(0)  # fills the caches
    best = float("inf")  # of five: others may be using the machine as well
    for _ in range(5):
        started = time.thread_time()
        for first in range(0, count, CLIPS_AT_ONCE):
            vary(first)
        best = min(best, time.thread_time() - started)
    return count / best


def measure_training(data_dir: Path, words: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of CPU of a batch by its variations, and of a step by its architecture."""
    from stapes.corpus.index import CorpusSettings
    from stapes.device.features import FeatureExtractor, choose_quantization
    from stapes.networks.registry import create_model
    from stapes.training.corpus import Corpus
    from stapes.training.settings import TrainingSettings
    from stapes.training.step import compiled_step, make_optimizer

    some = {"noise_snr_db": EFFECTS["noise_snr_db"], "reverb_ms": EFFECTS["reverb_ms"]}
    kinds = {"the tutorial's": {}, "with noise and rooms": some, "with all": EFFECTS}
    batches, steps = {}, {}
    for name, amounts in kinds.items():
        settings = TrainingSettings(
            corpus=CorpusSettings(wanted_words=tuple(words)),
            augmentation=AugmentSettings(**amounts),
        )
        clips = Corpus(data_dir, settings).training()
        first = clips.batch(0)
        quantization = choose_quantization(settings.front_end, first.samples)
        extractor = FeatureExtractor(settings.front_end, quantization)
        batches[name] = cpu_seconds(
            lambda number, clips=clips, extractor=extractor: extractor.real(
                clips.batch(number).samples, threads=1
            )
        )
    features = extractor.real(first.samples)
    for architecture in ARCHITECTURES:
        settings = TrainingSettings(corpus=settings.corpus, architecture=architecture)
        model = create_model(architecture, settings.shape, settings.model)
        optimizer = make_optimizer(settings)
        optimizer.build(model.trainable_variables)
        step = compiled_step(model, optimizer, settings)
        steps[architecture] = cpu_seconds(
            lambda number, step=step: float(step(features, first.labels)[1])
        )
    return batches, steps


def cpu_seconds(work: Callable[[int], object]) -> float:
    """CPU time of `work`, a mean of several calls, on all threads."""
    work(0)
    started = time.process_time()
    for number in range(1, BATCHES + 1):
        work(number)
    return (time.process_time() - started) / BATCHES


if __name__ == "__main__":
    main()
