# SPDX-License-Identifier: Apache-2.0
"""Record clips of words with this machine's microphone, ready for training.

The command asks for each word in turn. It keeps the loudest second of each take, by the rule of
`stapes data trim`. If a take is too loud or too quiet, it asks again. It writes each clip at once,
as OUTPUT_DIR/WORD/SPEAKER_nohash_NUMBER.wav, and keeps the clips that are there. All clips of one
person must have the same speaker name: to go on later, give that name with --speaker.
Ctrl-C ends it. `stapes page --serve --record` does the same in a browser, on a phone too."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.next_step import next_step
from stapes.plain import draw, say

EXAMPLE = """  stapes data record yes no --output_dir corpus
  stapes data record jarvis --takes 20 --speaker 5f3a09c1 --output_dir corpus"""
METER_WIDTH = 30
FLOOR_DB = -60.0
FAULTS = {
    "": "kept",
    "clipped": "too loud: the sound was cut off; move back a little. Once more.",
    "silent": "too quiet: come closer. Once more.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.corpus.record import RecordSettings

    add = parser.add_argument
    add("words", nargs="+", metavar="WORD", help="what to record")
    add("--output_dir", type=Path, required=True, help="the corpus; clips in it stay")
    add("--speaker", help="who speaks (a random name; it is printed)")
    add("--device", help="name or number of an input (the system's own)")
    add_flags(parser, RecordSettings)


def run(arguments: argparse.Namespace) -> int:
    from stapes.audio.microphone import SoundDevice
    from stapes.corpus.record import RecordSettings, random_speaker, record_corpus

    settings = from_flags(RecordSettings, arguments)
    speaker = arguments.speaker or random_speaker()
    microphone = SoundDevice(sample_rate=settings.sample_rate, device=arguments.device)
    with contextlib.closing(microphone):
        say(f"Speaker {speaker}. Say each word after the countdown.")
        written = record_corpus(
            arguments.words,
            arguments.output_dir,
            speaker=speaker,
            settings=settings,
            microphone=microphone,
            screen=Terminal(),
        )
    say(f"{arguments.output_dir}: {len(written)} clips of speaker {speaker}")
    next_step("data", "check", "--data_dir", arguments.output_dir)
    return 0


class Terminal:
    """Prompts as lines; on a terminal the countdown and the meter share one."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()

    def ask(self, word: str, take: int, takes: int) -> None:
        say(f"{word}  (take {take} of {takes})")

    def count(self, left: int) -> None:
        self._show(f"  {left}" if left else "  now")

    def level(self, decibels: float) -> None:
        share = min(max(1 - decibels / FLOOR_DB, 0.0), 1.0)
        self._show(f"  now  {'#' * round(share * METER_WIDTH):<{METER_WIDTH}} {decibels:4.0f} dB")

    def judge(self, fault: str) -> None:
        self._show("")
        say(f"  {FAULTS[fault]}")

    def _show(self, text: str) -> None:
        if self._live:
            draw(sys.stdout, f"\r{text:<50}" + ("" if text else "\r"))
