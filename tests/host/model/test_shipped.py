# SPDX-License-Identifier: Apache-2.0
"""The models that come with Stapes, by name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from stapes.cli.main import main
from stapes.cli.shared_flags import model_file
from stapes.errors import StapesError
from stapes.model.shipped import shipped_models

MODELS = Path(__file__).parents[3] / "models"


def test_cards_describe_the_files_beside_them_smallest_first():
    shipped = shipped_models()
    assert next(iter(shipped)) == "micro"
    assert len(shipped) == len(list(MODELS.glob("*/card.json")))
    for model in shipped.values():
        assert hashlib.sha256(model.path.read_bytes()).hexdigest() == model.card["sha256"]


def test_a_name_stands_for_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert model_file("micro").read_bytes() == (MODELS / "micro" / "model.tflite").read_bytes()


def test_a_file_of_that_name_comes_first_and_a_folder_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words").mkdir()
    (tmp_path / "micro").write_bytes(b"mine")
    assert model_file("micro") == Path("micro")
    assert model_file("words") == shipped_models()["words"].path


def test_a_path_is_never_a_name():
    assert model_file("models/micro") == Path("models/micro")
    assert model_file("micro.tflite") == Path("micro.tflite")


def test_an_unknown_name_says_which_is_near():
    with pytest.raises(StapesError, match=r"mirco: found no such file, did you mean micro\?"):
        model_file("mirco")


def test_commands_take_a_name(tmp_path, capsys):
    assert main(["emit", "micro", "--output_dir", str(tmp_path / "model")]) == 0
    assert (tmp_path / "model" / "model_data.cc").is_file()
    assert main(["info", "jarvis", "--json"]) == 0
    assert "jarvis" in json.loads(capsys.readouterr().out.splitlines()[-1])["labels"]


def test_models_are_listed_with_the_figures_of_their_cards(capsys):
    assert main(["models"]) == 0
    heading, *rows, _, following = capsys.readouterr().out.splitlines()
    assert heading.split()[:2] == ["name", "words"] and following.startswith("Next: stapes flash")
    assert [row.split()[0] for row in rows] == list(shipped_models())
    card = shipped_models()["micro"].card
    accuracy = f"{100 * card['clips']['tutorial_accuracy']:.1f}%"
    assert accuracy in rows[0] and f"{card['model_bytes'] / 1000:.1f} KB" in rows[0]
    assert "all 1" in rows[0]
    assert "microbit" in rows[-1]  # the one board that `words` does not fit


def test_boards_are_listed_with_what_is_plugged_in(capsys):
    assert main(["boards"]) == 0
    text = capsys.readouterr().out
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert "Cortex-M0, 16 MHz" in rows["microbit"] and "16 KB" in rows["microbit"]
    assert "emulated" in rows["mps2_an386"] and "pyOCD" in rows["nrf52840dk"]
    assert "plugged" in rows
    table = text.partition("\n\n")[0].splitlines()
    assert max(map(len, table)) <= 100, "of a terminal"
