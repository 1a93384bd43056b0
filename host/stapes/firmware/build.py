"""The commands that build a board's firmware around a model, and running them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stapes.errors import StapesError
from stapes.firmware.boards import Board
from stapes.link.model_image import read_model_image, slot_options

BUILD_TOOLS = {
    "cmake": "apt-get install cmake",
    "ninja": "apt-get install ninja-build",
    "arm-none-eabi-g++": "apt-get install gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib",
}
TAIL_LINES = 20  # of a failed build's output


def build_commands(
    board: Board, model: Path, source: Path, folder: Path, *, room_for: Sequence[Path] = ()
) -> list[list[str]]:
    """Emits the model, configures and builds, all within `folder`. The firmware takes models over
    the link if it shall have `room_for` some.

    Raises:
        StapesError: the board keeps no models, one of these cannot be read, or they were made for
            different front ends.
    """
    if room_for and board.model_flash is None:
        raise StapesError(
            f"--room_for: found no memory for models on {board.name} (STAPES_MODEL_FLASH in its "
            "board.cmake); leave the option out, or write one (boards/common/model_flash.h)"
        )
    others = [read_model_image(path) for path in room_for]
    slots = slot_options(read_model_image(model), others)
    return [
        ["stapes", "emit", str(model), "--output_dir", str(folder / "model")],
        [
            *("cmake", "-G", "Ninja", "-S", str(source), "-B", str(folder)),
            *(f"-DSTAPES_BOARD={board.name}", f"-DSTAPES_MODEL={folder / 'model'}"),
            *slots,
        ],
        ["cmake", "--build", str(folder), "--target", "stapes-firmware"],
    ]


def image(folder: Path, suffix: str) -> Path:
    """What a build leaves: `suffix` is elf, bin, hex or uf2."""
    return folder / "boards" / f"stapes-firmware.{suffix}"


def check_build_tools() -> None:
    """Raises StapesError naming the programs that are missing."""
    missing = [name for name in BUILD_TOOLS if shutil.which(name) is None]
    if missing:
        how = "; ".join(BUILD_TOOLS[name] for name in missing)
        raise StapesError(
            f"{', '.join(missing)}: not found, needed to build a firmware; run: {how}"
        )


def run_build(commands: Sequence[Sequence[str]]) -> str:
    """Runs them; returns the table of what the image takes.

    Raises:
        StapesError: one fails. The end of its output is on standard error.
    """
    output = ""
    for command in commands:
        words = [sys.executable, "-m", *command] if command[0] == "stapes" else list(command)
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        output = done.stdout
        if done.returncode:
            lines = output.splitlines()
            if command[0] == "stapes" and lines:
                raise StapesError(lines[-1].removeprefix("stapes: error: "))
            print("\n".join(lines[-TAIL_LINES:]), file=sys.stderr)
            raise StapesError(
                f"{shlex.join(command)}: exit status {done.returncode}, its last lines are above; "
                "mend what they say"
            )
    sizes = [line for line in output.splitlines() if line.startswith(("flash:", "RAM:"))]
    return "\n".join(sizes)
