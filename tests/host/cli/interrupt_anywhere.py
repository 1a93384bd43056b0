# SPDX-License-Identifier: Apache-2.0
"""Runs commands at pseudo-terminals, again and again, each time with Ctrl-C at another place:
    python interrupt_anywhere.py < JOBS > RESULTS
JOBS: JSON, name -> arguments. Each run is a fork of one process that has imported all commands."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from terminal import CTRL_C, keep_output_at_ctrl_c

import stapes
from stapes.cli import main as command_line

PACKAGE = str(Path(stapes.__file__).parent)
POINTS = [8**power for power in range(6)]  # calls of Stapes' functions
MOMENT_SECONDS = 2  # then Ctrl-C is pressed at the terminal
SOON_SECONDS = 120


def interrupt_at(point: int) -> None:
    """Sends SIGINT at this call of Stapes' functions, counted from the reading of arguments."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE):
            return
        if calls or code.co_name == "build_parser":
            calls += 1
        if calls == point:
            sys.setprofile(None)
            os.write(1, b"\0")  # tells the reader that the interrupt comes now
            os.kill(os.getpid(), signal.SIGINT)

    sys.setprofile(count)


def run(arguments: list[str], point: int) -> dict[str, Any]:
    """One run: what was shown, the exit status, and by what it was interrupted."""
    child, ours = pty.fork()
    if child == 0:
        keep_output_at_ctrl_c(0)
        sys.argv = ["stapes", *arguments]
        interrupt_at(point)
        raise SystemExit(command_line.main())
    shown, pressed, begun = b"", False, time.monotonic()
    while True:
        age = time.monotonic() - begun
        if not pressed and b"\0" not in shown and age > MOMENT_SECONDS:
            os.write(ours, CTRL_C)
            pressed = True
        if age > MOMENT_SECONDS + SOON_SECONDS:
            os.kill(child, signal.SIGKILL)
        if select.select([ours], [], [], 0.1)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break
    os.close(ours)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    by = "a key" if pressed else "a call" if b"\0" in shown else ""
    return {"shown": shown.decode(errors="replace"), "status": status, "interrupted_by": by}


def runs(arguments: list[str], folder: Path) -> list[dict[str, Any]]:
    """The runs of one command, each interrupted later than the one before; the last ends by itself
    or, where it takes longer than a moment, by the key. Each has the files that it left."""
    results = []
    for point in POINTS:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        results.append(run(arguments, point))
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        results[-1]["files"] = {str(p.relative_to(folder)): p.read_bytes().hex() for p in files}
        if results[-1]["interrupted_by"] != "a call":
            break
    return results


def main() -> None:
    jobs = json.load(sys.stdin)
    for name in command_line.COMMANDS:
        command_line.command_module(name)
    _, silent_board = os.openpty()
    silent_server = socket.create_server(("127.0.0.1", 0))
    own = {
        "PORT": os.ttyname(silent_board),
        "URL": f"http://127.0.0.1:{silent_server.getsockname()[1]}/a",
    }
    output = {}
    for name, arguments in jobs.items():
        words = [*name.split(), *(own.get(word, word) for word in arguments)]
        output[name] = runs(words, Path("out"))
    json.dump(output, sys.stdout)


main()
