#!/usr/bin/env python3
"""Training steps per second: Stapes against a plain TensorFlow input pipeline.

Both train the tutorial's low_latency_svdf on the same clips with the same compiled step, 98 frames
of 40 MFCCs, batch 100; only the way from clips to features differs. The plain pipeline is tf.data
with decode_wav, AudioSpectrogram and Mfcc, mapped in parallel over single clips.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stapes.corpus.index import CorpusSettings
from stapes.models.backend import tf
from stapes.models.registry import create_model
from stapes.settings import FrontEndSettings
from stapes.training.corpus import Corpus
from stapes.training.features import FeatureExtractor, choose_quantization
from stapes.training.prefetch import prefetch
from stapes.training.settings import TrainingSettings
from stapes.training.step import compiled_step, make_optimizer

WARM_UP_STEPS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data_dir",
        type=Path,
        default=os.environ.get("STAPES_CORPUS"),
        help="folder of clips, <word>/*.wav (STAPES_CORPUS)",
    )
    parser.add_argument("--wanted_words", default="yes,no", help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=60, help="measured steps (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, no table")
    arguments = parser.parse_args()
    if not arguments.data_dir:
        parser.error("set STAPES_CORPUS or --data_dir to a folder of clips")
    settings = TrainingSettings(
        corpus=CorpusSettings(wanted_words=tuple(arguments.wanted_words.split(","))),
        front_end=FrontEndSettings(window_stride_ms=10),
        architecture="low_latency_svdf",
        optimizer="gradient_descent",
    )
    corpus = Corpus(arguments.data_dir, settings)
    pipelines = {
        "tensorflow": tensorflow_batches(corpus, settings),
        "stapes": stapes_batches(corpus, settings),
    }
    cases = {
        name: measure(batches, settings, steps=arguments.steps)
        for name, batches in pipelines.items()
    }
    ratio = cases["stapes"]["steps_per_second"] / cases["tensorflow"]["steps_per_second"]
    if arguments.json:
        print(json.dumps({platform.machine(): {**cases, "ratio": ratio}}))
        return
    print(f"{'pipeline':<12}{'steps/s':>9}{'clips/s':>9}{'CPU s/step':>12}")
    for name, figures in cases.items():
        clips = figures["steps_per_second"] * settings.batch_size
        print(
            f"{name:<12}{figures['steps_per_second']:>9.1f}{clips:>9.0f}"
            f"{figures['cpu_seconds_per_step']:>12.3f}"
        )
    print(f"ratio {ratio:.2f}")


def measure(
    batches: Iterator[tuple[Any, Any]], settings: TrainingSettings, *, steps: int
) -> dict[str, float]:
    """Steps per second of wall time and seconds of CPU per step, after a warm-up."""
    model = create_model(settings.architecture, settings.shape, settings.model)
    optimizer = make_optimizer(settings)
    optimizer.build(model.trainable_variables)
    step = compiled_step(model, optimizer, settings)
    for _ in range(WARM_UP_STEPS):
        step(*next(batches))
    wall, cpu = time.monotonic(), time.process_time()
    for _ in range(steps):
        step(*next(batches))
    seconds = time.monotonic() - wall
    return {
        "steps_per_second": steps / seconds,
        "cpu_seconds_per_step": (time.process_time() - cpu) / steps,
    }


def stapes_batches(corpus: Corpus, settings: TrainingSettings) -> Iterator[tuple[Any, Any]]:
    """As `stapes train` makes them."""
    clips = corpus.training()
    quantization = choose_quantization(settings.front_end, clips.batch(0).samples)
    extractor = FeatureExtractor(settings.front_end, quantization)

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        batch = clips.batch(number)
        return extractor.real(batch.samples), batch.labels

    yield from prefetch(make, range(10**6))


def tensorflow_batches(corpus: Corpus, settings: TrainingSettings) -> Iterator[tuple[Any, Any]]:
    """Time shift, background and features by TensorFlow's own operators, from files."""
    front_end, augmentation = settings.front_end, settings.augmentation
    samples = settings.clip_samples
    clips = corpus.index.wanted["training"]
    noises = [decode(str(path), -1) for path in corpus.index.background]
    limit = int(augmentation.time_shift_ms * front_end.sample_rate / 1000)

    def features(path: Any, label: Any) -> tuple[Any, Any]:
        shift = tf.random.uniform([], -limit, limit + 1, tf.int32)
        padded = tf.pad(decode(path, samples), [[tf.maximum(shift, 0), tf.maximum(-shift, 0)]])
        clip = tf.slice(padded, [tf.maximum(-shift, 0)], [samples])
        if noises:
            clip = tf.clip_by_value(clip + background(), -1.0, 1.0)
        spectrogram = tf.raw_ops.AudioSpectrogram(
            input=clip[:, None],
            window_size=front_end.window_samples,
            stride=front_end.stride_samples,
            magnitude_squared=True,
        )
        mfcc = tf.raw_ops.Mfcc(
            spectrogram=spectrogram,
            sample_rate=front_end.sample_rate,
            upper_frequency_limit=front_end.upper_edge_hertz,
            lower_frequency_limit=front_end.lower_edge_hertz,
            filterbank_channel_count=front_end.channel_count,
            dct_coefficient_count=front_end.dct_coefficient_count,
        )
        return mfcc[0], label

    def background() -> Any:
        cases = [lambda noise=noise: tf.image.random_crop(noise, [samples]) for noise in noises]
        chosen = tf.switch_case(tf.random.uniform([], 0, len(noises), tf.int32), cases)
        mixed = tf.random.uniform([]) < augmentation.background_frequency
        volume = tf.random.uniform([], 0, augmentation.background_volume)
        return chosen * tf.where(mixed, volume, 0.0)

    paths, labels = zip(*((str(path), label) for path, label in clips), strict=True)
    dataset = tf.data.Dataset.from_tensor_slices((list(paths), np.array(labels, np.int32)))
    dataset = dataset.shuffle(len(paths)).repeat()
    dataset = dataset.map(features, num_parallel_calls=tf.data.AUTOTUNE)
    yield from dataset.batch(settings.batch_size).prefetch(tf.data.AUTOTUNE)


def decode(path: Any, samples: int) -> Any:
    """float32 [samples], -1 to 1."""
    return tf.audio.decode_wav(tf.io.read_file(path), 1, samples).audio[:, 0]


if __name__ == "__main__":
    main()
