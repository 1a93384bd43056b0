# SPDX-License-Identifier: Apache-2.0
"""Write the C++ constants that a firmware build compiles in: model, tables, labels, settings.

Everything comes from the .tflite file. The folder appears complete or not at all. The command
replaces a folder that it wrote earlier, and never any other. Equal models give equal bytes."""

from __future__ import annotations

import argparse
from pathlib import Path

from stapes.cli.shared_flags import add_wake_flags, model_file, wake_settings
from stapes.plain import say

EXAMPLE = """  stapes emit model.tflite --output_dir build/model
  stapes emit words.tflite --wake jarvis.tflite --output_dir build/model
  cmake -B build/m4 -DSTAPES_BOARD=mps2_an386 -DSTAPES_MODEL=$PWD/build/model"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=model_file, metavar="MODEL", help="an exported model")
    parser.add_argument("--output_dir", type=Path, required=True, help="the folder to write")
    add_wake_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    from stapes.firmware.model_folder import FILES, WAKE_FILES, emit_model

    awake = wake_settings(arguments)
    emit_model(arguments.model, arguments.output_dir, wake=arguments.wake, awake=awake)
    files = FILES if arguments.wake is None else (*FILES, *WAKE_FILES)
    say(f"{arguments.output_dir}: {', '.join(files)}")
    cmake = f"cmake -B build -DSTAPES_MODEL={arguments.output_dir} -DSTAPES_BOARD=NAME"
    say(f"Next: {cmake} SOURCE_TREE")
    return 0
