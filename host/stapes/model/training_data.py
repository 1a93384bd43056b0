# SPDX-License-Identifier: Apache-2.0
"""Whose recordings a model was trained on, and on what terms: whoever ships it must say so."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from stapes.model.shipped import shipped_models
from stapes.plain import plain

KEY = "attribution"  # of a model's provenance


def training_data(model: bytes, provenance: Mapping[str, Any]) -> str:
    """What a .tflite file says of its data, or the card of a model that comes with Stapes; "" where
    nobody says. A line for each source, all of them plain text."""
    said = provenance.get(KEY)
    if not isinstance(said, str) or not said.strip():  # a model of others may say anything
        digest = hashlib.sha256(model).hexdigest()
        cards = (shipped.card for shipped in shipped_models().values())
        said = next((str(card["data"]) for card in cards if card["sha256"] == digest), "")
    return "\n".join(plain(line) for line in said.splitlines() if line.strip())


def terms(said: str) -> str:
    """What a folder with a model tells about its data, of which `training_data` says this."""
    if not said:
        return (
            "The model does not say on what data it was trained. Whoever ships it must follow the\n"
            "terms of that data.\n"
        )
    return (
        f"The model was trained on this data. Whoever ships it must follow these terms:\n\n{said}\n"
    )


def with_training_data(model: bytes, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance of a model that is made from `model`: its card will not be found by it."""
    said = training_data(model, provenance)
    return {**provenance, KEY: said} if said else dict(provenance)
