# SPDX-License-Identifier: Apache-2.0
"""Send a model to a running board over the serial link. The board uses it from then on.

The board checks it first: length, checksum, front end, operators, memory. Until the check is done,
the old model stays, even if the power or the cable fails. The model must have the same front-end
settings as the one in the firmware. With --built_in, the board goes back to that one.

A firmware with a public key takes only signed models: give the private key with --sign."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags
from stapes.cli.next_step import next_step
from stapes.cli.shared_flags import model_file
from stapes.errors import StapesError
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.link.transport import Transport

EXAMPLE = """  stapes load model.tflite --port /dev/ttyACM0
  stapes load model.tflite --sign product.key --port /dev/ttyACM0
  stapes load --built_in --port /dev/ttyACM0"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.link.signing import SigningSettings
    from stapes.link.transport import PortSettings

    parser.add_argument("model", type=model_file, nargs="?", metavar="MODEL", help="a .tflite file")
    parser.add_argument(
        "--port",
        help="a serial port, a pyserial URL, socket://HOST:PORT or unix:PATH; without it the board "
        "is found by its USB ids",
    )
    add_flags(parser, PortSettings)
    parser.add_argument("--program", type=Path, help="stapes-firmware of this machine")
    parser.add_argument("--slots", type=Path, help="the file in which --program keeps its models")
    parser.add_argument(
        "--built_in", action="store_true", help="use the model that the firmware was built with"
    )
    parser.add_argument(
        "--sign", type=Path, metavar="KEY", help="the .key file of `stapes keys`; signs the model"
    )
    add_flags(parser, SigningSettings)


def run(arguments: argparse.Namespace) -> int:
    from stapes.link.model_image import read_model_image
    from stapes.link.session import Session
    from stapes.link.signing import sign_image
    from stapes.progress import ProgressBar

    if (arguments.model is None) != arguments.built_in:
        raise StapesError("load: expected either MODEL or --built_in; give one")
    if arguments.sign is None and arguments.model_version is not None:
        raise StapesError("--model_version: only signed models have one; give --sign KEY as well")
    image = None if arguments.built_in else read_model_image(arguments.model)
    if image is not None and arguments.sign is not None:
        image = sign_image(image, arguments.sign, version=arguments.model_version)
    with contextlib.closing(_open(arguments)) as transport:
        session = Session(transport)
        if session.hello.model_bytes == 0:
            raise StapesError(
                f"{transport.name}: the firmware takes no models; compile this one in, or build "
                "the firmware with -DSTAPES_MODEL_SLOTS=ON (`stapes flash --room_for` does)"
            )
        if image is None:
            hello = session.use_built_in()
        else:
            with ProgressBar(f"sending {image.name}", len(image.data)) as bar:
                hello = session.load(image, on_progress=bar.update)
    where = f"slot {hello.model_slot}" if hello.model_slot else "built in"
    say(f"{hello.board}: model {hello.model} ({where}), hears {', '.join(hello.labels)}")
    if arguments.port:
        next_step("monitor", "--port", arguments.port)
    return 0


def _open(arguments: argparse.Namespace) -> Transport:
    from stapes.link.ports import find_port
    from stapes.link.transport import ProgramTransport, open_transport

    if arguments.program is not None and arguments.port is not None:
        raise StapesError("load: found --port and --program, expected one of them; give one")
    if (arguments.program is None) != (arguments.slots is None):
        raise StapesError("load: --program and --slots go together; give both")
    if arguments.program is not None:
        command = [str(arguments.program), "--link", "--models", str(arguments.slots)]
        return ProgramTransport(command)
    arguments.port = arguments.port or find_port().find()
    return open_transport(arguments.port, baud=arguments.baud)
