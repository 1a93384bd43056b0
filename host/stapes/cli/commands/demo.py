# SPDX-License-Identifier: Apache-2.0
"""Run the whole path on a small scale, with a report on the screen and in WORK_DIR/report.json.

Takes the clips of --data_dir (or of the folder in STAPES_CORPUS), or lets espeak-ng speak some.
Trains yes/no for a few minutes, exports it to int8, and builds the firmware for this machine and
for an emulated Cortex-M4. Then it replays a streaming test and 200 test clips through both and
through Python, and compares them bit for bit. The exit status is 1 if they differ. It does not
repeat steps whose inputs have not changed. It needs the source tree, the Arm compiler and
qemu-system-arm (`make setup`)."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

EXAMPLE = """  stapes demo
  stapes demo --data_dir speech_commands --work_dir build/demo"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    corpus = os.environ.get("STAPES_CORPUS") or None
    parser.add_argument(
        "--work_dir",
        type=Path,
        default=Path("build/demo"),
        help="folder for all results (default: %(default)s)",
    )
    parser.add_argument(
        "--data_dir",
        type=Path,
        help="clips, <word>/*.wav (default: the folder that STAPES_CORPUS names, now "
        f"{corpus or 'unset: clips are spoken'})",
    )
    parser.add_argument(
        "--source_dir", type=Path, help="the source tree (default: found by itself)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a smoke test of a minute: few spoken clips, few steps; its accuracy means nothing",
    )


def run(arguments: argparse.Namespace) -> int:
    from stapes.demo.run import DemoSettings, run_demo

    corpus = os.environ.get("STAPES_CORPUS")
    data_dir = arguments.data_dir
    if data_dir is None and corpus and not arguments.quick:
        data_dir = Path(corpus)
    report = run_demo(
        DemoSettings(
            work_dir=arguments.work_dir,
            data_dir=data_dir,
            source_dir=arguments.source_dir,
            quick=arguments.quick,
        ),
        log=lambda line: print(line, flush=True),
    )
    return 0 if report.bit_equal else 1
