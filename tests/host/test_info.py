"""`stapes info`: what a model is and what it costs."""

from __future__ import annotations

import json

import pytest

from stapes.cli import main
from stapes.settings import ModelSettings


@pytest.fixture
def model(tmp_path, small_model):
    settings = ModelSettings(
        name="small", labels=("_silence_", "_unknown_", "yes", "no"), provenance={"seed": 7}
    )
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model(settings))
    return path


def test_every_operator_with_its_work_and_bytes(model, capsys):
    assert main(["info", str(model), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    svdf, dense, softmax = report["operators"]
    assert [svdf["name"], dense["name"], softmax["name"]] == ["SVDF", "FULLY_CONNECTED", "SOFTMAX"]
    assert svdf["macs"] == 6 * 40 + 6 * 5  # feature filters, then time filters
    assert dense["macs"] == 6 * 4
    assert svdf["weight_bytes"] == 6 * 40 + 6 * 5 * 2 + 6 * 4  # int8, int16, int32
    assert report["macs"] == svdf["macs"] + dense["macs"]
    assert report["macs_per_second"] == 50 * report["macs"]  # one frame every 20 ms
    assert report["model_bytes"] == model.stat().st_size
    assert report["arena_bytes"] >= 6 * 5 * 2 + 40


def test_the_settings_are_printed_for_people(model, capsys):
    assert main(["info", str(model)]) == 0
    text = capsys.readouterr().out
    for word in ("yes, no", "sample_rate", "16000", "suppression_ms", "SVDF", "bytes of arena"):
        assert word in text
    assert "seed" in text and "7" in text


def test_what_is_not_a_model_is_refused(tmp_path, capsys):
    assert main(["info", str(tmp_path / "missing.tflite")]) == 2
    error = capsys.readouterr().err
    assert "missing.tflite: cannot be read" in error and error.count("\n") == 1


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["info", "--help"])
    assert "stapes info build/yes_no.tflite" in capsys.readouterr().out
