"""Cut recordings down to their loudest second, so that the words lie alike in all clips.

For long recordings of single words: everything below DATA_DIR, WAV, FLAC or Ogg, goes as WAV to
the same place below OUTPUT_DIR. Recordings that are quiet throughout are left out and named. The
rule is that of extract_loudest_section, the tool that TensorFlow's tutorial points to."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """  stapes data trim --data_dir recordings --output_dir corpus
  stapes data trim --data_dir phone --output_dir corpus --resample --sample_rate 16000"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data_dir", type=Path, required=True, help="folder of recordings")
    add("--output_dir", type=Path, required=True, help="the new folder")
    add("--clip_duration_ms", type=int, default=1000, help="what to keep (%(default)s)")
    add("--min_volume", type=float, default=0.004,
        help="least mean of the absolute samples, 0 to 1 (%(default)s)")  # fmt: skip
    add("--sample_rate", type=int, default=16000, help="in Hz (%(default)s)")
    add("--resample", action="store_true", help="convert other rates, or stereo")


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.trim import TrimSettings, trim_corpus
    from stapes.progress import ProgressBar

    settings = TrimSettings(
        clip_duration_ms=arguments.clip_duration_ms,
        min_volume=arguments.min_volume,
        sample_rate=arguments.sample_rate,
        resample=arguments.resample,
    )
    bar: ProgressBar | None = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        bar = bar or ProgressBar("clips", total)
        bar.update(done)

    trimmed = trim_corpus(arguments.data_dir, arguments.output_dir, settings, progress=show)
    if bar:
        bar.clear()
    for name in trimmed.quiet:
        print(f"{name}: too quiet, left out")
    print(f"{arguments.output_dir}: {trimmed.written} clips")
    return 0
