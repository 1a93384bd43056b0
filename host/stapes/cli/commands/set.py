# SPDX-License-Identifier: Apache-2.0
"""Change the decoder of a running board, until it restarts or takes another model.

Settings of every board: threshold=0.6 for all labels, threshold:LABEL=0.6 for one label,
average_ms=500 (at most the averaging window of the model), suppression_ms=300, minimum_count=3.
With a wake word: awake_seconds=5, the time that the other model listens after it. With a silence
gate: gate=18, the dB that a sound must rise above the quiet of the room, or gate=off.
(`stapes tune --gate` writes a gate into a model.)"""

from __future__ import annotations

import argparse
import contextlib

from stapes.cli.flags import add_flags
from stapes.plain import say

EXAMPLE = """  stapes set threshold:yes=0.7 suppression_ms=300 --port /dev/ttyACM0
  stapes set --reset"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.link.transport import PortSettings

    parser.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="settings, as above")
    parser.add_argument(
        "--port", help="as of stapes monitor; without it the board is found by its USB ids"
    )
    add_flags(parser, PortSettings)
    parser.add_argument(
        "--reset", action="store_true", help="let the decoder forget what it has heard"
    )


def run(arguments: argparse.Namespace) -> int:
    from stapes.errors import StapesError
    from stapes.link.decoder_settings import HELP, parse_changes
    from stapes.link.ports import find_port
    from stapes.link.session import Session
    from stapes.link.transport import open_transport

    changes = parse_changes(arguments.settings)
    if not arguments.settings and not arguments.reset:
        raise StapesError(f"set: found no setting, expected {HELP}, or --reset")
    port = arguments.port or find_port().find()
    with contextlib.closing(open_transport(port, baud=arguments.baud)) as transport:
        session = Session(transport)
        session.set_decoder(changes)
        if arguments.reset:
            session.reset_decoder()
    say(f"{session.hello.board}: {' '.join(arguments.settings) or 'decoder reset'}")
    return 0
