# SPDX-License-Identifier: Apache-2.0
"""Events as JSON lines in a file that is rotated when it grows."""

from __future__ import annotations

import datetime
import json
import logging
import os
import sys
from logging.handlers import RotatingFileHandler

from stapes.errors import StapesError
from stapes.files import check_output
from stapes.link.protocol import Event


def json_line(event: Event) -> str:
    """One object: the event's name, when it came (UTC), its line number, its fields."""
    values = {"event": event.name, "received": _now(), "sequence": event.sequence}
    return json.dumps({**values, **event.values()}, ensure_ascii=False)


class EventLog:
    """Appends to `path`; at `max_bytes` it becomes PATH.1 and so on up to PATH.`files`.

    Raises:
        StapesError: it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int, files: int) -> None:
        check_output(path)
        self._handler = _Handler(path, maxBytes=max_bytes, backupCount=files, encoding="utf-8")

    def event(self, event: Event) -> None:
        """One line."""
        self._write(json_line(event))

    def notice(self, name: str, text: str) -> None:
        """One line about the connection."""
        values = {"event": "notice", "received": _now(), "name": name, "text": text}
        self._write(json.dumps(values, ensure_ascii=False))

    def close(self) -> None:
        """May be called twice."""
        self._handler.close()

    def _write(self, line: str) -> None:
        self._handler.emit(logging.LogRecord("", logging.INFO, "", 0, line, None, None))


class _Handler(RotatingFileHandler):
    """Says that a disk is full instead of printing a traceback for each line."""

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        raise StapesError(
            f"{self.baseFilename}: cannot be written ({getattr(error, 'strerror', None) or error})"
            "; make room, or choose another file"
        ) from error


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
