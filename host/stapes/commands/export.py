"""Quantize a trained model to int8 and write it as a .tflite file.

The file takes one frame of features per inference, keeps its state inside, and carries labels,
front-end settings and the measured accuracies. Ranges are calibrated on the training clips."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "  stapes export --train_dir build/yes_no --output_file build/yes_no.tflite"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--train_dir", type=Path, help="the folder that `stapes train` filled")
    source.add_argument("--start_checkpoint", type=Path, help="or a checkpoint file")
    parser.add_argument("--output_file", type=Path, required=True, help="the .tflite file to write")
    parser.add_argument(
        "--data_dir", default="", help="folder of clips (default: the one trained on)"
    )


def run(arguments: argparse.Namespace) -> int:
    from stapes.quantize.pipeline import export_checkpoint
    from stapes.training.checkpoint import FILE_NAME

    checkpoint = arguments.start_checkpoint or arguments.train_dir / FILE_NAME
    result = export_checkpoint(
        checkpoint,
        arguments.output_file,
        data_dir=arguments.data_dir,
        log=lambda line: print(line, flush=True),
    )
    lost = 100 * (result.float_accuracy - result.int8_accuracy)
    print(
        f"Test accuracy: float {100 * result.float_accuracy:.1f}%, "
        f"int8 {100 * result.int8_accuracy:.1f}%, {lost:+.2f} points lost (N={result.test_clips})"
    )
    print(f"{arguments.output_file}: {result.model_bytes} bytes")
    return 0
