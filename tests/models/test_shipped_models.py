# SPDX-License-Identifier: Apache-2.0
"""The shipped models: each one has the figures of its card."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import pytest
from card import front_end_figures, read_cards, subset_figures
from card_text import to_markdown, to_overview

from stapes.evaluation.describe import describe
from stapes.firmware.measure import MEASURING_TOOLS, count_instructions
from stapes.firmware.tools import missing_tools
from stapes.model.metadata import load_model
from stapes.model.training_data import training_data

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
NAMES = sorted(path.parent.name for path in MODELS.glob("*/model.tflite"))
LIMITS = {"micro": 20_000, "words": 100_000, "jarvis": 50_000}  # bytes
CORPUS = os.environ.get("STAPES_CORPUS")
ROOM = os.environ.get("STAPES_ROOM")  # what models/room.py laid out


def card_of(name):
    return json.loads((MODELS / name / "card.json").read_text(encoding="utf-8"))


def test_the_promised_models_are_there():
    assert set(NAMES) == set(LIMITS)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_about_the_model_beside_it(name):
    path, card = MODELS / name / "model.tflite", card_of(name)
    content, settings = load_model(path)
    about = describe(path)
    assert card["sha256"] == hashlib.sha256(content).hexdigest()
    assert card["model_bytes"] == len(content) <= LIMITS[name]
    assert card["labels"] == list(settings.labels)
    assert card["front_end"] == front_end_figures(settings)
    assert card["decoder"] == dataclasses.asdict(settings.decoder)
    assert card["macs_per_frame"] == about["macs"]
    assert card["arena_bytes"] == about["arena_bytes"]
    assert card["data"] == training_data(settings.provenance)
    assert card["clips"]["int8_accuracy"] == settings.provenance["int8_accuracy"]


@pytest.mark.parametrize("name", NAMES)
def test_the_readable_card_says_what_the_other_says(name):
    expected = to_markdown(card_of(name))
    assert (MODELS / name / "card.md").read_text(encoding="utf-8") == expected


def test_the_overview_says_what_the_cards_say():
    expected = to_overview(read_cards())
    assert (MODELS / "README.md").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_makes_the_command_that_the_model_remembers(name):
    recipe = (MODELS / name / "recipe.sh").read_text(encoding="utf-8").replace("\\\n", " ")
    command = card_of(name)["command"].split()
    words = [word.partition("=")[0] for word in command if word.startswith("--")]
    flags = [word for word in words if word != "--data_dir"]
    assert [flag for flag in flags if flag not in recipe.split()] == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(bool(missing_tools(*MEASURING_TOOLS)), reason="no Arm compiler or emulator")
def test_a_card_tells_the_instructions_of_a_frame(name):
    """Within a twentieth: other compilers and a faster engine give slightly different counts."""
    counted = count_instructions((MODELS / name / "model.tflite").read_bytes(), ROOT).inference
    told = card_of(name)["instructions_per_frame"]["Cortex-M4"]
    assert counted == pytest.approx(told, rel=0.05)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(not CORPUS, reason="STAPES_CORPUS is not set")
def test_a_fresh_evaluation_gives_the_figures_of_the_card(name):
    content, settings = load_model(MODELS / name / "model.tflite")
    expected = card_of(name)["subset"]
    room = Path(ROOM) if ROOM and "right_in_noise" in expected else None
    found = subset_figures(content, settings, Path(CORPUS), room)
    assert found == {figure: expected[figure] for figure in found}
    assert found["right"] > 0.88 * found["clips"]
