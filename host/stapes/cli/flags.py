# SPDX-License-Identifier: Apache-2.0
"""Flags made from the declared fields of settings, and settings made from flags."""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from stapes.options import Setting, as_text, declared

_REQUIRED = dataclasses.MISSING
_SANE = 10**9  # limits from here on only keep numbers sane: --help does not show them


def add_flags(
    parser: Any,
    cls: type,
    *,
    only: Iterable[str] = (),
    omit: Iterable[str] = (),
    defaults: Mapping[str, Any] | None = None,
    instead_of: str = "",
) -> None:
    """Adds a flag for every declared field of `cls` to a parser or a group of it.

    `only` or `omit` choose fields by name; `defaults` replace the fields' own defaults. With
    `instead_of`, a flag that is not given is None, and --help shows this text as its default.
    """
    fields = declared(cls)
    for name in only or [name for name in fields if name not in omit]:
        entry = fields[name]
        if instead_of:
            shown = dataclasses.replace(entry.option, shown=instead_of)
            _add(parser, dataclasses.replace(entry, option=shown), None)
        else:
            _add(parser, entry, (defaults or {}).get(name, entry.default))


def from_flags(cls: type, arguments: argparse.Namespace, **more: Any) -> Any:
    """The settings of `cls` from the flags of `add_flags`, nested settings included.

    `more`: the fields without a flag, and those that need more than the flag's value.
    """
    hints = typing.get_type_hints(cls)
    values = {
        entry.name: from_flags(hints[entry.name], arguments)
        for entry in dataclasses.fields(cls)
        if dataclasses.is_dataclass(hints[entry.name]) and entry.name not in more
    }
    for name, entry in declared(cls).items():
        if name not in more and hasattr(arguments, entry.flag):
            values[name] = getattr(arguments, entry.flag)
    return cls(**values, **more)


def given(cls: type, arguments: argparse.Namespace, *, only: Iterable[str] = ()) -> dict[str, Any]:
    """The values of those flags of `add_flags(..., instead_of=...)` that were given, by the names
    of their fields."""
    fields = declared(cls)
    values = {name: getattr(arguments, fields[name].flag, None) for name in only or fields}
    return {name: value for name, value in values.items() if value is not None}


def _add(parser: Any, entry: Setting, default: Any) -> None:
    text = _help(entry, default).replace("%", "%%")
    if entry.kind is bool and not entry.option.valued:
        parser.add_argument(f"--{entry.flag}", action="store_true", default=default, help=text)
        return
    valued = {"nargs": "?", "const": True} if entry.kind is bool else {}
    parser.add_argument(
        f"--{entry.flag}",
        type=entry.parse,
        default=None if default is _REQUIRED else default,
        required=default is _REQUIRED,
        metavar=_metavar(entry),
        help=text,
        **valued,
    )


def _metavar(entry: Setting) -> str | None:
    """What stands for the value in --help; None: the flag's own name in capitals."""
    if entry.option.metavar:
        return entry.option.metavar
    if entry.option.choices:
        return "{" + ",".join(entry.option.choices) + "}"
    if entry.is_number:
        return "N"
    return "true|false" if entry.kind is bool else None


def _help(entry: Setting, default: Any) -> str:
    """What the flag is, its range, its default."""
    facts = []
    if entry.is_number and (entry.option.most or 0) < _SANE:
        facts.append(entry.option.range)
    shown = entry.option.shown
    if shown is None and entry.kind is not bool and default not in (None, (), "", _REQUIRED):
        shown = as_text(default)
    if shown is not None:
        facts.append(f"default: {shown}")
    return entry.option.help + (f" ({'; '.join(facts)})" if facts else "")
