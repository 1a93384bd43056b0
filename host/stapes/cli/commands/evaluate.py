"""Measure the clip accuracy of a .tflite file through the firmware's own code.

Every clip of the partition goes through front end and engine frame by frame, from a fresh state;
the scores after its last frame decide. Which clips belong to the partition is written in the model.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from stapes.errors import StapesError
from stapes.model.settings import ModelSettings, settings_from_dict

EXAMPLE = "  stapes evaluate build/yes_no.tflite --data_dir speech_commands"
_PERCENTAGES = (
    "silence_percentage",
    "unknown_percentage",
    "validation_percentage",
    "testing_percentage",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL.tflite", help="an exported model")
    parser.add_argument("--data_dir", type=Path, required=True, help="folder of clips")
    parser.add_argument(
        "--partition",
        choices=("testing", "validation", "training"),
        default="testing",
        help="which clips (default: testing)",
    )
    for name in _PERCENTAGES:
        parser.add_argument(f"--{name}", type=float, help="instead of the model's own")
    parser.add_argument(
        "--resample", action="store_true", help="convert clips of other rates, or stereo"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.clips import evaluation_clips, load_background
    from stapes.corpus.index import scan_corpus
    from stapes.device.clip_scores import clip_scores
    from stapes.evaluation.confusion import Confusion
    from stapes.model.metadata import load_model

    model, settings = load_model(arguments.model)
    index = scan_corpus(arguments.data_dir, _corpus_settings(arguments, settings))
    form = {"sample_rate": settings.front_end.sample_rate, "samples": settings.clip_samples}
    noises = load_background(index, **form)
    clips = evaluation_clips(index, arguments.partition, **form, noises=noises)
    scores = clip_scores(model, settings, clips.samples, source=str(arguments.model))
    confusion = Confusion.of(clips.labels, scores.argmax(axis=1), labels=len(settings.labels))
    if arguments.json:
        report = {
            "model": settings.name,
            "partition": arguments.partition,
            "labels": settings.labels,
            "clips": confusion.total,
            "int8_accuracy": confusion.accuracy,
            "confusion": confusion.matrix.tolist(),
        }
        print(json.dumps(report))
    else:
        print(confusion.table(settings.labels))
        print(f"int8 accuracy = {100 * confusion.accuracy:.1f}% (N={confusion.total})")
    return 0


def _corpus_settings(arguments: argparse.Namespace, settings: ModelSettings):
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
    own = dataclasses.replace(own, resample=arguments.resample)
    asked = {name: getattr(arguments, name) for name in _PERCENTAGES}
    return dataclasses.replace(
        own, **{name: value for name, value in asked.items() if value is not None}
    )
