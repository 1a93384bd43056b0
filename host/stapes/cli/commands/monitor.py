# SPDX-License-Identifier: Apache-2.0
"""Show a board's detections as they come over the serial port.

It continues after noise, cut lines, resets and unplugging, and says on standard error what was
lost. Ctrl-C ends it. On a terminal, a live view shows labels, scores and load. Elsewhere, and with
--plain, each detection is a line. With --json, every event is one JSON object a line, ready for a
pipe."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags
from stapes.model.settings import SILENCE_LABEL
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.link.detection_clips import DetectionClips
    from stapes.link.event_log import EventLog
    from stapes.link.monitor import Monitor, Notice, Wishes
    from stapes.link.protocol import Event
    from stapes.link.transport import Transport
    from stapes.link.wav_capture import WavCapture

STATS_SECONDS = 2.0

EXAMPLE = """  stapes monitor
  stapes monitor --port /dev/ttyACM0 --set threshold:yes=0.7
  stapes monitor --port socket://localhost:4321 --json | tee log.jsonl
  stapes monitor --log week.jsonl --wav heard.wav --seconds 60
  stapes monitor --keep_detections hard
  stapes-firmware --raw - < audio.raw | stapes monitor --port -"""


@dataclass(frozen=True, kw_only=True)
class WatchFlags:
    """How long the board is watched, and how much is kept."""

    log_bytes: int = setting(
        10_000_000, least=1, most=10**15, help="size at which FILE of --log becomes FILE.1"
    )
    log_files: int = setting(5, least=1, most=1000, help="how many of those files to keep")
    seconds: float | None = setting(
        None, least=0, most=10**9, shown="until Ctrl-C", help="end by itself after this time"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.link.transport import PortSettings

    parser.add_argument(
        "--port",
        help="a serial port, a pyserial URL, socket://HOST:PORT, unix:PATH, a named pipe, or - for "
        "standard input; without it the board is found by its USB ids",
    )
    add_flags(parser, PortSettings)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print every event as a JSON object (audio goes to --wav)",
    )
    parser.add_argument("--plain", action="store_true", help="lines, also on a terminal")
    parser.add_argument("--scores", action="store_true", help="ask for the scores of every frame")
    parser.add_argument(
        "--show_silence", action="store_true", help=f"show detections of {SILENCE_LABEL} as well"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change the decoder, as stapes set does; may be given several times",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="append every event as JSON lines")
    parser.add_argument("--wav", type=Path, metavar="FILE", help="write what the board hears")
    parser.add_argument(
        "--keep_detections",
        type=Path,
        metavar="DIR",
        help="write the two seconds around each detection, for stapes train --hard_dir DIR",
    )
    add_flags(parser, WatchFlags)


def run(arguments: argparse.Namespace) -> int:
    from stapes.errors import StapesError
    from stapes.link.event_log import EventLog
    from stapes.link.monitor import Monitor, summary
    from stapes.link.shown import shower
    from stapes.link.wav_capture import WavCapture

    if arguments.log and arguments.wav and arguments.log.resolve() == arguments.wav.resolve():
        raise StapesError(f"{arguments.wav}: found for --log and --wav, expected two files")
    live = sys.stdout.isatty() and not arguments.json and not arguments.plain
    monitor = Monitor(
        _opener(arguments),
        reconnect=arguments.port != "-",
        wishes=_wishes(arguments, live=live),
        tick_seconds=0.1 if live else 0.5,
    )
    with contextlib.ExitStack() as stack:
        takers = []
        if arguments.log:
            log = EventLog(arguments.log, max_bytes=arguments.log_bytes, files=arguments.log_files)
            takers.append(_log_to(stack.enter_context(contextlib.closing(log))))
        if arguments.wav:
            wav = stack.enter_context(contextlib.closing(WavCapture(arguments.wav)))
            takers.append(_capture_to(wav))
        if arguments.keep_detections:
            clips = stack.enter_context(contextlib.closing(_clips(arguments)))
            takers.append(_keep_with(clips))
        shown = shower(
            live=live,
            as_json=arguments.json,
            show_silence=arguments.show_silence,
            counts=monitor.reader.counts,
        )
        takers.append(stack.enter_context(shown))
        try:
            _watch(monitor, takers, seconds=arguments.seconds)
        except KeyboardInterrupt:
            if not live:  # the live view draws over the ^C itself
                print(file=sys.stderr)
    say(f"stapes: {summary(monitor.reader.counts)}", to=sys.stderr)
    if arguments.wav:
        say(f"stapes: {_about(wav)}", to=sys.stderr)
    if arguments.keep_detections:
        left_out = f", {clips.left_out} without audio left out" if clips.left_out else ""
        say(f"stapes: {clips.folder}: {clips.kept} detections kept{left_out}", to=sys.stderr)
    return 0


Taker = Callable[["Event | Notice | None"], None]


def _watch(monitor: Monitor, takers: list[Taker], *, seconds: float | None) -> None:
    end = time.monotonic() + seconds if seconds is not None else None
    for entry in monitor.watch():
        for take in takers:
            take(entry)
        if end is not None and time.monotonic() >= end:
            return


def _opener(arguments: argparse.Namespace) -> Callable[[], Transport]:
    from stapes.link.ports import find_port
    from stapes.link.transport import open_transport

    if arguments.port is not None:
        return lambda: open_transport(arguments.port, baud=arguments.baud)
    finder = find_port()
    return lambda: open_transport(finder.find(), baud=arguments.baud)


def _wishes(arguments: argparse.Namespace, *, live: bool) -> Callable[[Transport], Wishes]:
    from stapes.link.decoder_settings import parse_changes
    from stapes.link.monitor import Wishes
    from stapes.link.transport import audio_rate

    changes = parse_changes(arguments.set)
    return lambda transport: Wishes(
        send_scores=arguments.scores or live,
        audio_rate=audio_rate(transport) if arguments.wav or arguments.keep_detections else 0,
        stats_seconds=STATS_SECONDS if live else 0.0,
        changes=changes,
    )


def _log_to(log: EventLog) -> Taker:
    from stapes.link.monitor import Notice

    def take(entry: Event | Notice | None) -> None:
        if isinstance(entry, Notice):
            log.notice(entry.name, entry.text)
        elif entry is not None and entry.name != "audio":
            log.event(entry)

    return take


def _capture_to(wav: WavCapture) -> Taker:
    from stapes.link.monitor import Notice

    def take(entry: Event | Notice | None) -> None:
        if isinstance(entry, Notice):
            if entry.name in ("disconnected", "restarted"):
                wav.forget_place()
        elif entry is not None and entry.name == "hello":
            wav.start(entry.number("sample_rate"))
        elif entry is not None and entry.name == "audio":
            wav.hear(entry)

    return take


def _clips(arguments: argparse.Namespace) -> DetectionClips:
    from stapes.link.detection_clips import DetectionClips

    return DetectionClips(arguments.keep_detections)


def _keep_with(clips: DetectionClips) -> Taker:
    from stapes.link.monitor import Notice

    def take(entry: Event | Notice | None) -> None:
        if isinstance(entry, Notice):
            if entry.name in ("disconnected", "restarted"):
                clips.forget_place()
        elif entry is not None and entry.name == "hello":
            clips.start(entry.number("sample_rate"))
        elif entry is not None and entry.name == "audio":
            clips.hear(entry)
        elif entry is not None and entry.name == "detection":
            clips.detect(entry)

    return take


def _about(wav: WavCapture) -> str:
    if not wav.samples:
        return f"{wav.path}: not written, the board sent no audio"
    missing = f", {wav.missing} of them missing and silent" if wav.missing else ""
    return f"{', '.join(map(str, wav.paths))}: {wav.samples} samples{missing}"
