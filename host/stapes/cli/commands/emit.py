# SPDX-License-Identifier: Apache-2.0
"""Write the C++ constants that a firmware build compiles in: model, tables, labels, settings.

Everything comes from the .tflite file. The folder appears complete or not at all. The command
replaces an earlier one, and never touches any other folder. Equal models give equal bytes."""

from __future__ import annotations

import argparse
from pathlib import Path

from stapes.cli.shared_flags import model_file
from stapes.plain import say

EXAMPLE = """  stapes emit model.tflite --output_dir build/model
  cmake -B build/m4 -DSTAPES_BOARD=mps2_an386 -DSTAPES_MODEL=$PWD/build/model"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=model_file, metavar="MODEL", help="an exported model")
    parser.add_argument("--output_dir", type=Path, required=True, help="the folder to write")


def run(arguments: argparse.Namespace) -> int:
    from stapes.firmware.model_folder import FILES, emit_model

    emit_model(arguments.model, arguments.output_dir)
    say(f"{arguments.output_dir}: {', '.join(FILES)}")
    cmake = f"cmake -B build -DSTAPES_MODEL={arguments.output_dir} -DSTAPES_BOARD=NAME"
    say(f"Next: {cmake} SOURCE_TREE")
    return 0
