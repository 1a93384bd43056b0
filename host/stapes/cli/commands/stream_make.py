# SPDX-License-Identifier: Apache-2.0
"""Write a streaming test WAV, and its ground truth as lines "label, time_ms".

It follows generate_streaming_test_wav.py of TensorFlow's speech_commands, with its flags and
defaults: words of the testing partition, at random places, over background noise. The times are the
starts of the clips. It also writes a JSON line for each word, with its clip and the end of its
speech (`end_ms`). `stapes stream score` uses that to say how long after a word the detection came.
Equal seeds and corpora give equal files."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from stapes.audio.reader import audio_files, read_audio
from stapes.cli.flags import add_flags, from_flags, given
from stapes.cli.next_step import next_step
from stapes.cli.shared_flags import model_file
from stapes.corpus.index import TUTORIAL_WORDS, CorpusIndex, CorpusSettings, scan_corpus
from stapes.corpus.partition import PARTITIONS
from stapes.errors import StapesError
from stapes.files import check_output
from stapes.model.settings import NOT_WORDS, UNKNOWN_LABEL
from stapes.options import as_text, setting
from stapes.plain import say
from stapes.progress import ProgressBar
from stapes.stream.accuracy import FEW_RECORDINGS
from stapes.stream.make import StreamSettings, plan_words, write_stream

EXAMPLE = """  stapes stream make --data_dir corpus --model model.tflite \\
      --test_duration_seconds 600 --output_audio_file stream.wav --output_labels_file labels.txt"""
_OF_MODEL = {
    "sample_rate": StreamSettings.sample_rate,
    "clip_duration_ms": StreamSettings.clip_duration_ms,
}


@dataclass(frozen=True, kw_only=True)
class PartitionFlags:
    """Whose clips are mixed in."""

    partition: str = setting(
        "testing",
        choices=PARTITIONS,
        help="the speakers whose clips to take; tune on one partition, verify on another",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data_dir", type=Path, required=True, help="the corpus: <word>/*.wav")
    add_flags(parser, PartitionFlags)
    add("--background_dir", type=Path, help="background WAVs (default: those of --data_dir)")
    add(
        "--model", type=model_file, help="take words, rate and clip duration from this .tflite file"
    )
    words = f"the model's, else {as_text(TUTORIAL_WORDS)}"
    add_flags(parser, CorpusSettings, only=["wanted_words"], instead_of=words)
    for name, default in _OF_MODEL.items():
        add_flags(parser, StreamSettings, only=[name], instead_of=f"the model's, else {default}")
    add_flags(parser, CorpusSettings, only=("testing_percentage", "validation_percentage"))
    add_flags(parser, StreamSettings, omit=_OF_MODEL)
    add("--output_audio_file", type=Path, default=Path("streaming_test.wav"),
        help="the WAV file (default: %(default)s)")  # fmt: skip
    add("--output_labels_file", type=Path, default=Path("streaming_test_labels.txt"),
        help="the ground truth (default: %(default)s)")  # fmt: skip
    add(
        "--output_details_file",
        type=Path,
        help="JSON lines: clip, start and end of each word (default: the labels' name with .jsonl)",
    )


def run(arguments: argparse.Namespace) -> int:
    words, settings = _wanted(arguments)
    audio, labels, details = _output_files(arguments)
    index = scan_corpus(
        arguments.data_dir,
        CorpusSettings(
            wanted_words=words,
            validation_percentage=arguments.validation_percentage,
            testing_percentage=arguments.testing_percentage,
        ),
    )
    unknown = sorted(index.unknown[arguments.partition])
    plan = plan_words(index.wanted_by_word(arguments.partition), unknown, settings=settings)
    paths = _background_paths(arguments, index)
    backgrounds = [
        read_audio(path, sample_rate=settings.sample_rate, resample=settings.resample)
        for path in paths
    ]
    inputs = [*paths, *(word.path for word in plan), arguments.model or arguments.data_dir]
    for path in (audio, labels, details):
        check_output(path, inputs=inputs)
    with ProgressBar("mixing, samples", settings.total_samples) as bar:
        write_stream(
            *(audio, labels, plan, backgrounds),
            settings=settings,
            details_path=details,
            progress=bar.update,
        )
    say(f"{audio}: {settings.test_duration_seconds:g} s at {settings.sample_rate} Hz")
    say(f"{labels}: {len(plan)} words, {sum(w.label == UNKNOWN_LABEL for w in plan)} unknown")
    say(f"{details}: where each of them ends")
    wanted = [word.path for word in plan if word.label != UNKNOWN_LABEL]
    say(f"{len(wanted)} wanted words from {len(set(wanted))} recordings")
    if 0 < len(set(wanted)) < FEW_RECORDINGS:
        print(
            f"stream make: found {len(set(wanted))} recordings of wanted words, expected "
            f"{FEW_RECORDINGS} or more; a few recordings, used many times, say little about other "
            "speakers: add clips, or raise the percentage of their partition",
            file=sys.stderr,
        )
    next_step("replay", "--model", arguments.model or "MODEL", audio)
    return 0


def _wanted(arguments: argparse.Namespace) -> tuple[tuple[str, ...], StreamSettings]:
    """The words to mix in, and how; of --model, or of the flags."""
    words = arguments.wanted_words
    form = given(StreamSettings, arguments, only=_OF_MODEL)
    if arguments.model:
        if words is not None or form:
            raise StapesError(
                "--model: it has words, rate and clip duration; leave out --wanted_words, "
                "--sample_rate and --clip_duration_ms"
            )
        from stapes.model.metadata import read_settings

        model = read_settings(arguments.model)
        words = tuple(word for word in model.labels if word not in NOT_WORDS)
        form = {
            "sample_rate": model.front_end.sample_rate,
            "clip_duration_ms": model.clip_duration_ms,
        }
    settings = from_flags(StreamSettings, arguments, **(_OF_MODEL | form))
    return TUTORIAL_WORDS if words is None else words, settings


def _output_files(arguments: argparse.Namespace) -> list[Path]:
    """Audio, labels and details: three different files that can be written."""
    labels = arguments.output_labels_file
    check_output(labels)
    details = arguments.output_details_file or labels.with_suffix(".jsonl")
    paths = [arguments.output_audio_file, labels, details]
    finals = [check_output(path) for path in paths]
    for place, path in enumerate(paths):
        if finals[place] in finals[:place]:
            raise StapesError(
                f"{path}: found the same file for two outputs, expected one each; change "
                "--output_audio_file, --output_labels_file or --output_details_file"
            )
    return paths


def _background_paths(arguments: argparse.Namespace, index: CorpusIndex) -> list[Path]:
    if arguments.background_dir is None:
        return index.background
    paths = audio_files(arguments.background_dir, "*")
    if not paths:
        raise StapesError(
            f"{arguments.background_dir}: found no *.wav, expected background recordings; "
            "check --background_dir"
        )
    return paths
