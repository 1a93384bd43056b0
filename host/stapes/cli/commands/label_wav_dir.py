# SPDX-License-Identifier: Apache-2.0
"""Name the word in every recording of a folder, as `stapes label_wav` does for one."""

from __future__ import annotations

import argparse
from pathlib import Path

from stapes.cli.commands.label_wav import add_model_arguments, labelled
from stapes.errors import StapesError
from stapes.plain import say

EXAMPLE = "  stapes label_wav_dir --graph build/yes_no.tflite --wav_dir speech_commands/yes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wav_dir", type=Path, required=True, help="the folder of recordings")
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from stapes.audio.reader import audio_files

    paths = audio_files(arguments.wav_dir, "*")
    if not paths:
        raise StapesError(
            f"{arguments.wav_dir}: found no recording, expected WAV, FLAC, Ogg, Opus or MP3 "
            "files; check --wav_dir"
        )
    for path, lines in zip(paths, labelled(paths, arguments), strict=True):
        print()
        say(path.name)
        for line in lines:
            say(line)
    return 0
