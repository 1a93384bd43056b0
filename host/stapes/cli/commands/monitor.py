# SPDX-License-Identifier: Apache-2.0
"""Show a board's detections as they come over the serial port.

It continues after noise, cut lines, resets and unplugging, and says on standard error what was
lost. Ctrl-C ends it. On a terminal, a live view shows labels, scores and load. Elsewhere, and with
--plain, each detection is a line. With --json, every event is one JSON object a line, ready for a
pipe.

--replay plays a recording into the board, as fast as it was spoken, and shows what the board says
of it. --board starts an emulated board, which hears nothing else. Its firmware is built around
--model. Without --model, it runs the image that `stapes flash --board` built last."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stapes.cli.flags import add_flags
from stapes.cli.shared_flags import model_file
from stapes.errors import StapesError
from stapes.link.decoder_settings import parse_changes
from stapes.link.detection_clips import DetectionClips
from stapes.link.event_log import EventLog
from stapes.link.monitor import Monitor, Notice, Wishes, summary
from stapes.link.protocol import Event
from stapes.link.shown import shower
from stapes.link.transport import PortSettings, Transport, audio_rate, is_pipe, open_transport
from stapes.link.wav_capture import WavCapture
from stapes.model.settings import SILENCE_LABEL
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.link.watched_replay import WatchedReplay

STATS_SECONDS = 2.0

EXAMPLE = """  stapes monitor
  stapes monitor --port /dev/ttyACM0 --set threshold:yes=0.7
  stapes monitor --port socket://localhost:4321 --json | tee log.jsonl
  stapes monitor --log week.jsonl --wav heard.wav --seconds 60
  stapes monitor --keep_detections hard
  stapes monitor --board mps2_an386 --model micro --replay test.wav
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
    parser.add_argument(
        "--port",
        help="a serial port, a pyserial URL, socket://HOST:PORT, unix:PATH, a named pipe, or - for "
        "standard input; without it the board is found by its USB ids",
    )
    add_flags(parser, PortSettings)
    parser.add_argument("--replay", type=Path, metavar="WAV", help="play this into the board")
    parser.add_argument("--board", help="with --replay: an emulated board, e.g. mps2_an386")
    parser.add_argument(
        "--model", type=model_file, help="with --board: build the firmware around this model"
    )
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
    _check(arguments)
    live = sys.stdout.isatty() and not arguments.json and not arguments.plain
    with contextlib.ExitStack() as stack:
        if arguments.replay is not None:
            replay = stack.enter_context(_replay(arguments, live=live))
            counts, watch = replay.counts, _replaying(replay, arguments)
        else:
            monitor = _monitor(arguments, live=live)
            counts, watch = monitor.reader.counts, _watching(monitor, arguments)
        kept = _Kept.of(arguments, stack)
        shown = stack.enter_context(
            shower(
                live=live,
                as_json=arguments.json,
                show_silence=arguments.show_silence,
                counts=counts,
            )
        )
        try:
            watch([*kept.takers, shown])
        except KeyboardInterrupt:
            if not live:  # the live view draws over the ^C itself
                print(file=sys.stderr)
    for line in (summary(counts), *kept.summary()):
        say(f"stapes: {line}", to=sys.stderr)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.log and arguments.wav and arguments.log.resolve() == arguments.wav.resolve():
        raise StapesError(f"{arguments.wav}: found for --log and --wav, expected two files")
    if arguments.board is not None and arguments.replay is None:
        raise StapesError(
            "--board: an emulated board hears only what is replayed; add --replay WAV"
        )
    if arguments.board is not None and arguments.port is not None:
        raise StapesError("monitor: found --board and --port, expected one of them; give one")
    if arguments.model is not None and arguments.board is None:
        raise StapesError("--model: only an emulated board is built here; add --board NAME")
    if arguments.replay is not None and (arguments.wav or arguments.keep_detections):
        raise StapesError(
            "--replay: the recording is a file already; leave out --wav and --keep_detections"
        )


Taker = Callable[["Event | Notice | None"], None]


Watch = Callable[[list[Taker]], None]


@contextlib.contextmanager
def _replay(arguments: argparse.Namespace, *, live: bool) -> Iterator[WatchedReplay]:
    """The board, ready to hear a recording."""
    from stapes.firmware.build import emulator_image
    from stapes.firmware.emulator import Emulator
    from stapes.link.watched_replay import WatchedReplay
    from stapes.replay import EMULATOR_TRIES

    options: dict[str, Any] = {
        "show_scores": arguments.scores or live,
        "changes": parse_changes(arguments.set) if arguments.set else None,
    }
    if arguments.board is None:
        with contextlib.closing(_opener(arguments)()) as transport:
            yield WatchedReplay(transport, **options)
        return
    image = emulator_image(arguments.board, model=arguments.model)
    with Emulator(arguments.board, image, fast=True) as emulator:
        yield WatchedReplay(emulator.transport, tries=EMULATOR_TRIES, **options)


def _replaying(replay: WatchedReplay, arguments: argparse.Namespace) -> Watch:
    from stapes.audio.wav import read_wav

    samples = read_wav(arguments.replay, sample_rate=replay.sample_rate)
    if arguments.seconds is not None:
        samples = samples[: round(arguments.seconds * replay.sample_rate)]

    def watch(takers: list[Taker]) -> None:
        def take(event: Event) -> None:
            for taker in takers:
                taker(event)

        replay.play(samples, take)

    return watch


def _monitor(arguments: argparse.Namespace, *, live: bool) -> Monitor:
    opener = _opener(arguments)
    if arguments.port is None or not (arguments.port == "-" or is_pipe(arguments.port)):
        opener = _opened(opener)
    return Monitor(
        opener,
        reconnect=arguments.port != "-",
        wishes=_wishes(arguments, live=live),
        tick_seconds=0.1 if live else 0.5,
    )


def _watching(monitor: Monitor, arguments: argparse.Namespace) -> Watch:
    _emulated_boards()  # its imports come before Ctrl-C may end the watch

    def watch(takers: list[Taker]) -> None:
        end = time.monotonic() + arguments.seconds if arguments.seconds is not None else None
        for entry in _with_hint(monitor.watch(), arguments.port):
            for take in takers:
                take(entry)
            if end is not None and time.monotonic() >= end:
                return

    return watch


def _with_hint(
    entries: Iterator[Event | Notice | None], port: str | None
) -> Iterator[Event | Notice | None]:
    """Adds a notice for an emulated board: it has no microphone, so the notice says how to play
    audio to it. If the port is a pipe, somebody plays audio already: no notice."""
    for entry in entries:
        yield entry
        if port is None or port == "-" or is_pipe(port) or not isinstance(entry, Event):
            continue
        board = entry.fields.get("board") if entry.name == "hello" else None
        if board is not None and board in _emulated_boards():
            yield Notice(name="emulated", text=f"{board} hears only what --replay WAV plays")


@cache
def _emulated_boards() -> frozenset[str]:
    from stapes.firmware.boards import all_boards
    from stapes.installed import installed_tree

    boards = all_boards(installed_tree()).values()
    return frozenset(board.name for board in boards if board.emulated)


def _opened(opener: Callable[[], Transport]) -> Callable[[], Transport]:
    """`opener`, but its first transport is opened now, so that questions and errors come before
    the live view."""
    waiting = [opener()]
    return lambda: waiting.pop() if waiting else opener()


def _opener(arguments: argparse.Namespace) -> Callable[[], Transport]:
    from stapes.link.ports import find_port

    if arguments.port is not None:
        return lambda: open_transport(arguments.port, baud=arguments.baud)
    finder = find_port()
    return lambda: open_transport(finder.find(), baud=arguments.baud)


def _wishes(arguments: argparse.Namespace, *, live: bool) -> Callable[[Transport], Wishes]:
    changes = parse_changes(arguments.set)
    return lambda transport: Wishes(
        send_scores=arguments.scores or live,
        audio_rate=audio_rate(transport) if arguments.wav or arguments.keep_detections else 0,
        stats_seconds=STATS_SECONDS if live else 0.0,
        changes=changes,
    )


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What is written of a watch."""

    wav: WavCapture | None
    clips: DetectionClips | None
    takers: list[Taker]

    @classmethod
    def of(cls, arguments: argparse.Namespace, stack: contextlib.ExitStack) -> _Kept:
        """Opens what was asked for; `stack` closes it."""
        takers, wav, clips = [], None, None
        if arguments.log:
            log = EventLog(arguments.log, max_bytes=arguments.log_bytes, files=arguments.log_files)
            takers.append(_log_to(stack.enter_context(contextlib.closing(log))))
        if arguments.wav:
            wav = stack.enter_context(contextlib.closing(WavCapture(arguments.wav)))
            takers.append(_capture_to(wav))
        if arguments.keep_detections:
            clips = DetectionClips(arguments.keep_detections)
            takers.append(_keep_with(stack.enter_context(contextlib.closing(clips))))
        return cls(wav=wav, clips=clips, takers=takers)

    def summary(self) -> list[str]:
        """Lines about the written files, which are all closed."""
        lines = []
        if self.wav:
            lines.append(_about(self.wav))
        if clips := self.clips:
            left_out = f", {clips.left_out} without audio left out" if clips.left_out else ""
            lines.append(f"{clips.folder}: {clips.kept} detections kept{left_out}")
        return lines


def _log_to(log: EventLog) -> Taker:
    def take(entry: Event | Notice | None) -> None:
        if isinstance(entry, Notice):
            log.notice(entry.name, entry.text)
        elif entry is not None and entry.name != "audio":
            log.event(entry)

    return take


def _capture_to(wav: WavCapture) -> Taker:
    def take(entry: Event | Notice | None) -> None:
        if isinstance(entry, Notice):
            if entry.name in ("disconnected", "restarted"):
                wav.forget_place()
        elif entry is not None and entry.name == "hello":
            wav.start(entry.number("sample_rate"))
        elif entry is not None and entry.name == "audio":
            wav.hear(entry)

    return take


def _keep_with(clips: DetectionClips) -> Taker:
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
