# SPDX-License-Identifier: Apache-2.0
"""Make sounds of surroundings: OUTPUT_DIR/_background_noise_/<kind>_<number>.wav, 16-bit PCM,
16 kHz, mono.

This is for models without recordings of real noise. `stapes train` mixes it into the words, and
uses it as silence. The kinds are wind, rain, motors, engines, alarms, knocks, dishes, clocks, dogs,
birds, other animals, coughs, cries, music and more. If OUTPUT_DIR/_speech_ has talk, one more kind
is babble: many of its voices at once. All kinds are computed. Real recordings make a better model.

Each recording is a different draw of one kind. Equal seeds give equal recordings. A folder that
`stapes data speak` has made has four noises already: --extend adds to them. With more --minutes, it
adds recordings to those of an earlier run."""

from __future__ import annotations

import argparse
from pathlib import Path

from stapes.cli.flags import add_flags, from_flags
from stapes.plain import say

EXAMPLE = """  stapes data noise --minutes 20 --output_dir corpus
  stapes data noise --minutes 30 --extend --output_dir corpus
  stapes data noise --minutes 10 --seed 1 --output_dir test"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.corpus.surroundings.make import NoiseSettings

    parser.add_argument("--output_dir", type=Path, required=True, help="the corpus folder")
    add_flags(parser, NoiseSettings)


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.surroundings.make import NoiseSettings, write_noise
    from stapes.progress import ProgressBar

    settings = from_flags(NoiseSettings, arguments)
    with ProgressBar("recordings", settings.recordings) as bar:
        made = write_noise(arguments.output_dir, settings=settings, progress=bar.update)
    seconds = made.recordings * settings.seconds
    say(
        f"{arguments.output_dir}: {made.recordings} new recordings, {seconds / 60:.1f} minutes: "
        f"{', '.join(made.kinds)}"
    )
    return 0
