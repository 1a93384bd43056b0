# SPDX-License-Identifier: Apache-2.0
"""Progress: a bar at a terminal, plain lines in a log."""

from __future__ import annotations

import io

import pytest

from stapes import progress
from stapes.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_whole_lines_and_few_of_them(clock):
    out = io.StringIO()
    with ProgressBar("Reading", 200, out=out) as bar:
        for done in range(1, 101):
            clock[0] += 1
            bar.update(done)
    lines = out.getvalue().splitlines()
    assert lines[0] == "Reading: 30/200 (15%), 0:02:50 left"
    assert len(lines) == 3 and "\r" not in out.getvalue()


def test_short_work_leaves_no_line_in_a_log(clock):
    out = io.StringIO()
    with ProgressBar("Reading", 2, out=out) as bar:
        bar.update(2)
    assert out.getvalue() == ""


def test_a_terminal_gets_a_bar_that_goes_away(clock):
    out = Terminal()
    with ProgressBar("Reading", 4, out=out) as bar:
        clock[0] += 1
        bar.update(1)
        bar.clear()
        assert out.getvalue().endswith("\r\x1b[K")
        bar.update(2)
    assert "#######......................." in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[K") and "\n" not in out.getvalue()


def test_what_was_done_before_does_not_count_for_the_time_left(clock):
    out = io.StringIO()
    bar = ProgressBar("Training", 100, done=50, out=out)
    clock[0] += 40
    bar.update(60)
    assert out.getvalue() == "Training: 60/100 (60%), 0:02:40 left\n"
