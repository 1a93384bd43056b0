# SPDX-License-Identifier: Apache-2.0
"""Name the word in a recording: the best labels with their scores, through the firmware's code.

Only the first part counts, as long as a clip. A shorter recording is filled up with silence.
Labels, sample rate and front end come from the model."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.cli.flags import add_flags
from stapes.cli.shared_flags import model_file
from stapes.errors import StapesError
from stapes.model.settings import MAX_LABELS
from stapes.options import setting
from stapes.plain import say

_CLIPS_AT_ONCE = 200

EXAMPLE = (
    "  stapes label_wav --graph build/yes_no.tflite --wav speech_commands/yes/a5d485dc_nohash_0.wav"
)


@dataclass(frozen=True, kw_only=True)
class LabelFlags:
    """What is printed of a recording."""

    how_many_labels: int = setting(3, least=1, most=MAX_LABELS, help="labels to print, best first")
    resample: bool = setting(False, help="convert recordings of other rates, or stereo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wav", type=Path, required=True, help="the recording")
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    for line in next(labelled([arguments.wav], arguments)):
        say(line)
    return 0


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """What `label_wav` and `label_wav_dir` share."""
    parser.add_argument(
        "--graph", "--model", type=model_file, required=True, help="the model, a .tflite file"
    )
    parser.add_argument("--labels", type=Path, help="names to print in place of the model's own")
    add_flags(parser, LabelFlags)


def labelled(paths: Sequence[Path], arguments: argparse.Namespace) -> Iterator[list[str]]:
    """For each recording its best labels, one "label (score = 0.12345)" a line.

    Raises:
        StapesError: a model, a file of labels or a recording that does not fit.
    """
    from stapes.corpus.clips import load_clips
    from stapes.device.clip_scores import clip_scores
    from stapes.model.metadata import load_model

    model, settings = load_model(arguments.graph)
    names = settings.labels
    if arguments.labels:
        names = _names(arguments.labels, count=len(names))
    for first in range(0, len(paths), _CLIPS_AT_ONCE):
        clips = load_clips(
            paths[first : first + _CLIPS_AT_ONCE],
            sample_rate=settings.front_end.sample_rate,
            samples=settings.clip_samples,
            resample=arguments.resample,
        )
        scores = clip_scores(model, settings, clips, source=str(arguments.graph))
        for row in (scores.astype(np.int16) + 128) / 256:
            best = np.argsort(-row, kind="stable")[: arguments.how_many_labels]
            yield [f"{names[label]} (score = {row[label]:.5f})" for label in best]


def _names(path: Path, *, count: int) -> tuple[str, ...]:
    from stapes.files import read_text

    text = read_text(path, what="labels, one a line")
    names = tuple(line.strip() for line in text.split("\n") if line.strip())
    if len(names) != count:
        raise StapesError(
            f"{path}: found {len(names)} labels, expected {count} as in the model; "
            "leave --labels out"
        )
    return names
