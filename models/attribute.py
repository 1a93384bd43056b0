#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Say inside a shipped model whose data it was trained on; its card follows.

    models/attribute.py micro

The text is that of models/NAME/attribution.txt, or else of models/attribution.txt. Weights and
settings stay as they are, bit for bit. A model that a recipe makes today needs no such step: the
text lies in the folders that it is trained on.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
import tempfile
from pathlib import Path

from card import MODELS, PIPELINE_BOARD, ROOT, write_down

from stapes.errors import StapesError
from stapes.files import read_text, write_bytes
from stapes.firmware.measure import fit_on_board
from stapes.model.metadata import settings_of, write_settings
from stapes.model.training_data import KEY


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="folder below models/")
    folder = MODELS / parser.parse_args().name
    try:
        text = attribution_of(folder)
        model = attributed((folder / "model.tflite").read_bytes(), text)
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        card |= {"data": text, "model_bytes": len(model)}
        card["sha256"] = hashlib.sha256(model).hexdigest()
        card["pipeline"]["flash_bytes"] = flash_bytes(model)
        write_bytes(folder / "model.tflite", model)
        write_down(folder, card)
    except StapesError as error:
        print(f"attribute.py: {error}", file=sys.stderr)
        return 1
    return 0


def attribution_of(folder: Path) -> str:
    own = folder / "attribution.txt"
    path = own if own.exists() else MODELS / "attribution.txt"
    return " ".join(read_text(path, what="whose data it is").split())


def attributed(model: bytes, text: str) -> bytes:
    """The model with a text on its data, in place of one that it had."""
    settings = settings_of(model, source="model")
    provenance = {**settings.provenance, KEY: text}
    return write_settings(model, dataclasses.replace(settings, provenance=provenance))


def flash_bytes(model: bytes) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "model.tflite"
        copy.write_bytes(model)
        return fit_on_board(copy, ROOT, PIPELINE_BOARD).flash_needed


if __name__ == "__main__":
    sys.exit(main())
