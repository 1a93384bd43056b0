"""Speak a small corpus with espeak-ng: <word>/<speaker>_nohash_<n>.wav, 16-bit PCM, mono.

For words that nobody has recorded. White, pink and brown noise and mains hum are added as
_background_noise_, so that the folder is all that `stapes train` needs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stapes.corpus.speak import SpeakSettings, speak_corpus

EXAMPLE = """  stapes data speak yes no left right cat dog --clips 300 --output_dir corpus"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = SpeakSettings()
    parser.add_argument("words", nargs="+", metavar="WORD", help="a word to speak")
    parser.add_argument("--output_dir", type=Path, required=True, help="the corpus folder")
    parser.add_argument(
        "--clips", type=int, default=defaults.clips, help="clips of each word (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=defaults.seed, help="equal seeds give equal clips (%(default)s)"
    )
    parser.add_argument(
        "--sample_rate", type=int, default=defaults.sample_rate, help="in Hz (%(default)s)"
    )
    parser.add_argument(
        "--clip_duration_ms",
        type=int,
        default=defaults.clip_duration_ms,
        help="length of a clip (%(default)s)",
    )
    parser.add_argument(
        "--language",
        default=defaults.language,
        help="espeak-ng's name of the language (%(default)s)",
    )
    parser.add_argument(
        "--processes", type=int, default=min(os.cpu_count() or 1, 8), help="at once (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    settings = SpeakSettings(
        clips=arguments.clips,
        seed=arguments.seed,
        sample_rate=arguments.sample_rate,
        clip_duration_ms=arguments.clip_duration_ms,
        language=arguments.language,
        processes=arguments.processes,
    )
    speak_corpus(
        arguments.words,
        arguments.output_dir,
        settings=settings,
        progress=lambda word, clips: print(
            f"{arguments.output_dir / word}: {clips} files", flush=True
        ),
    )
    return 0
