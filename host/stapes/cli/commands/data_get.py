# SPDX-License-Identifier: Apache-2.0
"""Download a public corpus, check it and unpack it into a folder for `stapes train --data_dir`.

speech_commands is the corpus of the TensorFlow tutorial: 65,000 (version 0.01) or 106,000 (0.02)
words of one second. The download has 1.5 or 2.4 GB, and the folder about twice that. If a download
was cut, give the same command again: it continues where it stopped."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from stapes.corpus.attribution import FILE_NAME
from stapes.corpus.known import NAMES, find_known
from stapes.errors import StapesError
from stapes.plain import say
from stapes.progress import ProgressBar

EXAMPLE = """  stapes data get speech_commands --output_dir speech_commands
  stapes data get speech_commands --archive speech_commands_v0.02.tar.gz \\
      --output_dir speech_commands"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", choices=NAMES, help="the corpus")
    add("--version", default="0.02", help="0.01 or 0.02 (default: %(default)s)")
    add("--output_dir", type=Path, help="the new folder (default: <name>_v<version>)")
    add("--archive", type=Path, help="unpack this file, which you already have")
    add("--keep_archive", action="store_true", help="leave the archive beside the folder")
    add("--data_url", help="download from another address; the checksum stays the same")


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.download import check_sha256, download
    from stapes.corpus.unpack import unpack
    from stapes.files import write_text, writing
    from stapes.progress import ProgressBar

    known = find_known(arguments.name, arguments.version)
    version = arguments.version.removeprefix("v")
    folder = arguments.output_dir or Path(f"{arguments.name}_v{version}")
    if folder.exists():
        raise StapesError(
            f"{folder}: exists already, expected a new folder; remove it or choose --output_dir"
        )
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    archive = arguments.archive or folder.with_name(folder.name + ".tar.gz")
    if arguments.archive and not archive.is_file():
        raise StapesError(f"{archive}: found no such file, expected --archive; check the path")
    url = arguments.data_url or known.url
    megabytes = _Megabytes(ProgressBar)
    if archive.exists():
        say(f"Checking {archive}")
        check_sha256(archive, known.sha256)
    else:
        say(f"Loading {url}")
        with megabytes("MB loaded") as show:
            download(url, archive, sha256=known.sha256, progress=show)
    with megabytes("MB unpacked") as show:
        count = unpack(archive, folder, progress=show)
    write_text(folder / FILE_NAME, known.attribution + "\n")
    if not (arguments.archive or arguments.keep_archive):
        archive.unlink()
    say(f"{folder}: {count} files. {known.note}")
    say(f"Next: stapes data check --data_dir {folder}")
    return 0


class _Megabytes:
    """Makes progress bars whose total is known only from the first call on."""

    def __init__(self, make: Callable[..., ProgressBar]) -> None:
        self._make, self._what = make, ""
        self._bar: ProgressBar | None = None

    def __call__(self, what: str) -> _Megabytes:
        self._what = what
        return self

    def __enter__(self) -> Callable[[int, int], None]:
        return self._show

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.clear()
        self._bar = None

    def _show(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = self._make(self._what, total >> 20, done=done >> 20)
        self._bar.update(done >> 20)
