"""Shows a board's detections as they come over the serial port.

Goes on through noise, cut lines, resets and unplugging; what was lost is said on standard error.
Ctrl-C ends it. With --json every event is one JSON object a line, ready for a pipe."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stapes.link.protocol import Event

BAR_WIDTH = 20

EXAMPLE = """  stapes monitor --port /dev/ttyACM0
  stapes monitor --port socket://localhost:4321 --json | tee log.jsonl
  stapes-firmware --raw - < audio.raw | stapes monitor --port -"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        required=True,
        help="a serial port, a pyserial URL, socket://HOST:PORT, unix:PATH, a named pipe, or - for "
        "standard input",
    )
    parser.add_argument("--baud", type=int, default=115200, help="of a serial port (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print every event as a JSON object")
    parser.add_argument("--scores", action="store_true", help="ask for the scores of every frame")


def run(arguments: argparse.Namespace) -> int:
    from stapes.link.monitor import Monitor, Notice, summary
    from stapes.link.transport import open_transport

    monitor = Monitor(
        lambda: open_transport(arguments.port, baud=arguments.baud),
        reconnect=arguments.port != "-",
        send_scores=arguments.scores,
    )
    say = print_json if arguments.json else Screen().show
    try:
        for entry in monitor.watch():
            if isinstance(entry, Notice):
                print(f"stapes: {entry.text}", file=sys.stderr, flush=True)
            else:
                say(entry)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    print(f"stapes: {summary(monitor.reader.counts)}", file=sys.stderr)
    return 0


def print_json(event: Event) -> None:
    """One object: the event's name, when it came (UTC), its line number, its fields."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    values = {"event": event.name, "received": now, "sequence": event.sequence, **event.values()}
    print(json.dumps(values, ensure_ascii=False), flush=True)


class Screen:
    """Events as lines for people."""

    def __init__(self) -> None:
        self._labels: list[str] = []

    def show(self, event: Event) -> None:
        line = self._line(event)
        if line:
            print(line, flush=True)

    def _line(self, event: Event) -> str | None:
        values = event.values()
        match event.name:
            case "hello":
                labels = values.get("labels")
                self._labels = labels if isinstance(labels, list) else []
                return (
                    f"{values.get('board')}: model {values.get('model')}, "
                    f"firmware {values.get('firmware')}, hears {', '.join(self._labels)}"
                )
            case "detection":
                return self._heard(event, str(values.get("label")), values.get("score"))
            case "scores":
                return self._leader(event, values.get("q"))
            case "error" | "fatal" | "log":
                words = " ".join(f"{name}={value}" for name, value in values.items() if value)
                return f"{event.name}: {words}"
        return None

    def _leader(self, event: Event, q: object) -> str | None:
        if not isinstance(q, list) or not q:
            return None
        top = max(range(len(q)), key=q.__getitem__)
        label = self._labels[top] if top < len(self._labels) else f"#{top}"
        return self._heard(event, f"  {label}", (q[top] + 128) / 256)

    def _heard(self, event: Event, label: str, score: object) -> str:
        score = float(score) if isinstance(score, float | int) else 0.0
        bar = "#" * round(min(max(score, 0.0), 1.0) * BAR_WIDTH)
        return f"{clock(event.number('time_ms'))}  {label:<16} {score:.3f} {bar}".rstrip()


def clock(time_ms: int) -> str:
    """Milliseconds as H:MM:SS.mmm."""
    seconds, millis = divmod(time_ms, 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{millis:03}"
