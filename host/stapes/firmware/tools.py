# SPDX-License-Identifier: Apache-2.0
"""Programs of others: finding them, and running them to their end."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from stapes.errors import StapesError
from stapes.progress import ProgressBar

COMPILER = "arm-none-eabi-g++"  # compiler and emulator of most boards
EMULATOR = "qemu-system-arm"
BUILD_TOOLS = ("cmake", "ninja", COMPILER)

# The Debian packages that install a program ...
PACKAGES = {
    "cmake": "cmake",
    "ninja": "ninja-build",
    COMPILER: "gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib",
    # The C++ library's headers come from the packages of the Arm compiler.
    "riscv64-unknown-elf-g++": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf "
    "gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib",
    EMULATOR: "qemu-system-arm",
    "qemu-system-riscv32": "qemu-system-misc",
    "espeak-ng": "espeak-ng",
}
# ... and how to install programs that Debian does not have.
OTHERS = {
    "pyocd": "run: pip install 'stapes[flash]'",
    "bossac": "it comes with the Arduino IDE; run: arduino-cli core install arduino:mbed_nano",
}
TIMEOUT_S = 900.0
TAIL_LINES = 20  # of a failed program's output


class ToolFailed(StapesError):
    """A program that ended with an error; `output` is all that it printed."""

    def __init__(self, message: str, *, output: str) -> None:
        super().__init__(message)
        self.output = output

    @property
    def tail(self) -> str:
        return "\n".join(self.output.splitlines()[-TAIL_LINES:])


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Makes `folder` and waits until no other process is inside this block with the same folder.
    Windows has no such locks: there, it does not wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        with suppress(ImportError):
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def missing_tools(*names: str) -> list[str]:
    """The programs among `names` that are not installed."""
    return [name for name in names if _path_of(name) is None]


def require_tools(*names: str, purpose: str) -> None:
    """Raises a StapesError that names the missing programs and how to install them."""
    missing = missing_tools(*names)
    if missing:
        raise StapesError(f"{', '.join(missing)}: not found, needed {purpose}; {_remedy(missing)}")


def find_tool(name: str, *, purpose: str) -> str:
    """The program's path: from PATH, or beside this Python.

    Raises:
        StapesError: there is no such program.
    """
    require_tools(name, purpose=purpose)
    return str(_path_of(name))


def run_build_tool(command: Sequence[object], *, what: str) -> str:
    """Like `run_tool`, with a progress bar named `what` while Ninja counts its steps.

    Raises:
        ToolFailed: the program ends with an error.
        StapesError: there is no such program.
    """
    words = [str(word) for word in command]
    lines = []
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise StapesError(f"{words[0]}: not found; {_remedy(words[:1])}") from error
    with process, ProgressBar(what, 1) as bar:
        for line in process.stdout or ():
            lines.append(line)
            if step := re.match(r"\[(\d+)/(\d+)\]", line):
                bar.update(int(step[1]), int(step[2]))
    return _output(words, process.returncode, "".join(lines))


def run_tool(command: Sequence[object], *, timeout_s: float = TIMEOUT_S) -> str:
    """Runs a command without input; returns what it printed, errors included.

    Raises:
        ToolFailed: the program ends with an error, or does not end.
        StapesError: there is no such program.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise StapesError(f"{words[0]}: not found; {_remedy(words[:1])}") from error
    except subprocess.TimeoutExpired as error:
        message = f"{words[0]}: found no end after {timeout_s:.0f} s, expected one; run it again"
        raise ToolFailed(message, output="") from error
    return _output(words, done.returncode, done.stdout)


def _output(words: Sequence[str], status: int, output: str) -> str:
    if status:
        message = f"{shlex.join(words)}: exit status {status} ({_complaint(output)})"
        raise ToolFailed(message, output=output)
    return output


def _path_of(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def _remedy(missing: Sequence[str]) -> str:
    packages = [PACKAGES[name] for name in missing if name in PACKAGES]
    remedies = [f"run: apt-get install {' '.join(packages)}"] if packages else []
    remedies += [OTHERS.get(name, "install it") for name in missing if name not in PACKAGES]
    return "; ".join(remedies)


_TELLING = r"\berror\b|undefined reference|overflowed by"


def _complaint(output: str) -> str:
    """The first line that says what is wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = (line for line in lines if re.search(_TELLING, line, re.I))
    return next(telling, lines[-1] if lines else "no output")
