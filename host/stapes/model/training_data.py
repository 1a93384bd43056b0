# SPDX-License-Identifier: Apache-2.0
"""Whose recordings a model was trained on, and on what terms: whoever ships it must say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stapes.plain import plain

KEY = "attribution"  # of a model's provenance


def training_data(provenance: Mapping[str, Any]) -> str:
    """What a model says about its data: plain text, a line for each source; "" if it says
    nothing."""
    said = provenance.get(KEY)
    if not isinstance(said, str):  # a model of others may say anything
        return ""
    return "\n".join(plain(line) for line in said.splitlines() if line.strip())


def terms(said: str) -> str:
    """What a folder with a model says about the data; `said` comes from `training_data`."""
    if not said:
        return (
            "The model does not say on what data it was trained. Whoever ships it must follow the\n"
            "terms of that data.\n"
        )
    return (
        f"The model was trained on this data. Whoever ships it must follow these terms:\n\n{said}\n"
    )
