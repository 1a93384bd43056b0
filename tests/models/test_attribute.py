# SPDX-License-Identifier: Apache-2.0
"""A model that is told whose data it knows is the same model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from attribute import attributed, attribution_of

from stapes.device.engine import Engine
from stapes.model.builder import load_schema
from stapes.model.metadata import settings_of
from stapes.model.settings import METADATA_NAME
from stapes.model.training_data import training_data

MODELS = Path(__file__).resolve().parents[2] / "models"
NAMES = sorted(path.parent.name for path in MODELS.glob("*/model.tflite"))


def parts(model: bytes) -> list:
    """All of a model but its settings: its graph, and each buffer's bytes."""
    schema = load_schema()
    unpacked = schema.ModelT.InitFromPackedBuf(bytearray(model), 0)
    (entry,) = (entry for entry in unpacked.metadata if entry.name == METADATA_NAME.encode())
    graph = unpacked.subgraphs[0]
    return [
        [b"" if data.data is None or number == entry.buffer else bytes(data.data)
         for number, data in enumerate(unpacked.buffers)],
        [(one.name, list(one.shape), one.type, one.buffer, list(one.quantization.scale or []))
         for one in graph.tensors],
        [(one.opcodeIndex, list(one.inputs), list(one.outputs)) for one in graph.operators],
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_weights_graph_and_settings_stay_as_they_are(name):
    before = (MODELS / name / "model.tflite").read_bytes()
    after = attributed(before, "Of Ada, CC0")
    old, new = (settings_of(model, source=name) for model in (before, after))

    assert training_data(new.provenance) == "Of Ada, CC0"
    assert parts(after) == parts(before)
    assert dataclasses.replace(new, provenance=old.provenance) == old
    kept = {key: value for key, value in new.provenance.items() if key != "attribution"}
    assert kept == {key: value for key, value in old.provenance.items() if key != "attribution"}
    assert attributed(after, training_data(old.provenance)) == before
    frames = np.random.default_rng(0).integers(-128, 128, (200, old.input_size), np.int8)
    scores = [Engine.from_bytes(model).run(frames) for model in (before, after)]
    assert np.array_equal(*scores) and len(np.unique(scores)) > 1


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_says_what_its_file_of_attribution_says(name):
    settings = settings_of((MODELS / name / "model.tflite").read_bytes(), source=name)
    assert training_data(settings.provenance) == attribution_of(MODELS / name)
