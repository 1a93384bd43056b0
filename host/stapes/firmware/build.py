# SPDX-License-Identifier: Apache-2.0
"""The commands that build images for boards, and functions that run these commands."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError
from stapes.firmware.boards import Board, find_emulated
from stapes.firmware.source import find_source
from stapes.firmware.tools import ToolFailed, require_tools, run_build_tool, run_tool
from stapes.installed import OWN_PYTHON, build_folder
from stapes.link.model_image import read_model_image, slot_options
from stapes.model.settings import WakeSettings


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Bytes that an image takes; `code_bytes` and `model_bytes` are parts of `flash_bytes`."""

    flash_bytes: int
    code_bytes: int
    model_bytes: int
    ram_bytes: int


def cmake_commands(source: Path, folder: Path, *, board: str, **options: object) -> list[list[str]]:
    """Configures and builds `stapes-firmware` in `folder`. `board` is a folder under boards/ or the
    path of another; `options` are STAPES_ variables of CMakeLists.txt, in lower case; a list holds
    several values."""
    defined = {"board": board, **options}
    flags = [f"-DSTAPES_{name.upper()}={_cmake_value(value)}" for name, value in defined.items()]
    return [
        ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(folder), *flags],
        ["cmake", "--build", str(folder), "--target", "stapes-firmware"],
    ]


def build_commands(
    board: Board,
    model: Path,
    source: Path,
    folder: Path,
    *,
    wake: Path | None = None,
    awake: WakeSettings | None = None,
    room_for: Sequence[Path] = (),
    public_key: Path | None = None,
    ed25519_dir: Path | None = None,
) -> list[list[str]]:
    """Emits the model, configures and builds, all within `folder`. With the model of a `wake` word,
    the other model sleeps until it is woken, as `awake` says. With `room_for`, the firmware takes
    models over the link; with a `public_key`, only signed models, which it checks with the library
    in `ed25519_dir`.

    Raises:
        StapesError: the board cannot store models, a model cannot be read, or the models were made
            for different front ends; a key without room for models, or without a library.
    """
    if (public_key is None) != (ed25519_dir is None) or (public_key and not room_for):
        raise StapesError(
            "--public_key: found it without --room_for or without --ed25519_dir, expected all "
            "three: signed models need room and a library (docs/protocol.md); give them all"
        )
    if room_for and board.model_flash is None:
        raise StapesError(
            f"--room_for: found no memory for models on {board.name} (STAPES_MODEL_FLASH in its "
            "board.cmake); leave the option out, or write one (boards/common/model_flash.h)"
        )
    others = [read_model_image(path) for path in room_for]
    slots = slot_options(read_model_image(model), others)
    emitted = folder / "model"
    configure, build = cmake_commands(source, folder, board=board.option, model=emitted)
    emit = ["stapes", "emit", str(model), "--output_dir", str(emitted)]
    if wake is not None:
        seconds = (awake or WakeSettings()).awake_seconds
        emit += ["--wake", str(wake), "--awake_seconds", f"{seconds:g}"]
    # These are given each time: the folder remembers the values of an earlier build.
    signed = [
        f"-DSTAPES_PUBLIC_KEY={public_key.absolute() if public_key else ''}",
        f"-DSTAPES_ED25519_DIR={ed25519_dir.absolute() if ed25519_dir else ''}",
    ]
    return [emit, [*configure, *slots, *signed], build]


def build_program(
    board: Board,
    sources: Sequence[Path],
    source: Path,
    folder: Path,
    *,
    cpu: str = "",
    definitions: Sequence[str] = (),
) -> Path:
    """The image of another program than the firmware; its `sources` define RunFirmware
    (boards/board.h). With `cpu` it is for another core than the board's; all of it is compiled with
    the preprocessor `definitions`. Programs for one board may share a folder: only what has changed
    is compiled.

    Raises:
        StapesError: a tool is missing, or the build fails.
    """
    check_build_tools(board)
    main = [str(path.resolve()) for path in sources]
    options = {"model": "", "main": main, "cpu": cpu, "definitions": definitions}
    for command in cmake_commands(source, folder, board=board.option, **options):
        run_tool(command)
    return image(folder, "elf")


def image(folder: Path, suffix: str) -> Path:
    """The image file of a build; `suffix` is elf, bin, hex or uf2."""
    return folder / "boards" / f"stapes-firmware.{suffix}"


def check_build_tools(board: Board) -> None:
    """Raises StapesError that names the programs that are missing."""
    require_tools(*board.build_tools, purpose="to build a firmware")


def run_build(commands: Sequence[Sequence[str]]) -> str:
    """Runs the commands; returns the table of what the image takes.

    Raises:
        StapesError: a command fails. The end of its output is on standard error.
    """
    output = ""
    for command in commands:
        own = command[0] == "stapes"
        try:
            if own:
                output = run_tool([*OWN_PYTHON, "-m", *command])
            else:
                output = run_build_tool(command, what="building")
        except ToolFailed as error:
            if own and error.tail:
                raise StapesError(
                    error.tail.splitlines()[-1].removeprefix("stapes: error: ")
                ) from None
            if taken := read_sizes(error.output):
                raise StapesError(_too_large(taken)) from error
            print(error.tail, file=sys.stderr)
            raise StapesError(f"{error}; the end of its output is above") from error
    sizes = [line for line in output.splitlines() if line.startswith(("flash:", "RAM:"))]
    return "\n".join(sizes)


def _too_large(taken: Sizes) -> str:
    return (
        f"found an image of {taken.flash_bytes:,} bytes of flash ({taken.model_bytes:,} of them "
        f"the model) and {taken.ram_bytes:,} of RAM, which is more than the board has; take a "
        "smaller model, or another board: stapes models and stapes boards list sizes"
    )


def emulator_image(
    name: str,
    *,
    model: Path | None,
    wake: Path | None = None,
    awake: WakeSettings | None = None,
) -> Path:
    """The image for the emulated board `name`, built around `model` and, if given, the model of a
    `wake` word; without a model, the image that `stapes flash --board` built last.

    Raises:
        StapesError: no such board, no source tree, a build that fails, or nothing built yet.
    """
    source = find_source(None)
    board = find_emulated(source, name)
    folder = build_folder(source) / "flash" / board.name
    if model is not None:
        check_build_tools(board)
        run_build(build_commands(board, model, source, folder, wake=wake, awake=awake))
    elif not image(folder, "elf").is_file():
        raise StapesError(
            f"--board {board.name}: found no firmware that was built for it; give --model MODEL "
            "(replay also takes --image)"
        )
    return image(folder, "elf")


def read_sizes(output: str) -> Sizes | None:
    """The sizes in the table that the build prints whenever it links, even if the image does not
    fit; None without such a table."""
    flash = re.search(r"flash: +(\d+) of \d+ bytes \(code (-?\d+), model (\d+)\)", output)
    ram = re.search(r"RAM: +(\d+) of \d+ bytes", output)
    if flash is None or ram is None:
        return None
    flash_bytes, code_bytes, model_bytes = map(int, flash.groups())
    return Sizes(
        flash_bytes=flash_bytes,
        code_bytes=code_bytes,
        model_bytes=model_bytes,
        ram_bytes=int(ram[1]),
    )


def _cmake_value(value: object) -> str:
    return ";".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
