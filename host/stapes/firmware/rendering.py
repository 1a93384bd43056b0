# SPDX-License-Identifier: Apache-2.0
"""C++ from the templates of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2


def render(template: str, context: Mapping[str, Any]) -> str:
    """The text of templates/`template`.

    Raises:
        jinja2.UndefinedError: the template names a value that is missing in the context.
    """
    return _environment().get_template(template).render(context)


def c_string(text: str) -> str:
    """A C++ string literal of the text's UTF-8 bytes, in ASCII."""
    escaped = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in text.encode()
    )
    return '"' + "".join(escaped) + '"'


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("stapes.firmware"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["c_string"] = c_string
    environment.filters["hex_row"] = lambda row: ", ".join(f"0x{byte:02x}" for byte in row)
    return environment
