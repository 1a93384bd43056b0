# SPDX-License-Identifier: Apache-2.0
"""Quantize a trained model to int8 and write it as a .tflite file.

An SVDF network takes one frame of features per inference and keeps its state inside. All other
networks take a whole clip at every --clip_stride_ms. The file has labels, front-end settings and
the measured accuracies. Ranges are those of `stapes train --quantize`. Without them, the training
clips calibrate the ranges. The log says what each layer loses."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.next_step import next_step
from stapes.files import check_output
from stapes.model.settings import DEFAULT_CLIP_STRIDE_MS, DecoderSettings, check_name
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.export.export import ExportResult

_ACCEPTED_LOSS = 0.5  # points
# The decoder settings of test_streaming_accuracy.py.
_DECODER = {
    "average_window_duration_ms": 500,
    "detection_threshold": 0.7,
    "suppression_ms": 500,
    "minimum_count": 4,
}
EXAMPLE = "  stapes export --train_dir build/yes_no --output_file build/yes_no.tflite"


@dataclass(frozen=True, kw_only=True)
class NetworkFlags:
    """How the network is run, and its scores."""

    clip_stride_ms: float = setting(
        DEFAULT_CLIP_STRIDE_MS,
        above=0,
        most=60000,
        help="how often a network that takes whole clips is run",
    )
    prior_correction: float = setting(
        0.0,
        least=0,
        most=2,
        shown="off",
        help="how much to undo that training showed _unknown_ and _silence_ more often than a "
        "word; 1 makes all labels as likely",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--train_dir", type=Path, help="the folder that `stapes train` filled")
    source.add_argument("--start_checkpoint", type=Path, help="or a checkpoint file")
    parser.add_argument(
        "--best", action="store_true", help="take the best step of --train_dir, not the last"
    )
    parser.add_argument("--output_file", type=Path, required=True, help="the .tflite file to write")
    parser.add_argument("--name", default="", help="the model's name (default: that of its file)")
    parser.add_argument(
        "--data_dir", default="", help="folder of clips (default: the one trained on)"
    )
    add_flags(parser, NetworkFlags)
    parser.add_argument("--json", action="store_true", help="print one JSON object, no log")
    decoder = parser.add_argument_group(
        "decoder", "written into the model; the defaults are those of test_streaming_accuracy.py"
    )
    add_flags(decoder, DecoderSettings, only=_DECODER, defaults=_DECODER)


def run(arguments: argparse.Namespace) -> int:
    check_output(arguments.output_file)
    if arguments.name:
        check_name(arguments.name)
    if not arguments.json:
        print("Loading TensorFlow", flush=True)
    from stapes.export.export import export_checkpoint
    from stapes.training.checkpoint import BEST_FILE_NAME, FILE_NAME

    decoder = from_flags(DecoderSettings, arguments)
    weights = BEST_FILE_NAME if arguments.best else FILE_NAME
    checkpoint = arguments.start_checkpoint or arguments.train_dir / weights
    result = export_checkpoint(
        checkpoint,
        arguments.output_file,
        name=arguments.name,
        decoder=decoder,
        data_dir=arguments.data_dir,
        clip_stride_ms=arguments.clip_stride_ms,
        prior_correction=arguments.prior_correction,
        log=(lambda line: None) if arguments.json else (lambda line: print(line, flush=True)),
    )
    if arguments.json:
        print(json.dumps({"model": str(arguments.output_file), **dataclasses.asdict(result)}))
        return 0
    for line in _accuracy(result):
        say(line)
    say(f"{arguments.output_file}: {result.model_bytes} bytes")
    next_step("info", arguments.output_file)
    return 0


def _accuracy(result: ExportResult) -> Iterator[str]:
    """The accuracy of float and of int8, and where to look if int8 loses much."""
    from stapes.export.report import weakest

    low, high = (100 * bound for bound in result.int8_accuracy_95)
    in_float, in_int8 = 100 * result.float_accuracy, 100 * result.int8_accuracy
    yield (
        f"Test accuracy: float {in_float:.2f}%, int8 {in_int8:.2f}% (95% interval: {low:.1f} to "
        f"{high:.1f}): {in_int8 - in_float:+.2f} points (N={result.test_clips})"
    )
    layer = weakest(result.layers)
    if in_float - in_int8 > _ACCEPTED_LOSS and layer:
        yield (
            f"Note: that is a loss; the noisiest layer is {layer.name} ({layer.sqnr_db:.1f} dB); "
            "train on with --quantize (docs/quantization.md)"
        )
