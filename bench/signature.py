#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cost of signed models on a board: flash, stack, and the instructions of a check.

Flash is the whole firmware with models over the link, with a public key less without one.
Instructions are counted by the emulator, not cycles. A check hashes the model and then verifies one
signature. Needs a folder of TweetNaCl or Monocypher, cmake, arm-none-eabi-g++, qemu-system-arm.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from stapes.errors import StapesError
from stapes.firmware.boards import Board, all_boards
from stapes.firmware.build import cmake_commands, image, read_sizes
from stapes.firmware.emulator import instructions_of, run_measurement
from stapes.firmware.model_folder import emit_model
from stapes.firmware.tools import run_tool
from stapes.link.signing import make_keys, sign_message

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = "common/run_firmware.cc"  # under boards/
PROGRAM = ROOT / "bench" / "firmware" / "check_signature.cc"
MESSAGE = bytes(80)  # as the program has it
BOARDS = ("mps2_an386",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ed25519_dir", type=Path, help="a folder of TweetNaCl or Monocypher")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--boards", nargs="+", default=list(BOARDS))
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "micro" / "model.tflite")
    parser.add_argument("--build_dir", type=Path, default=ROOT / "build" / "bench" / "signature")
    arguments = parser.parse_args()
    try:
        report = {
            name: {"signature": measure(all_boards(ROOT)[name], arguments)}
            for name in arguments.boards
        }
    except StapesError as error:
        sys.exit(f"signature.py: {error}")
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for name, cases in report.items():
        print(name, *(f"{figure}={value:,}" for figure, value in cases["signature"].items()))


def measure(board: Board, arguments: argparse.Namespace) -> dict[str, int]:
    """Flash of a firmware with a key less one without; instructions of the program's checks."""
    folder = arguments.build_dir / board.name
    stem = arguments.build_dir / "bench"
    for suffix in (".key", ".pub"):
        stem.with_suffix(suffix).unlink(missing_ok=True)
    arguments.build_dir.mkdir(parents=True, exist_ok=True)
    private, public = make_keys(stem)
    emit_model(arguments.model, arguments.build_dir / "model")
    key = {"public_key": public.absolute(), "ed25519_dir": arguments.ed25519_dir.absolute()}
    none = {"public_key": "", "ed25519_dir": ""}
    before = flash_bytes(build(board, arguments, folder, main=FIRMWARE, **none))
    after = flash_bytes(build(board, arguments, folder, main=FIRMWARE, **key))
    signature = ",".join(map(str, sign_message(MESSAGE, private)))
    definitions = f"STAPES_BENCH_SIGNATURE={signature}"
    build(board, arguments, folder, main=PROGRAM, definitions=definitions, **key)
    values = run_measurement(board, image(folder, "elf"))
    if values["good"] != 1:
        raise StapesError(f"{board.name}: a good signature is refused; run tests/host/link")
    return {
        "flash_bytes": after - before,
        "stack_bytes": values["stack_bytes"],
        "instructions": instructions_of(values["signature_ticks"], values),
        "instructions_per_kilobyte": round(
            instructions_of(values["hash_ticks"], values) * 1024 / values["model_bytes"]
        ),
    }


def build(board: Board, arguments: argparse.Namespace, folder: Path, **options: object) -> str:
    """Builds with models over the link; the output of the build."""
    options = {"model": arguments.build_dir / "model", "model_slots": "ON"} | options
    configure, build = cmake_commands(
        ROOT, folder, board=board.option, **{"definitions": "", **options}
    )
    run_tool(configure)
    image(folder, "elf").unlink(missing_ok=True)  # link again, so that the sizes are printed
    return run_tool(build)


def flash_bytes(output: str) -> int:
    sizes = read_sizes(output)
    if sizes is None:
        raise StapesError(f"found no sizes in the build's output:\n{output}")
    return sizes.flash_bytes


if __name__ == "__main__":
    main()
