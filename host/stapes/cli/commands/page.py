# SPDX-License-Identifier: Apache-2.0
"""Make a web page that listens with one or more models, records a corpus and watches boards.

The page runs the firmware itself, as WebAssembly, in any current browser. --output_dir writes a
folder that every web server can serve. --serve serves the page from this machine. Browsers allow
the microphone only for pages of this machine, or over HTTPS: --https lets phones of the same
network use it. With --record, the recorded clips go into CORPUS_DIR, one folder for each word."""

from __future__ import annotations

import argparse
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags
from stapes.cli.shared_flags import add_wake_flags, model_file, wake_settings
from stapes.errors import StapesError
from stapes.options import setting
from stapes.plain import drawing, say

if TYPE_CHECKING:
    from stapes.page.clip_folder import ClipFolder

EXAMPLE = """  stapes page model.tflite --serve
  stapes page model.tflite --serve --https --record corpus
  stapes page words --wake jarvis --serve
  stapes page words.tflite jarvis.tflite --output_dir site"""


@dataclass(frozen=True, kw_only=True)
class ServeFlags:
    """Where the page is served."""

    port: int = setting(8000, least=0, most=65535, help="TCP port of --serve; 0: any free one")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("models", type=model_file, nargs="+", metavar="MODEL", help="exported models")
    add("--output_dir", type=Path, help="the folder to write")
    add("--serve", action="store_true", help="serve the page until Ctrl-C")
    add_flags(parser, ServeFlags)
    add("--https", action="store_true",
        help="serve to the whole network, with a self-made certificate (extra: page)")  # fmt: skip
    add("--record", type=Path, metavar="CORPUS_DIR", help="a folder for the clips of the page")
    add_wake_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    from stapes.firmware.folder import write_folder
    from stapes.page.site import MARKER, build_site

    _check(arguments)
    awake = wake_settings(arguments)
    files = build_site(arguments.models, wake=arguments.wake, awake=awake)
    if arguments.output_dir:
        write_folder(arguments.output_dir, files, marker=MARKER, command="stapes page")
        total = sum(map(len, files.values()))
        say(f"{arguments.output_dir}: {len(files)} files, {total:,} bytes")
    if arguments.serve:
        _serve(arguments, files)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if not arguments.serve and not arguments.output_dir:
        raise StapesError("page: found neither --output_dir nor --serve, expected one or both")
    if not arguments.serve and (arguments.https or arguments.record):
        raise StapesError("page: --https and --record are for a server; add --serve")
    if arguments.output_dir and arguments.record:
        site, corpus = arguments.output_dir.resolve(), arguments.record.resolve()
        if site.is_relative_to(corpus) or corpus.is_relative_to(site):
            raise StapesError(
                f"--record: found {arguments.record} for the clips and {arguments.output_dir} for "
                "the site, expected two folders, neither inside the other: a site is written anew "
                "only into a folder of its own"
            )


def _serve(arguments: argparse.Namespace, files: dict[str, bytes]) -> None:
    from stapes.page.certificate import server_context
    from stapes.page.serve import SiteServer, own_address

    address = own_address() if arguments.https else "localhost"
    server = SiteServer(
        ("0.0.0.0" if arguments.https else "127.0.0.1", arguments.port),
        files,
        clips=_clip_folder(arguments) if arguments.record else None,
        token=secrets.token_urlsafe(16),
        tls=server_context([address, "127.0.0.1"]) if arguments.https else None,
    )
    url = f"{'https' if arguments.https else 'http'}://{address}:{server.port}/"
    if server.clips:
        url += f"#token={server.token}"
    with server:
        say(f"The page is at {url}")
        if arguments.https:
            _say_to_phones(url)
        if server.clips:
            say(f"Clips go to {arguments.record}. Give this address only to people you know.")
        try:
            print("Ctrl-C ends it.", flush=True)
            server.serve_forever()
        except KeyboardInterrupt:
            print(file=sys.stderr)


def _clip_folder(arguments: argparse.Namespace) -> ClipFolder:
    from stapes.files import kept_folder
    from stapes.model.metadata import read_settings
    from stapes.page.clip_folder import ClipFolder

    rates = [read_settings(model).front_end.sample_rate for model in arguments.models]
    with kept_folder(arguments.record, shared=True):
        return ClipFolder(arguments.record, rates=rates)


def _say_to_phones(url: str) -> None:
    """The address as a picture, and what the phone will ask."""
    try:
        import segno
    except ImportError as error:
        raise StapesError(
            "--https: found no package segno, expected it to be installed; run: "
            "pip install 'stapes[page]'"
        ) from error
    # Small, with half blocks; if the terminal cannot show them, with spaces in two colours.
    halves = "utf" in (sys.stdout.encoding or "").lower()
    segno.make(url, micro=False).terminal(out=drawing(sys.stdout), compact=halves)
    print(
        "Point the phone's camera at the square; the phone must be in the same network.\n"
        "The phone will warn that it does not know the certificate: this machine made it\n"
        'itself, a moment ago. Choose "Advanced" or "Show details", then go on to the page.\n'
        "Then it will ask whether the page may use the microphone: allow it.",
        flush=True,
    )
