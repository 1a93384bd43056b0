# SPDX-License-Identifier: Apache-2.0
"""Build the firmware around a model and flash a board, or start an emulated one.

A real board is flashed by a debug probe (pyOCD), by its boot loader (bossac), or by copying a file
to the drive that it shows (UF2). boards/NAME/README.md says what to connect. An emulated board runs
until Ctrl-C. Its serial port is a socket that only you can open."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags
from stapes.cli.next_step import next_step
from stapes.cli.shared_flags import add_wake_flags, model_file, wake_settings
from stapes.errors import StapesError
from stapes.model.shipped import short_name
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.firmware.boards import Board

EXAMPLE = """  stapes flash --board nrf52840dk model.tflite
  stapes flash --board rpi_pico --drive /media/$USER/RPI-RP2 model.tflite
  stapes flash --board arduino_nano33ble_sense --port /dev/ttyACM0 model.tflite --dry_run
  stapes flash --board mps2_an386 model.tflite
  stapes flash --board nrf52840dk words.tflite --wake jarvis.tflite --awake_seconds 5
  stapes flash --board mps2_an386 model.tflite --room_for other.tflite
  stapes flash --board nrf52840dk model.tflite --room_for model.tflite \\
    --public_key product.pub --ed25519_dir tweetnacl
  stapes flash --list"""


@dataclass(frozen=True, kw_only=True)
class BoardFlags:
    """How a board is reached."""

    wait_seconds: float = setting(
        30.0, least=0, most=86400, help="how long to wait for the board to appear"
    )
    tcp_port: int | None = setting(
        None,
        least=1,
        most=65535,
        shown="a Unix socket",
        help="a TCP port of this machine for the serial port of an emulated board",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=model_file, nargs="?", metavar="MODEL", help="the model")
    parser.add_argument("--board", help="a folder under boards/, e.g. nrf52840dk")
    add_wake_flags(parser)
    parser.add_argument(
        "--room_for",
        type=model_file,
        action="append",
        default=[],
        metavar="OTHER",
        help="a model that the firmware can take over the link (stapes load); repeatable",
    )
    parser.add_argument(
        "--public_key",
        type=Path,
        metavar="FILE",
        help="with --room_for: take only signed models; the .pub file of `stapes keys`",
    )
    parser.add_argument(
        "--ed25519_dir",
        type=Path,
        metavar="DIR",
        help="with --public_key: a folder of TweetNaCl or Monocypher (docs/protocol.md)",
    )
    parser.add_argument("--list", action="store_true", help="only show what is plugged in")
    parser.add_argument(
        "--dry_run", action="store_true", help="only print the commands, exactly as they would run"
    )
    parser.add_argument("--probe", help="which debug probe: its id, or a part of it")
    parser.add_argument("--port", help="the boot loader's serial port (bossac)")
    parser.add_argument("--drive", type=Path, help="where the boot loader's drive is mounted (UF2)")
    add_flags(parser, BoardFlags)
    parser.add_argument(
        "--build_dir",
        type=Path,
        help="where to build (default: build/flash/BOARD of the checkout, or a cache folder)",
    )
    parser.add_argument(
        "--source_dir", type=Path, help="the source tree (default: found by itself)"
    )


def run(arguments: argparse.Namespace) -> int:
    from stapes.firmware.boards import find_board
    from stapes.firmware.build import build_commands
    from stapes.firmware.source import find_source
    from stapes.installed import build_folder

    if arguments.list:
        return _list()
    if arguments.board is None:
        _show_choice(arguments.source_dir)
        model = short_name(arguments.model) if arguments.model else "micro"
        raise StapesError(
            "flash: expected --board NAME, one of these, and MODEL; for example: stapes flash "
            f"--board mps2_an386 {shlex.quote(model)}"
        )
    if arguments.model is None:
        raise StapesError("flash: expected MODEL, a .tflite file or a name; see stapes models")
    awake = wake_settings(arguments)
    source = find_source(arguments.source_dir)
    board = find_board(source, arguments.board)
    fit = _check_fit(arguments, board)
    folder = arguments.build_dir or build_folder(source) / "flash" / board.name
    build = build_commands(
        board,
        arguments.model,
        source,
        folder,
        wake=arguments.wake,
        awake=awake,
        room_for=arguments.room_for,
        public_key=arguments.public_key,
        ed25519_dir=arguments.ed25519_dir,
    )
    page = source / "boards" / board.option / "README.md"
    there = _Build(board=board, folder=folder, page=page, commands=build, fit=fit)
    return _emulate(arguments, there) if board.emulated else _flash(arguments, there)


@dataclass(frozen=True, kw_only=True)
class _Build:
    """What is built, and where. The lines of `fit` say whether the model fits the board."""

    board: Board
    folder: Path
    page: Path  # what to connect
    commands: list[list[str]]
    fit: list[str]

    def run(self) -> None:
        from stapes.firmware.build import run_build

        for line in self.fit:
            say(line)
        for line in run_build(self.commands).splitlines():
            say(line)


def _check_fit(arguments: argparse.Namespace, board: Board) -> list[str]:
    """Lines that say whether the model fits; no lines with --room_for, because these lines do not
    count the room for other models.

    Raises:
        StapesError: the file is no model, or the model cannot fit.
    """
    from stapes.device.bundle import ModelBundle
    from stapes.device.wake import check_same_audio
    from stapes.evaluation.describe import describe
    from stapes.firmware.overview import board_lines, overview, require_room, together

    # Says what is wrong with a model before anything is built.
    bundle = ModelBundle.from_file(arguments.model)
    report = describe(arguments.model)
    if arguments.wake is not None:
        first = ModelBundle.from_file(arguments.wake)
        check_same_audio(first.settings, bundle.settings)
        report = together(report, describe(arguments.wake), work_bytes=first.tables.work_bytes)
    require_room(report, board)
    if arguments.room_for:
        return []
    return board_lines(overview(arguments.model.read_bytes(), report).needs, board)


def _emulate(arguments: argparse.Namespace, build: _Build) -> int:
    from stapes.firmware.build import check_build_tools, image
    from stapes.firmware.emulated import check_emulator, run_emulator, tcp_port, unix_socket
    from stapes.firmware.emulator import qemu_command

    board = build.board
    if arguments.tcp_port is not None:
        port = tcp_port(arguments.tcp_port)
    else:
        port = unix_socket(board.name)
    emulator = qemu_command(
        board, image(build.folder, "elf"), serials=[port.serial], count_instructions=False
    )
    if arguments.dry_run:
        return _print([*build.commands, emulator])
    check_build_tools(board)
    check_emulator(board.emulator, port)
    build.run()
    say(f"{board.name} runs; Ctrl-C stops it. In another terminal, one at a time:")
    say(f"  stapes replay WAV --port {port.url}")
    if arguments.room_for:
        say(f"  stapes load {shlex.quote(str(arguments.room_for[0]))} --port {port.url}")
    say(f"  stapes monitor --replay WAV --port {port.url}")
    run_emulator(emulator)
    return 0


def _flash(arguments: argparse.Namespace, build: _Build) -> int:
    from stapes.firmware.build import check_build_tools
    from stapes.firmware.flashers import Options, flasher_of

    board = build.board
    options = Options(
        probe=arguments.probe,
        port=arguments.port,
        drive=arguments.drive,
        wait_seconds=arguments.wait_seconds,
    )
    flasher = flasher_of(board, options)
    if arguments.dry_run:
        say(f"# {board.press}")
        return _print([*build.commands, *flasher.commands(build.folder)])
    check_build_tools(board)
    flasher.check()
    build.run()
    say(f"now: {board.press}")
    flasher.flash(build.folder)
    say(f"{board.name} is flashed. How its serial port is connected: {build.page}")
    next_step("monitor", about="it finds the port; or name it with --port")
    return 0


def _list() -> int:
    from stapes.firmware import devices
    from stapes.firmware.tools import find_tool

    found: list[devices.Probe] = []
    try:
        found = devices.probes(find_tool("pyocd", purpose="for flashing"))
        for probe in found:
            say(f"probe  {probe.uid}  {probe.description}")
    except StapesError as error:
        say(f"stapes: no probes: {error}", to=sys.stderr)
    ports, drives = devices.ports(), devices.drives()
    for port in ports:
        say(f"port   {port.device}  {port.vendor:04x}:{port.product:04x}  {port.description}")
    for drive in drives:
        say(f"drive  {drive.folder}  {drive.board_id}")
    if not (found or ports or drives):
        say("stapes: found no probe, USB serial port or UF2 drive", to=sys.stderr)
    return 0


def _show_choice(source_dir: Path | None) -> None:
    """The boards and what is plugged in, before the error."""
    from stapes.cli.commands.boards import board_table
    from stapes.firmware.boards import all_boards
    from stapes.firmware.devices import plugged_in
    from stapes.firmware.source import find_source

    print(board_table(all_boards(find_source(source_dir)).values()), file=sys.stderr)
    for line in plugged_in():
        say(line, to=sys.stderr)


def _print(commands: list[list[str]]) -> int:
    for command in commands:
        say(shlex.join(command))
    return 0
