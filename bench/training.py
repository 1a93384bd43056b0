#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training steps per second: Stapes against a plain TensorFlow pipeline.

All train the tutorial's low_latency_svdf on the same clips, 98 frames of 40 MFCCs, batch 100:

* tensorflow: tf.data with decode_wav, AudioSpectrogram and Mfcc, mapped in parallel over single
  clips, and the network in the tutorial's operations, compiled by tf.function;
* tensorflow_step: the same input, but the step of Stapes;
* stapes: as `stapes train` does it.

On a busy machine, the ratio by CPU time is steadier. The last lines say how fast the front end
computes features. `utilisation` is the share of the cores' time that the training used; it means
something only on an idle machine. `ready` is the share of the cores for which the training had
work, even if other processes used them.

With --variations, the cost of the input for a small network with different variations of its clips,
and for the network of models/words. `input` and `step` are the CPU time of each alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np

from stapes.corpus.augment import mask_randomly
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.index import CorpusSettings
from stapes.device.features import FeatureExtractor, choose_quantization
from stapes.model.settings import FrontEndSettings, PcenSettings
from stapes.networks.backend import keras, tf
from stapes.networks.layers import SVDF
from stapes.networks.options import ModelOptions
from stapes.networks.registry import create_model
from stapes.training.cache import FeatureCache
from stapes.training.corpus import Corpus
from stapes.training.prefetch import prefetch
from stapes.training.settings import TrainingSettings
from stapes.training.step import compiled_step, make_optimizer

WARM_UP_STEPS = 10  # if the input costs more: until the batches that were made ahead are used up
CLIPS_OF_FEATURES = 2000
READY_THREADS = Path(__file__).parent / "training/ready_threads.py"
LONE_BATCHES = 10  # made, and used, with nothing else going on
SOME = {
    "gain_db": 6,
    "noise_snr_db": (0, 20),
    "reverb_ms": 400,
    "time_mask_frames": 4,
    "frequency_mask_channels": 4,
}
VARIATIONS = {
    "shift and background (defaults)": {},
    "those, gain, noise, rooms, masks": SOME,
    "every variation": {
        **SOME,
        "speed_percent": 10,
        "time_stretch_percent": 15,
        "pitch_shift_semitones": 3,
        "equalizer_db": 6,
        "band_limit_hertz": 3000,
        "clipping_db": 10,
    },
}
# The network of models/words and how its clips are varied, but for recordings of rooms.
WORDS = {
    "front_end": FrontEndSettings(
        dct_coefficient_count=0, pcen=PcenSettings(floor=0.001), upper_edge_hertz=7600
    ),
    "augmentation": AugmentSettings(
        time_shift_ms=200,
        time_mask_frames=2,
        frequency_mask_channels=2,
        gain_db=20,
        reverb_ms=300,
        noise_snr_db=(-5, 25),
        equalizer_db=6,
    ),
    "architecture": "residual_svdf",
    "model": ModelOptions(
        svdf_units=(96,) * 7, svdf_memory=(3, 8, 8, 8, 8, 8, 12), bottleneck_units=56, dropout=0.0
    ),
    "end_frames": 11,
}


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
    parser.add_argument(
        "--variations", action="store_true", help="measure svdf with variations of clips instead"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, no table")
    arguments = parser.parse_args()
    if not arguments.data_dir:
        parser.error("set STAPES_CORPUS or --data_dir to a folder of clips")
    words = CorpusSettings(wanted_words=tuple(arguments.wanted_words.split(",")))
    if arguments.variations:
        cases = measure_variations(arguments.data_dir, words, steps=arguments.steps)
        if arguments.json:
            print(json.dumps({platform.machine(): cases}))
        else:
            print_variations(cases)
        return
    settings = TrainingSettings(
        corpus=words,
        front_end=FrontEndSettings(window_stride_ms=10),
        architecture="low_latency_svdf",
        optimizer="gradient_descent",
    )
    corpus = Corpus(arguments.data_dir, settings)
    cases = {
        name: measure(
            tutorial_network(settings, svdf),
            make_batches(corpus, settings),
            settings,
            steps=arguments.steps,
        )
        for name, make_batches, svdf in (
            ("tensorflow", tensorflow_batches, TutorialSvdf),
            ("tensorflow_step", tensorflow_batches, SVDF),
            ("stapes", stapes_batches, SVDF),
        )
    }
    for name in ("tensorflow", "tensorflow_step"):
        for figure, inverse in (("steps_per_second", False), ("cpu_seconds_per_step", True)):
            ratio = cases["stapes"][figure] / cases[name][figure]
            cases["stapes"][f"{figure}_ratio_to_{name}"] = 1 / ratio if inverse else ratio
    features = measure_features(corpus, settings)
    if arguments.json:
        print(json.dumps({platform.machine(): {**cases, "features": features}}))
        return
    print_table(cases, features, settings)


def print_table(
    cases: dict[str, dict[str, float]], features: dict[str, float], settings: TrainingSettings
) -> None:
    print(
        f"{'pipeline':<17}{'steps/s':>9}{'clips/s':>9}{'CPU s/step':>12}{'utilisation':>13}"
        f"{'ready':>7}{'waits':>7}{'ratio':>8}{'by CPU':>8}"
    )
    own = cases["stapes"]
    for name, figures in cases.items():
        rate, cpu = figures["steps_per_second"], figures["cpu_seconds_per_step"]
        print(
            f"{name:<17}{rate:>9.1f}{rate * settings.batch_size:>9.0f}{cpu:>12.3f}"
            f"{100 * figures['utilisation']:>12.0f}%"
            f"{100 * figures['ready']:>6.0f}%{100 * figures['waiting']:>6.0f}%"
            f"{own['steps_per_second'] / rate:>8.2f}{cpu / own['cpu_seconds_per_step']:>8.2f}"
        )
    print(
        f"features: {features['realtime_factor']:,.0f} x real time per core, "
        f"{features['cached_realtime_factor']:,.0f} x from the cache "
        f"({features['clips']:.0f} clips)"
    )


def measure_variations(
    data_dir: Path, words: CorpusSettings, *, steps: int
) -> dict[str, dict[str, float]]:
    """svdf with each of VARIATIONS, and `words`: as `measure`, and CPU seconds of an input and of a
    step."""
    trainings = {
        f"svdf, {name}": TrainingSettings(corpus=words, augmentation=AugmentSettings(**amounts))
        for name, amounts in VARIATIONS.items()
    }
    trainings["words, its variations"] = TrainingSettings(corpus=words, **WORDS)
    cases = {}
    for name, settings in trainings.items():
        corpus = Corpus(data_dir, settings)
        model = create_model(settings.architecture, settings.shape, settings.model)
        figures = measure(model, stapes_batches(corpus, settings), settings, steps=steps)
        make = batch_maker(corpus, settings)
        started = time.process_time()
        for number in range(LONE_BATCHES):
            make(number)
        figures["input_cpu_seconds"] = (time.process_time() - started) / LONE_BATCHES
        cases[name] = figures
    return cases


def print_variations(cases: dict[str, dict[str, float]]) -> None:
    header = ("steps/s", "input ms", "step ms", "utilisation", "ready", "waits")
    print(f"{'clips with':<40}" + "".join(f"{name:>12}" for name in header))
    for name, figures in cases.items():
        lone = [1000 * figures[f"{part}_cpu_seconds"] for part in ("input", "step")]
        shares = (f"{100 * figures[share]:.0f}%" for share in ("utilisation", "ready", "waiting"))
        print(
            f"{name:<40}{figures['steps_per_second']:>12.1f}{lone[0]:>12.0f}{lone[1]:>12.0f}"
            + "".join(f"{share:>12}" for share in shares)
        )


def measure(
    model: Any,
    batches: Generator[tuple[Any, Any], None, None],
    settings: TrainingSettings,
    *,
    steps: int,
) -> dict[str, float]:
    """After a warm-up: steps per second of wall time; seconds of CPU per step, with its input and
    without; shares of the cores in use and asked for; share of the time in which steps wait
    for their input."""
    optimizer = make_optimizer(settings)
    optimizer.build(model.trainable_variables)
    step = compiled_step(model, optimizer, settings)
    for _ in range(WARM_UP_STEPS):
        step(*next(batches))
    sampler = subprocess.Popen(
        [sys.executable, str(READY_THREADS), str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    waited, wall, cpu = 0.0, time.monotonic(), time.process_time()
    for _ in range(steps):
        asked = time.monotonic()
        batch = next(batches)
        waited += time.monotonic() - asked
        float(step(*batch)[1])
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    ready = float(sampler.communicate()[0])
    batches.close()
    lone = time.process_time()
    for _ in range(LONE_BATCHES):
        float(step(*batch)[1])
    lone = time.process_time() - lone
    return {
        "steps_per_second": steps / wall,
        "cpu_seconds_per_step": cpu / steps,
        "step_cpu_seconds": lone / LONE_BATCHES,
        "utilisation": cpu / wall / len(os.sched_getaffinity(0)),
        "ready": ready,
        "waiting": waited / wall,
    }


def measure_features(corpus: Corpus, settings: TrainingSettings) -> dict[str, float]:
    """Seconds of audio per second of CPU, on one thread, computed and read from the cache."""
    clips = corpus.evaluation("training", limit=CLIPS_OF_FEATURES).samples
    extractor = FeatureExtractor(
        settings.front_end, choose_quantization(settings.front_end, clips[:200]), threads=1
    )
    seconds = clips.size / settings.front_end.sample_rate
    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(Path(folder))
        factors = []
        for use in (extractor.stored, lambda part: cache.stored(extractor, part)):
            use(clips)
            started = time.process_time()
            use(clips)
            factors.append(seconds / (time.process_time() - started))
    return {
        "clips": len(clips),
        "realtime_factor": factors[0],
        "cached_realtime_factor": factors[1],
    }


class TutorialSvdf(SVDF):
    """The layer in the operations of the tutorial's models.py: all frames filtered by a
    convolution over features, then by a matrix product over time for each filter."""

    def _last_frame(self, inputs: Any) -> Any:
        flat = tf.reshape(inputs, [-1, self.memory * inputs.shape[2], 1])
        filters = self.feature_weights[:, None, :]
        filtered = tf.nn.conv1d(flat, filters, stride=inputs.shape[2], padding="VALID")
        memory = tf.transpose(filtered, [2, 0, 1])
        weighted = tf.matmul(memory, tf.transpose(self.time_weights)[:, :, None])
        by_unit = tf.reshape(weighted, [self.units, self.rank, -1])
        return tf.transpose(tf.reduce_sum(by_unit, axis=1))[:, None, :]


def tutorial_network(settings: TrainingSettings, svdf: type) -> Any:
    """low_latency_svdf with its first layer computed as `svdf` does."""
    model = create_model(settings.architecture, settings.shape, settings.model)

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if not isinstance(layer, SVDF):
            return type(layer).from_config(config)
        config.pop("batch_normalization")
        return svdf(config.pop("units"), **config)

    return keras.models.clone_model(model, clone_function=clone)


def stapes_batches(
    corpus: Corpus, settings: TrainingSettings
) -> Generator[tuple[Any, Any], None, None]:
    """As `stapes train` makes them."""
    yield from prefetch(batch_maker(corpus, settings), range(10**6))


def batch_maker(corpus: Corpus, settings: TrainingSettings) -> Callable[[int], tuple[Any, Any]]:
    """A function of a batch's number."""
    clips = corpus.training()
    quantization = choose_quantization(settings.front_end, clips.batch(0).samples)
    extractor = FeatureExtractor(settings.front_end, quantization)

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        batch = clips.batch(number)
        features = extractor.real(batch.samples, threads=1)
        mask_randomly(features, settings.augmentation, np.random.default_rng(number))
        return features, batch.labels

    return make


def tensorflow_batches(
    corpus: Corpus, settings: TrainingSettings
) -> Generator[tuple[Any, Any], None, None]:
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
