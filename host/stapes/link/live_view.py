# SPDX-License-Identifier: Apache-2.0
"""The monitor on a terminal: labels, scores, load, losses. The label that was just heard lights up.

The highlighting is that of TensorFlow's Android demo of speech commands: the word that was heard
shines with its score, and fades.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stapes.link.monitor import Notice
from stapes.link.protocol import Event, LinkCounts
from stapes.model.settings import NOT_WORDS, SILENCE_LABEL
from stapes.plain import drawing

SHINE_SECONDS = 1.5
REFRESH_SECONDS = 0.1
RATE_SECONDS = 2.0
NO_SCORES_SECONDS = 3.0  # after this time, the view says that there are none
BAR_WIDTH = 30
HISTORY = 6

# What the board counts as an error of the link or a loss.
BOARD_ERRORS = (
    *("bad_framing", "bad_length", "bad_checksum", "bad_command", "out_of_order"),
    *("overruns", "lost_samples", "dropped_scores", "lost_lines"),
)


class LiveView:
    """Shows events as they come. `counts` are those of the reader that finds the events; None if
    there is no link."""

    def __init__(
        self,
        counts: LinkCounts | None,
        *,
        console: Console | None = None,
        show_silence: bool = False,
    ) -> None:
        self._counts = counts
        self._show_silence = show_silence
        self._title = "waiting for the board"
        self._state = ""
        self._labels: list[str] = []
        self._wake_labels: list[str] = []
        self._awake = True
        self._sample_rate = 0
        self._stride = 0
        self._scores: list[float] = []
        self._wake_scores: list[float] = []
        self._heard: tuple[str, float, float] = ("", 0.0, 0.0)  # label, score, when
        self._history: deque[str] = deque(maxlen=HISTORY)
        self._frames: deque[float] = deque()
        self._stats: dict[str, object] = {}
        self._load: float | None = None
        self._duty: float | None = None  # share of the frames in which the network runs
        self._shown = 0.0
        self._greeted: float | None = None  # when the board said what it is
        self._live = Live(console=console or Console(file=drawing(sys.stdout)), auto_refresh=False)

    def __enter__(self) -> LiveView:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._draw()
        self._live.__exit__(None, None, None)

    def show(self, entry: Event | Notice | None) -> None:
        """Takes what a Monitor gives; draws now and then."""
        if isinstance(entry, Notice):
            self._state = entry.text
        elif entry is not None:
            self._take(entry)
        if time.monotonic() - self._shown >= REFRESH_SECONDS:
            self._draw()

    def _take(self, event: Event) -> None:
        values = event.values()
        match event.name:
            case "hello":
                self._greet(values, event)
            case "scores":
                self._score(event)
            case "woken" | "asleep":
                self._awake = event.name == "woken"
                self._scores = []
                self._history.append(f"{event.number('time_ms') / 1000:10.3f} s  {event.name}")
            case "detection":
                self._detect(values, event)
            case "stats":
                self._measure(values)
            case "error" | "fatal" | "log":
                words = " ".join(f"{name}={value}" for name, value in values.items() if value)
                self._history.append(f"{event.name}: {words}")

    def _greet(self, values: dict[str, object], event: Event) -> None:
        self._labels = event.texts("labels")
        self._wake_labels = event.texts("wake_labels")
        self._awake = not self._wake_labels
        self._title = (
            f"{values.get('board')}: {values.get('model')}, firmware {values.get('firmware')}"
        )
        self._sample_rate = event.number("sample_rate")
        always = "wake_stride_samples" if self._wake_labels else "stride_samples"
        self._stride = event.number(always)  # of the model that always listens
        self._scores, self._wake_scores, self._stats = [], [], {}
        self._load = self._duty = None
        self._greeted = time.monotonic()

    def _score(self, event: Event) -> None:
        q = event.values().get("q")
        scores = [(value + 128) / 256 for value in q] if isinstance(q, list) else []
        of_wake_word = event.is_of_wake_word
        if of_wake_word:
            self._wake_scores = scores
        else:
            self._scores = scores
        if of_wake_word == bool(self._wake_labels):
            self._frames.append(time.monotonic())

    def _detect(self, values: dict[str, object], event: Event) -> None:
        label, score = str(values.get("label")), values.get("score")
        if label == SILENCE_LABEL and not self._show_silence:
            return
        score = score if isinstance(score, float) else 0.0
        self._heard = (label, score, time.monotonic())
        self._history.append(f"{event.number('time_ms') / 1000:10.3f} s  {label}  {score:.3f}")

    def _measure(self, values: dict[str, object]) -> None:
        before, self._stats = self._stats, values
        ticks, samples = (_difference(values, before, name) for name in ("busy_ticks", "samples"))
        per_second = values.get("ticks_per_second")
        if isinstance(per_second, int) and per_second > 0 and samples > 0 and self._sample_rate:
            self._load = (ticks / per_second) / (samples / self._sample_rate)
        frames, runs = (_difference(values, before, name) for name in ("frames", "inferences"))
        if values.get("skipped") and frames > 0:
            self._duty = runs / frames

    def _draw(self) -> None:
        self._shown = time.monotonic()
        with _uninterrupted():
            self._live.update(self.panel(self._shown), refresh=True)

    def panel(self, now: float) -> Panel:
        """The view at the time `now` of time.monotonic()."""
        history = Text("\n".join(self._history) or "no words yet", style="dim")
        parts: list[RenderableType] = [
            self._label_table(now),
            Text(""),
            history,
            Text(""),
            self._footer(now),
        ]
        width = self._live.console.width - len("^C ")  # room for what the terminal echoes
        return Panel(
            Group(*parts), title=Text(self._title), subtitle=Text(self._state), width=width
        )

    def _label_table(self, now: float) -> Table:
        table = Table.grid(padding=(0, 2))
        heard, heard_score, heard_at = self._heard
        for label, score, awake in self.rows():
            shines = label == heard and now - heard_at < SHINE_SECONDS
            said = f"{heard_score:.0%}" if shines else ""
            style = "bold black on green" if shines else "" if awake else "dim"
            table.add_row(
                Text(f" {label} ", style=style),
                ProgressBar(total=1.0, completed=score, width=BAR_WIDTH),
                f"{score:.2f}",
                Text(said, style="bold green"),
            )
        return table

    def rows(self) -> Iterator[tuple[str, float, bool]]:
        """Label, score, and whether the board listens for the label; wake words come first."""
        for labels, scores, awake in (
            (self._wake_labels, self._wake_scores, True),
            (self._labels, self._scores, self._awake),
        ):
            for index, label in enumerate(labels):
                if labels is self._labels or label not in NOT_WORDS:
                    yield label, scores[index] if index < len(scores) else 0.0, awake

    def _footer(self, now: float) -> Text:
        while self._frames and now - self._frames[0] > RATE_SECONDS:
            self._frames.popleft()
        rate = len(self._frames) / RATE_SECONDS
        if self._greeted is not None and not rate and now - self._greeted > NO_SCORES_SECONDS:
            return Text("no scores come: the board hears nothing, or does not send them")
        words = [f"{rate:.0f} frames/s"]
        if self._stride and self._sample_rate:
            words.append(f"{rate * self._stride / self._sample_rate:.2f} x real time")
        if self._load is not None:
            words.append(f"CPU {self._load:.1%}")
        if self._duty is not None:
            words.append(f"network runs {self._duty:.0%}")
        if counts := self._counts:
            words.append(f"lines {counts.damaged} damaged, {counts.lost} lost")
            errors = sum(
                value for name in BOARD_ERRORS if isinstance(value := self._stats.get(name), int)
            )
            words.append(f"board errors {errors}")
        return Text("  ·  ".join(words))


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the end of the block: otherwise half a frame would stay on the screen."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _difference(now: dict[str, object], before: dict[str, object], name: str) -> int:
    """The increase since the last statistics or, if the board was reset in between, since then."""
    new, old = now.get(name), before.get(name, 0)
    if not isinstance(new, int) or not isinstance(old, int):
        return 0
    return new - old if new >= old else new
