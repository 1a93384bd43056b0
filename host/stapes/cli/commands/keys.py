# SPDX-License-Identifier: Apache-2.0
"""Make a pair of keys: NAME.key signs models, NAME.pub goes into the firmware.

A firmware with a public key takes only models that were signed with the private one
(docs/protocol.md). Keep NAME.key secret, and keep a copy in a safe place: without it, nobody can
load another model onto these boards. Extra: pip install 'stapes[sign]'."""

from __future__ import annotations

import argparse
from pathlib import Path

from stapes.plain import say

EXAMPLE = """  stapes keys product
  stapes load new.tflite --sign product.key --port /dev/ttyACM0"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", type=Path, metavar="NAME", help="name of both files, without .key and .pub"
    )


def run(arguments: argparse.Namespace) -> int:
    from stapes.link.signing import make_keys

    private, public = make_keys(arguments.name)
    say(f"{private}: signs models; keep it secret (stapes load --sign {private})")
    say(f"{public}: for the firmware (stapes flash --public_key {public})")
    return 0
