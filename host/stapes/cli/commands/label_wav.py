# SPDX-License-Identifier: Apache-2.0
"""Name the word in a recording: the best labels with their scores, through the firmware's code.

A recording that is longer than the model's clips is heard as a stream. The labels are those of the
part in which a word has its highest score, and the first line says when that is. With --first, only
the beginning counts, as in the tutorial. A shorter recording is filled up with silence. Labels,
sample rate and front end come from the model."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stapes.cli.flags import add_flags
from stapes.cli.shared_flags import model_file
from stapes.errors import StapesError
from stapes.model.settings import MAX_LABELS
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.device.bundle import ModelBundle

_CLIPS_AT_ONCE = 200

EXAMPLE = (
    "  stapes label_wav --graph build/yes_no.tflite --wav speech_commands/yes/a5d485dc_nohash_0.wav"
)


@dataclass(frozen=True, kw_only=True)
class LabelFlags:
    """What is printed of a recording."""

    how_many_labels: int = setting(3, least=1, most=MAX_LABELS, help="labels to print, best first")
    resample: bool = setting(False, help="convert recordings of other rates, or stereo")
    first: bool = setting(False, help="of a long recording, take the beginning alone")


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
    """For each recording its best labels, each in a line "label (score = 0.12345)". If a recording
    is longer than a clip, its first line says which part of it was taken.

    Raises:
        StapesError: a model, a file of labels or a recording that does not fit.
    """
    from stapes.audio.reader import read_audio
    from stapes.device.bundle import ModelBundle

    bundle = ModelBundle.from_file(arguments.graph)
    settings = bundle.settings
    names = settings.labels
    if arguments.labels:
        names = _names(arguments.labels, count=len(names))
    for first in range(0, len(paths), _CLIPS_AT_ONCE):
        recordings = [
            read_audio(
                path, sample_rate=settings.front_end.sample_rate, resample=arguments.resample
            )
            for path in paths[first : first + _CLIPS_AT_ONCE]
        ]
        scored = _scored(
            bundle, recordings, only_first=arguments.first, source=str(arguments.graph)
        )
        for row, start_ms in scored:
            best = np.argsort(-row, kind="stable")[: arguments.how_many_labels]
            lines = [f"{names[label]} (score = {row[label]:.5f})" for label in best]
            if start_ms is not None:
                start = start_ms / 1000
                lines[0] += (
                    f", from {start:.2f} to {start + settings.clip_duration_ms / 1000:.2f} s"
                )
            yield lines


def _scored(
    bundle: ModelBundle, recordings: Sequence[np.ndarray], *, only_first: bool, source: str
) -> Iterator[tuple[np.ndarray, int | None]]:
    """For each recording, int16 [samples]: its scores, float [labels] from 0 to 1, and where the
    window of these scores begins, in milliseconds (None for a recording no longer than a clip)."""
    from stapes.device.clip_scores import best_window, clip_scores

    settings = bundle.settings
    clips = np.zeros((len(recordings), settings.clip_samples), np.int16)
    for clip, samples in zip(clips, recordings, strict=True):
        clip[: len(samples)] = samples[: len(clip)]
    scores = clip_scores(bundle.model, settings, clips, source=source)
    for row, samples in zip(scores, recordings, strict=True):
        start_ms = None
        if len(samples) > settings.clip_samples and not only_first:
            window = best_window(bundle, samples)
            row, start_ms = window.scores, window.start_ms
        yield (row.astype(np.int16) + 128) / 256, start_ms


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
