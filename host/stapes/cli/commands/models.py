# SPDX-License-Identifier: Apache-2.0
"""List the models that come with Stapes. Every command takes their names in place of a file.

Accuracy is that of single clips. False accepts and missed words are those of hours of audio. The
model's card describes this audio. The boards that a model fits on are an estimate."""

from __future__ import annotations

import argparse
import json
from typing import Any

EXAMPLE = """  stapes models
  stapes flash --board mps2_an386 micro"""

_COLUMNS = (
    *("name", "words", "size", "RAM", "accuracy", "false accepts", "missed"),
    "boards that it fits",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object per model")


def run(arguments: argparse.Namespace) -> int:
    from stapes.cli.table import table
    from stapes.firmware.boards import all_boards
    from stapes.firmware.fit import estimate, fitting
    from stapes.installed import installed_tree
    from stapes.model.shipped import shipped_models

    boards = all_boards(installed_tree()).values()
    rows = []
    for model in shipped_models().values():
        card = model.card
        needs = estimate(model_bytes=card["model_bytes"], arena_bytes=card["arena_bytes"])
        if arguments.json:
            fits = [board.name for board in boards if needs.fits(board)]
            print(json.dumps({**_facts(card), "path": str(model.path), "boards": fits}))
        else:
            rows.append([*_cells(card), fitting(needs, boards)])
    if rows:
        print(table(_COLUMNS, rows))
        print("\nNext: stapes flash --board mps2_an386 micro   (stapes boards lists the others)")
    return 0


def _facts(card: dict[str, Any]) -> dict[str, Any]:
    """What the card says, under the names of --json."""
    from stapes.model.settings import NOT_WORDS

    return {
        "name": card["name"],
        "words": [label for label in card["labels"] if label not in NOT_WORDS],
        "model_bytes": card["model_bytes"],
        "ram_bytes": card["pipeline"]["ram_bytes"],
        "accuracy": card["clips"]["tutorial_accuracy"],
        "false_accepts_per_hour": card["stream"]["false_accepts_per_hour"],
        "false_reject_rate": card["stream"]["false_reject_rate"],
        "stream_hours": card["stream"]["hours"],
    }


def _cells(card: dict[str, Any]) -> list[str]:
    facts = _facts(card)
    words = facts["words"]
    return [
        facts["name"],
        ", ".join(words) if len(words) < 4 else f"{len(words)} words: {', '.join(words[:2])}, …",
        f"{facts['model_bytes'] / 1000:.1f} KB",
        f"{facts['ram_bytes'] / 1000:.1f} KB",
        f"{100 * facts['accuracy']:.1f}%",
        f"{facts['false_accepts_per_hour']:.1f} an hour",
        f"{100 * facts['false_reject_rate']:.1f}%",
    ]
