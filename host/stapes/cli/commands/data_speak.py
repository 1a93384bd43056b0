# SPDX-License-Identifier: Apache-2.0
"""Speak a small corpus: <word>/<speaker>_nohash_<n>.wav, 16-bit PCM, mono.

This is for words that nobody has recorded. Many synthetic speakers say every word. The folder
_background_noise_ gets white, pink and brown noise and mains hum. So the folder has all that
`stapes train` needs. By default, espeak-ng speaks. --engine piper takes Piper models. --engine all
takes the voices of all engines that are installed (espeak-ng, flite, festival, Piper, hibari).
--engine_command takes any program that writes a recording. Real recordings give a far better
model."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.next_step import next_step
from stapes.corpus.mixture import CASTS
from stapes.errors import StapesError
from stapes.options import setting
from stapes.plain import say

EXAMPLE = """  stapes data speak yes no left right cat dog --clips 300 --output_dir corpus
  stapes data speak "hey stapes" --near_misses 8 --output_dir wake
  stapes data speak "hey stapes" --engine piper --voice en_US-libritts-high.onnx \\
      --output_dir wake --extend
  stapes data speak "hey stapes" --engine all --cast train --tract_percent 15 \\
      --neighbours_percent 50 --emphasis_percent 50 --output_dir wake
  stapes data speak yes --engine_command 'flite -voice {voice} -t {text} -o {output}' \\
      --voice slt --voice rms --output_dir corpus"""


@dataclass(frozen=True, kw_only=True)
class SynthesizerFlags:
    """Who speaks."""

    engine: str = setting(
        "espeak", choices=("espeak", "piper", "all"), help="the speech synthesiser"
    )
    cast: str = setting(
        "all",
        choices=CASTS,
        help="whose voices of --engine all: some people are kept back to tune and to test with",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.corpus.speak import SpeakSettings

    add = parser.add_argument
    add("words", nargs="+", metavar="WORD", help="a word or phrase to speak")
    add("--output_dir", type=Path, required=True, help="the corpus folder")
    add_flags(parser, SpeakSettings, defaults={"processes": min(os.cpu_count() or 1, 8)})
    add_flags(parser, SynthesizerFlags)
    add("--engine_command", metavar="COMMAND",
        help="any other program, with {text} {voice} {rate} {speed} {pitch} {output}")  # fmt: skip
    add("--voice", action="append", default=[],
        help="a voice of piper (.onnx file) or of the command; may be repeated")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.speak import SpeakSettings, Spoken, speak_corpus
    from stapes.progress import ProgressBar

    settings = from_flags(SpeakSettings, arguments)
    bar: ProgressBar | None = None
    synthesizer = _synthesizer(arguments)
    near = ", after a search for near misses" if settings.near_misses else ""
    say(f"Speaking {settings.clips} clips of each word{near}")

    def show(done: int, total: int) -> None:
        nonlocal bar
        bar = bar or ProgressBar("clips", total)
        bar.update(done)

    def finished(spoken: Spoken) -> None:
        if bar:
            bar.clear()
        say(f"{arguments.output_dir / spoken.word}: {spoken.clips} files")
        if spoken.failed:
            say(f"Note: {spoken.word}: left out {spoken.failed} speakers: {spoken.reason}")
        if spoken.empty_partitions and spoken.word in arguments.words:
            say(
                f"Note: {spoken.word}: no clip falls into {' and '.join(spoken.empty_partitions)}; "
                "ask for more --clips (100 and more)"
            )

    speak_corpus(
        arguments.words,
        arguments.output_dir,
        settings=settings,
        synthesizer=synthesizer,
        finished=finished,
        progress=show,
    )
    next_step("data", "check", "--data_dir", arguments.output_dir)
    return 0


def _synthesizer(arguments: argparse.Namespace) -> Any:
    from stapes.corpus.mixture import find_mixture
    from stapes.corpus.synthesizers import DEFAULT_VOICE, Command, Espeak, Piper

    if arguments.engine == "all":
        return find_mixture(
            cast=arguments.cast, language=arguments.language, piper_files=arguments.voice
        )
    if arguments.engine_command:
        names = tuple(arguments.voice) or (DEFAULT_VOICE,)
        return Command(template=arguments.engine_command, names=names)
    if arguments.engine == "piper":
        return Piper(files=tuple(arguments.voice))
    if arguments.voice:
        raise StapesError(
            f"--voice {arguments.voice[0]}: found with espeak-ng, expected with --engine piper or "
            "--engine_command; choose espeak-ng's voices by --language"
        )
    return Espeak(language=arguments.language)
