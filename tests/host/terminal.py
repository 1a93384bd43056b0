# SPDX-License-Identifier: Apache-2.0
"""A shell at a pseudo-terminal, and the screen as a person sees it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import termios
import time
from pathlib import Path

import pyte

COLUMNS, ROWS = 100, 40
CTRL_C = b"\x03"


def keep_output_at_ctrl_c(terminal: int) -> None:
    """At Ctrl-C, Linux first sends the signal and then throws away output that nobody has read yet:
    what a quick program says to the signal would be lost."""
    attributes = termios.tcgetattr(terminal)
    attributes[3] |= termios.NOFLSH
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


class Terminal:
    """Runs commands as bash does for a person, with job control, for at most `seconds`."""

    def __init__(self, folder: Path, *, environment: dict[str, str], seconds: float = 1800) -> None:
        self._folder, self._environment, self._seconds = folder, environment, seconds
        self.screen = pyte.HistoryScreen(COLUMNS, ROWS, history=10_000)
        self._stream = pyte.ByteStream(self.screen)

    def run(self, commands: str, *, until: str = "") -> None:
        """Runs `commands` to their end; the test fails if one of them fails. `until` is a pattern:
        Ctrl-C is pressed when the screen shows it, and the exit status does not count."""
        ours, theirs = os.openpty()
        keep_output_at_ctrl_c(theirs)
        shell = subprocess.Popen(
            ["bash", "--norc", "-ic", f"set -e\n{commands}\nwait"],
            cwd=self._folder,
            env={**os.environ, "TERM": "linux", "COLUMNS": str(COLUMNS), **self._environment},
            preexec_fn=lambda: os.login_tty(theirs),
        )
        os.close(theirs)
        try:
            self._show(ours, shell, until)
        finally:
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGKILL)
            os.close(ours)
        assert shell.wait() == 0 or until, f"{commands}\nstatus {shell.returncode}:\n{self.text}"

    @property
    def lines(self) -> list[str]:
        """What the screen shows, and what has scrolled off its top."""
        above = [
            "".join(row[column].data for column in range(COLUMNS))
            for row in self.screen.history.top
        ]
        return [line.rstrip() for line in [*above, *self.screen.display]]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()

    def _show(self, ours: int, shell: subprocess.Popen, until: str) -> None:
        end = time.monotonic() + self._seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([ours], [], [], 0.2)
            if ready:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # the shell and its processes are gone
                    return
                self._stream.feed(data)
            elif shell.poll() is not None:
                return
            if until and re.search(until, self.text):
                os.write(ours, CTRL_C)
                until = ""
        raise AssertionError(f"still running after {self._seconds} s:\n{self.text}")
