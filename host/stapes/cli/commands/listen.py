# SPDX-License-Identifier: Apache-2.0
"""Listen with the microphone of this machine, and show what a board would hear.

The firmware's own code runs in this process, so no board and no compiler are needed. Without a
model it is `micro`, which knows "yes" and "no". --wav plays a recording as fast as it was spoken,
or reads raw samples from standard input (-): 16 bits, mono, at the model's sample rate. Ctrl-C
ends it."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags
from stapes.cli.shared_flags import add_wake_flags, model_file, wake_settings
from stapes.model.settings import SILENCE_LABEL
from stapes.options import setting

if TYPE_CHECKING:
    from stapes.link.listen import Sound

EXAMPLE = """  stapes listen
  stapes listen words --device 2
  stapes listen words --wake jarvis
  stapes listen model.tflite --wav test.wav
  arecord -q -f S16_LE -r 16000 -t raw | stapes listen --wav -"""


@dataclass(frozen=True, kw_only=True)
class ListenFlags:
    """How long it listens."""

    seconds: float | None = setting(
        None, least=0, most=10**9, shown="until Ctrl-C", help="end after this time"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", type=model_file, nargs="?", metavar="MODEL", help="a model (default: micro)")
    add("--wav", type=Path, metavar="FILE|-", help="listen to this file, not to the microphone")
    add("--device", help="name or number of an input (default: that of the system)")
    add("--json", action="store_true", help="print every event as a JSON object")
    add("--plain", action="store_true", help="print lines, also on a terminal")
    add("--scores", action="store_true", help="without live view: the scores of every frame")
    add("--show_silence", action="store_true", help=f"show detections of {SILENCE_LABEL} as well")
    add_flags(parser, ListenFlags)
    add_wake_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    from stapes.device.bundle import ModelBundle
    from stapes.link.listen import listen
    from stapes.link.shown import shower

    awake = wake_settings(arguments)
    bundle = ModelBundle.from_file(arguments.model or model_file("micro"))
    wake = ModelBundle.from_file(arguments.wake) if arguments.wake is not None else None
    live = sys.stdout.isatty() and not arguments.json and not arguments.plain
    end = None if arguments.seconds is None else time.monotonic() + arguments.seconds
    with (
        _sound(arguments, bundle.settings.front_end.sample_rate) as sound,
        shower(live=live, as_json=arguments.json, show_silence=arguments.show_silence) as show,
    ):
        try:
            for event in listen(bundle, sound, wake=wake, awake=awake):
                if live or arguments.scores or event.name not in ("scores", "stats"):
                    show(event)
                if end is not None and time.monotonic() >= end:
                    break
        except KeyboardInterrupt:
            if not live:  # the live view draws over the ^C itself
                print(file=sys.stderr)
    return 0


@contextlib.contextmanager
def _sound(arguments: argparse.Namespace, sample_rate: int) -> Iterator[Sound]:
    from stapes.link.listen import RawSound, WavSound

    if arguments.wav is not None:
        raw = str(arguments.wav) == "-"
        yield (
            RawSound(sys.stdin.buffer) if raw else WavSound(arguments.wav, sample_rate=sample_rate)
        )
        return
    from stapes.audio.microphone import SoundDevice

    with contextlib.closing(
        SoundDevice(sample_rate=sample_rate, device=arguments.device)
    ) as microphone:
        yield microphone
