# SPDX-License-Identifier: Apache-2.0
"""Cut recordings to their loudest second, so that the word has the same place in all clips.

Use it for long recordings of single words. Every recording below DATA_DIR becomes a WAV
file at the same place below OUTPUT_DIR. Recordings that are quiet from start to end are left out
and named. The rule is that of extract_loudest_section, which TensorFlow's tutorial recommends."""

from __future__ import annotations

import argparse
from pathlib import Path

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.next_step import next_step
from stapes.plain import say

EXAMPLE = """  stapes data trim --data_dir recordings --output_dir corpus
  stapes data trim --data_dir phone --output_dir corpus --resample --sample_rate 16000"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.corpus.trim import TrimSettings

    add = parser.add_argument
    add("--data_dir", type=Path, required=True, help="folder of recordings")
    add("--output_dir", type=Path, required=True, help="the new folder")
    add_flags(parser, TrimSettings)


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.trim import TrimSettings, trim_corpus
    from stapes.progress import ProgressBar

    settings = from_flags(TrimSettings, arguments)
    bar: ProgressBar | None = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        bar = bar or ProgressBar("clips", total)
        bar.update(done)

    trimmed = trim_corpus(arguments.data_dir, arguments.output_dir, settings, progress=show)
    if bar:
        bar.clear()
    for name in trimmed.quiet:
        say(f"{name}: too quiet, left out")
    say(f"{arguments.output_dir}: {trimmed.written} clips")
    next_step("data", "check", "--data_dir", arguments.output_dir)
    return 0
