#!/usr/bin/env python3
"""How many seconds of audio each variation of training clips takes in a second of one core.

Every effect is applied to every clip here; in a training, to the share --augment_frequency. The
last row has all of them, with the settings of docs/augmentation.md and their share of one half.
"""

from __future__ import annotations

import argparse
import json
import platform
import time

import numpy as np

from stapes.corpus.augment import random_variation
from stapes.corpus.augment_settings import AugmentSettings

SAMPLE_RATE = 16000
EFFECTS = {
    "noise_snr_db": (0.0, 20.0),
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
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, no table")
    arguments = parser.parse_args()
    cases = {"shift, gain, background": AugmentSettings(gain_db=6)}
    for name, amount in EFFECTS.items():
        cases[name] = AugmentSettings(**{name: amount}, augment_frequency=1)
    cases["all, half of the clips each"] = AugmentSettings(**EFFECTS, gain_db=6)
    factors = {name: measure(settings, arguments.clips) for name, settings in cases.items()}
    if arguments.json:
        figures = {name: {"realtime_factor": factor} for name, factor in factors.items()}
        print(json.dumps({platform.machine(): figures}))
        return
    print(f"{'variation':<29}{'x real time':>12}{'ms a clip':>11}")
    for name, factor in factors.items():
        print(f"{name:<29}{factor:>12.0f}{1000 / factor:>11.2f}")


def measure(settings: AugmentSettings, count: int) -> float:
    """Seconds of audio varied per second of CPU, in one thread."""
    generator = np.random.default_rng(0)
    clips = generator.normal(0, 1000, (count, SAMPLE_RATE)).astype(np.int16)
    noises = [generator.normal(0, 1000, 30 * SAMPLE_RATE).astype(np.int16)]

    def vary(number: int) -> None:
        draw = np.random.default_rng([0, 1, number])
        random_variation(clips[number], noises, settings, sample_rate=SAMPLE_RATE, generator=draw)

    vary(0)  # fills the caches
    started = time.thread_time()
    for number in range(count):
        vary(number)
    return count / (time.thread_time() - started)


if __name__ == "__main__":
    main()
