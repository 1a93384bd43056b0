# SPDX-License-Identifier: Apache-2.0
"""Events as people see them: the live view, lines, or JSON."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from stapes.link.event_log import json_line
from stapes.link.monitor import Notice
from stapes.link.protocol import Event, LinkCounts
from stapes.model.settings import NOT_WORDS, SILENCE_LABEL
from stapes.plain import clock, say

BAR_WIDTH = 20

Show = Callable[[Event | Notice | None], None]


@contextlib.contextmanager
def shower(
    *, live: bool, as_json: bool, show_silence: bool, counts: LinkCounts | None = None
) -> Iterator[Show]:
    """Gives the function that shows an event. `counts`: those of the link over which the events
    come, if there is a link."""
    if live:
        from stapes.link.live_view import LiveView

        with LiveView(counts, show_silence=show_silence) as view:
            yield view.show
        return
    screen = Screen(show_silence=show_silence)
    show = (lambda event: say(json_line(event))) if as_json else screen.show

    def take(entry: Event | Notice | None) -> None:
        if isinstance(entry, Notice):
            say(f"stapes: {entry.text}", to=sys.stderr)
        elif entry is not None and entry.name != "audio":
            show(entry)

    yield take


def said_of_wake_word(event: Event) -> str:
    """What a hello says about the wake word, for people; "" if there is no wake word."""
    words = [label for label in event.texts("wake_labels") if label not in NOT_WORDS]
    if not words:
        return ""
    return f", for {event.number('awake_ms') / 1000:g} s after {' or '.join(words)}"


class Screen:
    """Events as lines for people."""

    def __init__(self, *, show_silence: bool = False) -> None:
        self._show_silence = show_silence
        self._labels: list[str] = []
        self._wake_labels: list[str] = []

    def show(self, event: Event) -> None:
        line = self._line(event)
        if line:
            say(line)

    def _line(self, event: Event) -> str | None:
        values = event.values()
        match event.name:
            case "hello":
                self._labels = event.texts("labels")
                self._wake_labels = event.texts("wake_labels")
                return (
                    f"{values.get('board')}: model {values.get('model')}, "
                    f"firmware {values.get('firmware')}, hears {', '.join(self._labels)}"
                    f"{said_of_wake_word(event)}"
                )
            case "woken" | "asleep":
                return f"{clock(event.number('time_ms'))}  {event.name}"
            case "detection":
                label = str(values.get("label"))
                if label == SILENCE_LABEL and not self._show_silence:
                    return None
                return self._heard(event, label, values.get("score"))
            case "scores":
                return self._leader(event, values.get("q"))
            case "stats" if "request" in values:
                return None  # a program asked; without a request, it was the board's button
            case "error" | "fatal" | "log" | "stats":
                words = " ".join(f"{name}={value}" for name, value in values.items() if value)
                return f"{event.name}: {words}"
        return None

    def _leader(self, event: Event, q: object) -> str | None:
        if not isinstance(q, list) or not q:
            return None
        top = max(range(len(q)), key=q.__getitem__)
        labels = self._wake_labels if event.is_of_wake_word else self._labels
        label = labels[top] if top < len(labels) else f"#{top}"
        return self._heard(event, f"  {label}", (q[top] + 128) / 256)

    def _heard(self, event: Event, label: str, score: object) -> str:
        score = float(score) if isinstance(score, float | int) else 0.0
        bar = "#" * round(min(max(score, 0.0), 1.0) * BAR_WIDTH)
        return f"{clock(event.number('time_ms'))}  {label:<16} {score:.3f} {bar}".rstrip()
