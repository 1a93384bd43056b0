# SPDX-License-Identifier: Apache-2.0
"""A corpus of tones that is quick to write and to learn: rising is "up", falling is "down"."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.audio.wav import write_wav
from stapes.cli.main import main

SAMPLE_RATE = 8000
WANTED = ("up", "down")
LABELS_COUNT = 4
# The variable that names a folder of the run, for all its processes (tests/host/conftest.py).
SHARED_FOLDER = "STAPES_TESTS_SHARED_FOLDER"
# About 20 steps a second on a slow machine; learns the tones to better than 90%.
TRAIN_FLAGS = (
    *("--wanted_words", "up,down", "--sample_rate", "8000", "--upper_edge_hertz", "4000"),
    *("--preprocess", "logmel", "--feature_bin_count", "20", "--svdf_units", "12,12"),
    *("--silence_percentage", "30", "--unknown_percentage", "50", "--batch_size", "32"),
    *("--how_many_training_steps", "120", "--learning_rate", "0.01"),
    *("--learning_rate_decay", "cosine", "--time_shift_ms", "50"),
)


def sweep(first_hertz: float, last_hertz: float, *, seed: int) -> np.ndarray:
    """One second: a tone of 0.5 s from one frequency to the other, in a little noise. int16."""
    generator = np.random.default_rng(seed)
    start = int(generator.uniform(0.2, 0.3) * SAMPLE_RATE)
    length = SAMPLE_RATE // 2
    hertz = np.linspace(first_hertz, last_hertz, length) * generator.uniform(0.9, 1.1)
    clip = generator.normal(0, 30, SAMPLE_RATE)
    clip[start : start + length] += 6000 * np.sin(2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE)
    return clip.astype(np.int16)


def write_tones(folder: Path, *, clips: int = 60, background: bool = True) -> Path:
    """Writes `clips` of each of "up", "down" and, for _unknown_, "flat"; returns the folder."""
    kinds = {"up": (400, 1600), "down": (1600, 400), "flat": (900, 900)}
    for word, (first, last) in kinds.items():
        (folder / word).mkdir(parents=True)
        for number in range(clips):
            clip = sweep(first, last, seed=1000 * len(word) + number)
            path = folder / word / f"{number:04x}_nohash_0.wav"
            write_wav(path, clip, sample_rate=SAMPLE_RATE)
    if background:
        noise = np.random.default_rng(0).normal(0, 800, 3 * SAMPLE_RATE).astype(np.int16)
        (folder / "_background_noise_").mkdir()
        write_wav(folder / "_background_noise_" / "hiss.wav", noise, sample_rate=SAMPLE_RATE)
        (folder / "_background_noise_" / "ATTRIBUTION.txt").write_text("Hiss of the tests, CC0\n")
    return folder


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A corpus of tones, the folder with the checkpoint trained on it, and the exported model."""

    data_dir: Path
    train_dir: Path
    model: Path


@functools.cache
def trained_tones() -> Trained:
    """Trains and exports once for all tests of a run, in whichever of its processes is the first.
    Nothing of it may be changed."""
    shared = Path(os.environ[SHARED_FOLDER])
    folder = shared / "tones"
    places = Trained(
        data_dir=folder / "data", train_dir=folder / "train", model=folder / "tones.tflite"
    )
    with (shared / "tones.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a failure left
            _train_and_export(places)
            (folder / "done").touch()
    return places


def _train_and_export(places: Trained) -> None:
    write_tones(places.data_dir)
    train_dir = ("--train_dir", str(places.train_dir))
    assert main(["train", "--data_dir", str(places.data_dir), *train_dir, *TRAIN_FLAGS]) == 0
    assert main(["export", *train_dir, "--output_file", str(places.model)]) == 0
