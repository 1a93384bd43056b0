# SPDX-License-Identifier: Apache-2.0
"""Events as JSON lines in a file that is rotated when it grows."""

from __future__ import annotations

import datetime
import itertools
import json
import os
from pathlib import Path

from stapes.files import LineFile, check_output, writing
from stapes.link.protocol import Event

_NOTICE = "notice"


def json_line(event: Event) -> str:
    """One JSON object: the event's name, when it came (UTC), its line number, its fields. A board
    cannot set the first three, and cannot send a notice: only this program makes notices."""
    name = f"board_{_NOTICE}" if event.name == _NOTICE else event.name
    ours = {"event": name, "received": _now(), "sequence": event.sequence}
    return json.dumps({**ours, **event.values(), **ours}, ensure_ascii=False)


class EventLog:
    """Appends to `path`; at `max_bytes` it becomes PATH.1 and so on up to PATH.`files`.

    Raises:
        StapesError: the file cannot be written; the lines before are whole.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int, files: int) -> None:
        check_output(path)
        self._path, self._max_bytes, self._files = Path(path), max_bytes, files
        self._file = LineFile(self._path)

    def event(self, event: Event) -> None:
        """One line."""
        self._write(json_line(event))

    def notice(self, name: str, text: str) -> None:
        """One line about the connection."""
        values = {"event": _NOTICE, "received": _now(), "name": name, "text": text}
        self._write(json.dumps(values, ensure_ascii=False))

    def close(self) -> None:
        """May be called twice."""
        self._file.close()

    def _write(self, line: str) -> None:
        size = len(line.encode("utf-8", "backslashreplace")) + 1
        if self._file.size and self._file.size + size > self._max_bytes:
            with writing(self._path):
                self._rotate()
        self._file.add(line + "\n")

    def _rotate(self) -> None:
        self._file.close()
        names = [self._path, *(Path(f"{self._path}.{n}") for n in range(1, self._files + 1))]
        for older, newer in reversed(list(itertools.pairwise(names))):
            if older.exists():
                older.replace(newer)
        self._file = LineFile(self._path)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
