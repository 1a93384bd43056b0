# SPDX-License-Identifier: Apache-2.0
"""Settings that are flags as well: a dataclass field states default, range and help, once.

`setting` declares such a field, `check` compares the values of a settings object with what its
fields declare, and `stapes.cli.flags` makes the flags of the command line from the same fields.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from stapes.errors import StapesError

_KEY = "stapes.option"
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}


@dataclass(frozen=True, kw_only=True)
class Option:
    """What a field declares beside its type and its default.

    The values `least` and `most` are allowed, the values `above` and `below` are not. The field's
    default is always allowed: it may be outside of the range, to mean "off" or "automatic". --help
    shows `shown` in place of the default. An `interval` is two numbers, the lower one first. A
    `valued` flag of type bool may be followed by true or false on the command line.
    """

    help: str
    flag: str = ""  # where it is not the field's name
    metavar: str | None = None
    shown: str | None = None
    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    interval: bool = False
    shortest: int = 0  # least length of a list, in values
    longest: int = 100
    valued: bool = False

    def allows(self, value: Any) -> bool:
        """Whether one number or text is in range."""
        if self.choices:
            return value in self.choices
        if not isinstance(value, int | float):
            return True
        return (
            math.isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )

    @property
    def range(self) -> str:
        """ "1 to 16", "above 0, up to 16", "0 to below 1" or the choices."""
        if self.choices:
            return _alternatives(self.choices)
        low = f"above {_plain(self.above)}" if self.least is None else _plain(self.least)
        if self.most is None:
            return f"{low} to below {_plain(self.below)}"
        comma = "," if self.least is None else ""
        return f"{low}{comma} {'up ' if comma else ''}to {_plain(self.most)}"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A declared field with its type taken apart: `kind` is int, float, str, bool or Path. With
    `many`, the field is a tuple of such values; `optional` allows None."""

    name: str
    option: Option
    kind: Callable[[str], Any]
    many: bool
    optional: bool
    default: Any

    @property
    def flag(self) -> str:
        """The name on the command line, without its dashes."""
        return self.option.flag or self.name

    @property
    def is_number(self) -> bool:
        return self.kind in (int, float)

    @property
    def expected(self) -> str:
        """The text after "expected" in an error message."""
        values = self.option.range if self.is_number or self.option.choices else "text"
        if self.option.interval:
            values = f"LOW,HIGH from {values}, the lower one first"
        elif self.many:
            count = f"{self.option.shortest} to" if self.option.shortest else "up to"
            values = f"{count} {self.option.longest} values separated by commas, each {values}"
        outside = self.is_number and not self.many and self.default is not dataclasses.MISSING
        if outside and self.default is not None and not self.option.allows(self.default):
            values += f", or {_plain(self.default)}"
        return values

    def accepts(self, value: Any) -> bool:
        """Whether the field may have this value."""
        if value == self.default or (value is None and self.optional):
            return True
        if not self.many:
            return self.option.allows(value)
        if not all(map(self.option.allows, value)):
            return False
        if self.option.interval:
            return len(value) == 2 and value[0] <= value[1]
        return self.option.shortest <= len(value) <= self.option.longest

    def parse(self, text: str, *, called: str = "") -> Any:
        """The value of a flag's text; errors name the flag, or `called` if it is given.

        Raises:
            StapesError: text of another kind, or a value out of range.
        """
        if self.many:
            parts = [part.strip() for part in text.split(",")]
            parts = [part for part in parts if part or self.is_number]
            value = tuple(self._parse_one(part, text, called) for part in parts)
            if self.option.interval and len(value) == 1:
                value *= 2
        else:
            value = self._parse_one(text, text, called)
        if not self.accepts(value):
            self.refuse(text, self.expected, called=called)
        return value

    def _parse_one(self, part: str, text: str, called: str) -> Any:
        if self.kind is bool:
            if part.lower() not in _TRUTHS:
                self.refuse(text, "true or false", called=called)
            return _TRUTHS[part.lower()]
        if part.lower() in self.option.choices:
            return part.lower()
        try:
            return self.kind(part)
        except ValueError:
            number = "a whole number" if self.kind is int else "a number"
            expected = self.expected if self.many else f"{number}, {self.expected}"
            self.refuse(text, expected, called=called)

    def refuse(self, found: str, expected: str, *, called: str = "") -> NoReturn:
        raise StapesError(f"{called or '--' + self.flag}={found}: expected {expected}")


def setting(default: Any = dataclasses.MISSING, *, help: str, **option: Any) -> Any:
    """A dataclass field that is a flag as well; the keywords are those of `Option`."""
    return dataclasses.field(default=default, metadata={_KEY: Option(help=help, **option)})


def like(cls: type, name: str, *, default: Any = dataclasses.MISSING, **changes: Any) -> Any:
    """A field that is declared like `name` of `cls`, except for the keywords given."""
    field = next(entry for entry in dataclasses.fields(cls) if entry.name == name)
    option = dataclasses.replace(field.metadata[_KEY], **changes)
    if default is dataclasses.MISSING:
        default = field.default
    return dataclasses.field(default=default, metadata={_KEY: option})


@functools.cache
def declared(cls: type) -> dict[str, Setting]:
    """The fields of a dataclass that `setting` or `like` declared, by name."""
    hints = typing.get_type_hints(cls)
    return {
        field.name: _setting(field, hints[field.name])
        for field in dataclasses.fields(cls)
        if _KEY in field.metadata
    }


def check(settings: Any, *, dashes: str = "--") -> None:
    """Compares every declared field with its range; called from `__post_init__`.

    `dashes` are written before names: "" for settings that may also come from files.

    Raises:
        StapesError: a value out of range.
    """
    cls: type = type(settings)
    for entry in declared(cls).values():
        value = getattr(settings, entry.name)
        if not entry.accepts(value):
            entry.refuse(as_text(value), entry.expected, called=dashes + entry.flag)


def as_text(value: Any) -> str:
    """A value as a user gives it to its flag."""
    if isinstance(value, tuple | list):
        return ",".join(map(as_text, value))
    return _plain(value)


def _setting(field: dataclasses.Field[Any], hint: Any) -> Setting:
    optional = isinstance(hint, types.UnionType)
    if optional:
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    many = typing.get_origin(hint) is tuple
    return Setting(
        name=field.name,
        option=field.metadata[_KEY],
        kind=typing.get_args(hint)[0] if many else hint,
        many=many,
        optional=optional,
        default=field.default,
    )


def _plain(value: Any) -> str:
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _alternatives(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
