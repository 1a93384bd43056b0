"""Speak a small corpus: <word>/<speaker>_nohash_<n>.wav, 16-bit PCM, mono.

For words that nobody has recorded. Many made-up speakers say every word. White, pink and brown
noise and mains hum are added as _background_noise_, so that the folder is all that `stapes train`
needs. Voices are espeak-ng's; with --engine piper, those of Piper models; with --engine_command,
those of any program that writes a recording. Real recordings make a far better model."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from stapes.errors import StapesError

EXAMPLE = """  stapes data speak yes no left right cat dog --clips 300 --output_dir corpus
  stapes data speak "hey stapes" --near_misses 8 --output_dir wake
  stapes data speak "hey stapes" --engine piper --voice en_US-libritts-high.onnx \\
      --output_dir wake --extend
  stapes data speak yes --engine_command 'flite -voice {voice} -t {text} -o {output}' \\
      --voice slt --voice rms --output_dir corpus"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="+", metavar="WORD", help="a word or phrase to speak")
    add("--output_dir", type=Path, required=True, help="the corpus folder")
    add("--clips", type=int, default=300, help="clips of each word (%(default)s)")
    add("--near_misses", type=int, default=0, metavar="N",
        help="speak N words that sound nearly like each word as well (%(default)s)")  # fmt: skip
    add("--extend", action="store_true", help="add what is missing to folders that exist")
    add("--seed", type=int, default=0, help="equal seeds give equal clips (%(default)s)")
    add("--sample_rate", type=int, default=16000, help="in Hz (%(default)s)")
    add("--clip_duration_ms", type=int, default=1000, help="length of a clip (%(default)s)")
    add("--language", default="en", help="espeak-ng's name of the language (%(default)s)")
    add("--pitch", type=_pair, default=(15, 85), metavar="LOW,HIGH",
        help="of the speakers, 0 to 99 (15,85)")  # fmt: skip
    add("--words_per_minute", type=_pair, default=(110, 199), metavar="LOW,HIGH",
        help="how fast they speak (110,199)")  # fmt: skip
    add("--engine", choices=("espeak", "piper"), default="espeak", help="(%(default)s)")
    add("--engine_command", metavar="COMMAND",
        help="any other program, with {text} {voice} {rate} {speed} {pitch} {output}")  # fmt: skip
    add("--voice", action="append", default=[],
        help="a voice of piper (.onnx file) or of the command; may be repeated")  # fmt: skip
    add("--processes", type=int, default=min(os.cpu_count() or 1, 8), help="at once (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.speak import SpeakSettings, Spoken, speak_corpus
    from stapes.progress import ProgressBar

    names = ("clips", "seed", "sample_rate", "clip_duration_ms", "language", "processes")
    names += ("pitch", "words_per_minute", "near_misses", "extend")
    settings = SpeakSettings(**{name: getattr(arguments, name) for name in names})
    bar: ProgressBar | None = None
    engine = _engine(arguments)
    near = ", after a search for near misses" if settings.near_misses else ""
    print(f"Speaking {settings.clips} clips of each word{near}", flush=True)

    def show(done: int, total: int) -> None:
        nonlocal bar
        bar = bar or ProgressBar("clips", total)
        bar.update(done)

    def finished(spoken: Spoken) -> None:
        if bar:
            bar.clear()
        print(f"{arguments.output_dir / spoken.word}: {spoken.clips} files", flush=True)
        if spoken.empty_partitions and spoken.word in arguments.words:
            print(
                f"Note: {spoken.word}: no clip falls into {' and '.join(spoken.empty_partitions)}; "
                "ask for more --clips (100 and more)",
                flush=True,
            )

    speak_corpus(
        arguments.words,
        arguments.output_dir,
        settings=settings,
        engine=engine,
        finished=finished,
        progress=show,
    )
    return 0


def _engine(arguments: argparse.Namespace) -> Any:
    from stapes.corpus.engines import Command, Espeak, Piper

    if arguments.engine_command:
        names = tuple(arguments.voice) or ("default",)
        return Command(template=arguments.engine_command, names=names)
    if arguments.engine == "piper":
        return Piper(files=tuple(arguments.voice))
    if arguments.voice:
        raise StapesError(
            f"--voice {arguments.voice[0]}: found with espeak-ng, expected with --engine piper or "
            "--engine_command; choose espeak-ng's voices by --language"
        )
    return Espeak(language=arguments.language)


def _pair(text: str) -> tuple[int, int]:
    try:
        low, high = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected LOW,HIGH") from None
    return low, high
