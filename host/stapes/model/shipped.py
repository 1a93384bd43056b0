# SPDX-License-Identifier: Apache-2.0
"""The models that come with Stapes. Every command takes their names in place of a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stapes.installed import installed_tree


@dataclass(frozen=True, kw_only=True)
class ShippedModel:
    """A model and its card, which models/card.py wrote when it measured the model."""

    name: str
    path: Path
    card: dict[str, Any]


def shipped_models() -> dict[str, ShippedModel]:
    """All shipped models by name, the smallest first."""
    found = [
        ShippedModel(
            name=path.parent.name,
            path=path.with_name("model.tflite"),
            card=json.loads(path.read_text(encoding="utf-8")),
        )
        for path in installed_tree().glob("models/*/card.json")
    ]
    return {model.name: model for model in sorted(found, key=_bytes)}


def short_name(path: Path) -> str:
    """What to give to a command for the model at `path`: a shipped model's name, or the path."""
    names = (model.name for model in shipped_models().values() if model.path == path)
    return next(names, str(path))


def _bytes(model: ShippedModel) -> int:
    return int(model.card["model_bytes"])
