# SPDX-License-Identifier: Apache-2.0
"""Text for people: times, and text from outside, such as names of files, models and boards.

Text from outside must not steer the terminal, look like a line of Stapes, or change the reading
direction.
"""

from __future__ import annotations

import io
import sys
import unicodedata
from typing import Any, TextIO, cast

_JOINERS = "\u200c\u200d"  # words of Persian and emoji need them


def plain(text: object, *, keep: str = "") -> str:
    """`text` with everything that is not printable escaped as in JSON, such as \\u001b: control
    characters (C0, DEL, C1), line ends, bidirectional controls, bytes of a file name that are not
    UTF-8. Characters in `keep` stay."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(c if c in keep or _is_plain(c) else _escaped(c) for c in shown)


def say(line: object, *, to: TextIO | None = None) -> None:
    """Prints one line at once, whatever is in it, on standard output or on the stream `to`."""
    print(plain(line), file=to or sys.stdout, flush=True)


def clock(time_ms: float) -> str:
    """Milliseconds as H:MM:SS.mmm, such as 1:02:03.456."""
    seconds, millis = divmod(round(time_ms), 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{millis:03}"


class PlainStream(io.TextIOWrapper):
    """Standard output or error: escapes what is not plain, except line ends and tabs."""

    def write(self, text: str, /) -> int:
        return super().write(plain(text, keep="\n\t"))

    def draw(self, text: str) -> int:
        """Writes text as it is: Stapes itself steers the terminal with it."""
        return super().write(text)


def draw(out: TextIO, text: str) -> None:
    """Writes text that steers the terminal; names in it are plain already."""
    if isinstance(out, PlainStream):
        out.draw(text)
    else:
        out.write(text)
    out.flush()


def drawing(out: TextIO) -> TextIO:
    """The same stream for other packages, such as rich, which write text that steers the
    terminal."""
    return cast(TextIO, _Drawing(out))


class _Drawing:
    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        draw(self._out, text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


def _is_plain(character: str) -> bool:
    return (
        character.isprintable()
        or character in _JOINERS
        or unicodedata.category(character) == "Zs"  # other spaces
    )


def _escaped(character: str) -> str:
    """Escaped in units of UTF-16, as in JSON."""
    units = character.encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs)
