# SPDX-License-Identifier: Apache-2.0
"""Measure the clip accuracy of a .tflite file through the firmware's own code.

Every clip of the partition goes through front end and engine frame by frame, from a fresh state.
The scores after its last frame decide. The model says which clips belong to the partition. With
--noise_dir and --level_db, the same clips are also measured with noise and at other levels.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags, given
from stapes.cli.next_step import next_step
from stapes.cli.shared_flags import model_file
from stapes.corpus.partition import PARTITIONS
from stapes.errors import StapesError
from stapes.model.settings import ModelSettings, settings_from_dict
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    import numpy as np

    from stapes.corpus.index import CorpusSettings
    from stapes.evaluation.confusion import Confusion

EXAMPLE = """  stapes evaluate build/yes_no.tflite --data_dir speech_commands
  stapes evaluate build/yes_no.tflite --data_dir speech_commands --noise_dir kitchen \\
      --level_db -20,-40"""
_PERCENTAGES = (
    "silence_percentage",
    "unknown_percentage",
    "validation_percentage",
    "testing_percentage",
)


@dataclass(frozen=True, kw_only=True)
class ConditionFlags:
    """Which clips are measured, and under what."""

    partition: str = setting("testing", choices=PARTITIONS, help="which clips")
    snr_db: tuple[float, ...] = setting(
        (20.0, 10.0, 5.0, 0.0),
        least=-100,
        most=100,
        shortest=1,
        metavar="DB,...",
        help="ratios of powers of clip and noise, for --noise_dir",
    )
    level_db: tuple[float, ...] = setting(
        (), least=-100, most=100, metavar="DB,...", shown="none", help="gains to measure at"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.corpus.index import CorpusSettings

    parser.add_argument("model", type=model_file, metavar="MODEL", help="an exported model")
    parser.add_argument("--data_dir", type=Path, required=True, help="folder of clips")
    add_flags(parser, ConditionFlags, only=["partition"])
    add_flags(parser, CorpusSettings, only=_PERCENTAGES, instead_of="the model's own")
    add_flags(parser, CorpusSettings, only=["resample"])
    parser.add_argument("--noise_dir", type=Path, help="folder of noise to measure under as well")
    add_flags(parser, ConditionFlags, omit=["partition"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.clips import about_long, evaluation_clips, load_background
    from stapes.corpus.index import scan_corpus
    from stapes.device.clip_scores import clip_scores
    from stapes.evaluation.conditions import conditions
    from stapes.evaluation.confusion import Confusion
    from stapes.model.metadata import load_model
    from stapes.progress import note

    model, settings = load_model(arguments.model)
    index = scan_corpus(arguments.data_dir, _corpus_settings(arguments, settings))
    form = {"sample_rate": settings.front_end.sample_rate, "samples": settings.clip_samples}
    noises = load_background(index, **form)
    long: list[Path] = []
    clips = evaluation_clips(index, arguments.partition, **form, noises=noises, long=long)
    if long:
        note(about_long(long, milliseconds=settings.clip_duration_ms), kind="long")
    found = {}
    for condition in conditions(
        clips.samples,
        noises=_noises(arguments, settings.front_end.sample_rate),
        snr_db=arguments.snr_db if arguments.noise_dir else (),
        level_db=arguments.level_db,
    ):
        scores = clip_scores(model, settings, condition.samples, source=str(arguments.model))
        predicted = scores.argmax(axis=1)
        found[condition.name] = Confusion.of(clips.labels, predicted, labels=len(settings.labels))
    confusion, *others = found.values()
    if arguments.json:
        report = {
            "model": settings.name,
            "partition": arguments.partition,
            "labels": settings.labels,
            "clips": confusion.total,
            "int8_accuracy": confusion.accuracy,
            "int8_accuracy_95": list(confusion.accuracy_interval),
            "confusion": confusion.matrix.tolist(),
            "conditions": {name: other.accuracy for name, other in found.items()},
            "conditions_95": {name: list(other.accuracy_interval) for name, other in found.items()},
        }
        print(json.dumps(report))
    else:
        print(confusion.table(settings.labels))
        say(f"int8 accuracy = {_share(confusion)} (N={confusion.total})")
        if others:
            print("\n".join(_rows(found)))
        next_step("stream", "make", "--model", arguments.model, "...", about="long test audio")
    return 0


def _rows(found: dict[str, Confusion]) -> Iterator[str]:
    width = max(map(len, found))
    for name, confusion in found.items():
        yield f"{name:<{width}}  {_share(confusion)}"


def _share(confusion: Confusion) -> str:
    low, high = (100 * bound for bound in confusion.accuracy_interval)
    return f"{100 * confusion.accuracy:.1f}% ({low:.1f} to {high:.1f})"


def _noises(arguments: argparse.Namespace, sample_rate: int) -> list[np.ndarray]:
    from stapes.audio.reader import audio_files, read_audio

    if not arguments.noise_dir:
        return []
    paths = audio_files(arguments.noise_dir, "*") + audio_files(arguments.noise_dir, "*/*")
    if not paths:
        raise StapesError(
            f"--noise_dir={arguments.noise_dir}: found no recordings, expected *.wav inside"
        )
    return [
        read_audio(path, sample_rate=sample_rate, resample=arguments.resample) for path in paths
    ]


def _corpus_settings(arguments: argparse.Namespace, settings: ModelSettings) -> CorpusSettings:
    """The model's own rule of partition, with the command line's changes."""
    from stapes.corpus.index import CorpusSettings

    defaults = CorpusSettings(wanted_words=settings.labels[2:])
    if settings.labels != defaults.labels:
        raise StapesError(
            f"{arguments.model}: found labels {', '.join(settings.labels)}, expected "
            f"{', '.join(defaults.labels[:2])} first; export the model with stapes"
        )
    recorded = settings.provenance.get("corpus", {})
    try:
        percentages = {name: recorded[name] for name in _PERCENTAGES if name in recorded}
        words = {"wanted_words": list(defaults.wanted_words)}
        own = settings_from_dict(CorpusSettings, words | percentages)
    except (TypeError, OverflowError) as error:
        raise StapesError(
            f"{arguments.model}: settings do not fit (corpus: {error}); export the model again"
        ) from error
    return dataclasses.replace(own, **given(CorpusSettings, arguments))
