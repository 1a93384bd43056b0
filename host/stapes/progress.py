# SPDX-License-Identifier: Apache-2.0
"""What a command says on standard error while it works: a bar at a terminal, now and then a line in
a log, notes."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from stapes.plain import draw, plain, say

_BAR_COLUMNS = 30
_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 30.0
_NOTES_OF_A_KIND = 5
# The notes that were said, by their kind.
NOTED: dict[str, set[str]] = {}


def may_draw(out: TextIO) -> bool:
    """True on a terminal, but not for a background job: that would draw over the program in
    front."""
    if not out.isatty():
        return False
    try:
        return os.tcgetpgrp(out.fileno()) == os.getpgrp()
    except OSError:  # `out` is not the terminal that controls this process
        return True


def note(text: str, *, kind: str) -> None:
    """Says something once. If there are many notes of one kind (such as one for each file), it says
    only the first few."""
    said = NOTED.setdefault(kind, set())
    if text in said or len(said) > _NOTES_OF_A_KIND:
        return
    said.add(text)
    if len(said) > _NOTES_OF_A_KIND:
        text = "and more of the same"
    if may_draw(sys.stderr):
        draw(sys.stderr, "\r\x1b[K")  # a bar may be there
    say(f"Note: {text}", to=sys.stderr)


class ProgressBar:
    """Shows `what: done/total`, with the time left; at the end of its `with` block, the line is
    clean.

    If standard error is no terminal, as in CI, it writes a plain line every 30 seconds, and nothing
    at all for work that ends sooner.
    """

    def __init__(self, what: str, total: int, *, done: int = 0, out: TextIO | None = None) -> None:
        self._what, self._total, self._done = what, max(total, 1), done
        self._out = out or sys.stderr
        self._terminal = may_draw(self._out)
        self._started = self._shown = time.monotonic()
        self._first = done

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def update(self, done: int, total: int | None = None) -> None:
        """`done` of `total` now."""
        self._done = done
        self._total = total or self._total
        now = time.monotonic()
        if now - self._shown < (_REDRAW_SECONDS if self._terminal else _LINE_SECONDS):
            return
        self._shown = now
        share = f"{done}/{self._total} ({100 * done // self._total}%)"
        text = f"{plain(self._what)}: {share}{self._left(now)}"
        if self._terminal:
            full = _BAR_COLUMNS * done // self._total
            text = f"\r\x1b[K[{'#' * full}{'.' * (_BAR_COLUMNS - full)}] {text}"
        else:
            text += "\n"
        draw(self._out, text)

    def clear(self) -> None:
        """Takes the bar away, so that other lines can be printed."""
        if self._terminal:
            draw(self._out, "\r\x1b[K")
            self._shown = 0.0

    def _left(self, now: float) -> str:
        made = self._done - self._first
        if made <= 0:
            return ""
        seconds = round((now - self._started) / made * (self._total - self._done))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f", {hours}:{minutes:02}:{seconds:02} left"
