"""Score detections against a ground truth: words matched, correct, wrong, false accepts.

Both files hold lines "label, time_ms"; detections may also be the JSON lines of `stapes replay` and
`stapes monitor`. A detection's time is the end of the audio heard, a ground truth's the start of a
clip: they belong together when start <= detection <= start + clip duration + tolerance. Every word
counts once, every surplus detection is a false accept. _silence_ and _unknown_ are not words
(TensorFlow's test_streaming_accuracy counts _unknown_, and lets one word absorb any number of
detections)."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from stapes.errors import StapesError
from stapes.stream.labels import read_labels
from stapes.stream.score import ScoreSettings, score_stream

EXAMPLE = """  stapes stream score --ground_truth labels.txt --detections detections.txt"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = ScoreSettings()
    parser.add_argument(
        "--ground_truth", type=Path, required=True, help='"label, time_ms" lines: starts of clips'
    )
    parser.add_argument(
        "--detections",
        type=Path,
        required=True,
        help='"label, time_ms" or JSON lines: ends of what was heard',
    )
    parser.add_argument(
        "--time_tolerance_ms",
        type=float,
        default=defaults.time_tolerance_ms,
        help="how late a detection may come after its clip (%(default)g)",
    )
    parser.add_argument(
        "--clip_duration_ms",
        type=float,
        default=defaults.clip_duration_ms,
        help="length of a clip (%(default)g)",
    )
    parser.add_argument(
        "--wav",
        type=Path,
        help="the audio, for its duration; without it: up to the last entry",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from stapes.audio.wav import read_wav_with_rate

    for name in ("time_tolerance_ms", "clip_duration_ms"):
        if not 0 <= getattr(arguments, name) < 1e9:
            raise StapesError(
                f"--{name} {getattr(arguments, name)}: expected 0 or more milliseconds"
            )
    truth = read_labels(arguments.ground_truth, what="a ground truth")
    if not truth:
        raise StapesError(
            f"{arguments.ground_truth}: found no entry, expected the words that were spoken; "
            "check the path"
        )
    duration_ms = None
    if arguments.wav:
        samples, sample_rate = read_wav_with_rate(arguments.wav)
        duration_ms = len(samples) * 1000 / sample_rate
    score = score_stream(
        truth,
        read_labels(arguments.detections, what="detections"),
        settings=ScoreSettings(
            clip_duration_ms=arguments.clip_duration_ms,
            time_tolerance_ms=arguments.time_tolerance_ms,
        ),
        duration_ms=duration_ms,
    )
    print(
        json.dumps(score.to_dict()) if arguments.json else score.to_text(),
        end="\n" if arguments.json else "",
    )
    return 0
