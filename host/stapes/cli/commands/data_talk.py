# SPDX-License-Identifier: Apache-2.0
"""Let all voices of this machine read sentences: OUTPUT_DIR/_speech_/<speaker>/*.wav, 16-bit PCM.

`stapes train --speech_percentage` takes pieces of it as unknown words. Use it if synthetic
voices say your word: without it, a model learns that a synthetic voice means the word. The
sentences come with stapes; --text reads your own. The voices are those of
`stapes data speak --engine all`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stapes.cli.flags import add_flags, from_flags
from stapes.corpus.mixture import CASTS
from stapes.plain import say

EXAMPLE = """  stapes data talk --minutes 60 --cast train --output_dir corpus
  stapes data talk --minutes 30 --cast test --text novel.txt --output_dir test"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.corpus.talk import TalkSettings

    add = parser.add_argument
    add("--output_dir", type=Path, required=True, help="the corpus folder")
    add_flags(parser, TalkSettings, defaults={"processes": min(os.cpu_count() or 1, 8)})
    add("--language", default="en", help="espeak-ng's name of the language (default: en)")
    add("--cast", choices=CASTS, default="all", help="whose voices (default: all)")
    add("--voice", action="append", default=[], help="a voice of Piper (.onnx file); repeatable")


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.mixture import find_mixture
    from stapes.corpus.talk import TalkSettings, write_talk
    from stapes.progress import ProgressBar

    settings = from_flags(TalkSettings, arguments)
    mixture = find_mixture(
        cast=arguments.cast, language=arguments.language, piper_files=arguments.voice
    )
    with ProgressBar("speakers", settings.speakers) as bar:
        talked = write_talk(
            arguments.output_dir, settings=settings, mixture=mixture, progress=bar.update
        )
    if talked.failures:
        say(f"Note: {len(talked.failures)} speakers failed: {talked.failures[0]}")
    say(
        f"{arguments.output_dir}: {talked.seconds / 60:.1f} minutes of talk by "
        f"{talked.speakers} speakers"
    )
    return 0
