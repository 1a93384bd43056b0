# SPDX-License-Identifier: Apache-2.0
"""`stapes evaluate`: clip accuracy through the firmware's code."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from tones import SAMPLE_RATE, sweep, trained_tones

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.device.clip_scores import clip_scores
from stapes.device.engine import Engine
from stapes.device.front_end import FrontEnd
from stapes.model.metadata import load_model, read_settings
from stapes.model.settings import ModelSettings


def evaluate(capsys, *flags: str) -> dict:
    trained = trained_tones()
    capsys.readouterr()
    command = ["evaluate", str(trained.model), "--data_dir", str(trained.data_dir), "--json"]
    assert main([*command, *flags]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_finds_the_accuracy_that_export_recorded(capsys):
    report = evaluate(capsys)
    provenance = read_settings(trained_tones().model).provenance
    assert report["clips"] == provenance["test_clips"]
    assert report["int8_accuracy"] == pytest.approx(provenance["int8_accuracy"], abs=1e-5)
    assert sum(map(sum, report["confusion"])) == report["clips"]


def test_another_partition_and_other_percentages(capsys):
    training = evaluate(capsys, "--partition", "training", "--silence_percentage", "0")
    assert training["partition"] == "training"
    assert sum(training["confusion"][0]) == 0
    everything = evaluate(capsys, "--testing_percentage", "100", "--validation_percentage", "0")
    assert sum(map(sum, everything["confusion"][2:])) == 120


def test_scores_are_those_of_the_stream_after_the_last_frame():
    model, settings = load_model(trained_tones().model)
    clips = np.stack([sweep(400, 1600, seed=1), sweep(1600, 400, seed=2)])
    engine = Engine.from_bytes(model)
    front_end = FrontEnd(
        settings.front_end, scale=engine.input_scale, zero_point=engine.input_zero_point
    )
    expected = []
    for clip in clips:
        front_end.reset()
        engine.reset()
        for frame in front_end.process(clip):
            scores = engine.invoke(frame)
        expected.append(np.ravel(scores))
    found = clip_scores(model, settings, clips)
    np.testing.assert_array_equal(found, expected)
    assert found.argmax(axis=1).tolist() == [2, 3]


def test_the_table_names_every_label(capsys):
    trained = trained_tones()
    assert main(["evaluate", str(trained.model), "--data_dir", str(trained.data_dir)]) == 0
    text = capsys.readouterr().out
    assert all(label in text for label in ("_silence_", "_unknown_", "up", "down"))
    assert "int8 accuracy = " in text


def test_what_is_not_a_model_is_refused(tmp_path, capsys):
    (tmp_path / "m.tflite").write_bytes(b"no model at all, but long enough to be looked at")
    data = str(trained_tones().data_dir)
    assert main(["evaluate", str(tmp_path / "m.tflite"), "--data_dir", data]) == 2
    error = capsys.readouterr().err
    assert "m.tflite" in error and "expected a .tflite model" in error


def test_clips_of_another_rate_are_refused(tmp_path, capsys):
    from tones import write_tones

    from stapes.audio.wav import write_wav

    folder = write_tones(tmp_path / "data", clips=40)
    for path in folder.glob("*/*.wav"):
        write_wav(path, read_wav(path), sample_rate=2 * SAMPLE_RATE)
    assert main(["evaluate", str(trained_tones().model), "--data_dir", str(folder)]) == 2
    assert "found 16000 Hz, expected 8000 Hz" in capsys.readouterr().err


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    assert "stapes evaluate build/yes_no.tflite" in capsys.readouterr().out


@pytest.mark.parametrize("corpus", [7, None, {"testing_percentage": "ten"}])
def test_a_foreign_record_of_the_corpus_is_refused(tmp_path, small_model, capsys, corpus):
    path = tmp_path / "odd.tflite"
    labels = ("_silence_", "_unknown_", "yes", "no")
    path.write_bytes(
        small_model(ModelSettings(name="odd", labels=labels, provenance={"corpus": corpus}))
    )
    assert main(["evaluate", str(path), "--data_dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "odd.tflite: settings do not fit (corpus: " in error and error.count("\n") == 1


def test_noise_and_levels_are_measured_beside_the_clips_as_they_are(capsys, tmp_path):
    write_wav(tmp_path / "hum.wav", sweep(90, 110, seed=3), sample_rate=SAMPLE_RATE)
    flags = ["--noise_dir", str(tmp_path), "--snr_db=60,-60", "--level_db=-90"]
    report = evaluate(capsys, *flags)
    found = report["conditions"]
    assert list(found) == ["as recorded", "noise at 60 dB", "noise at -60 dB", "level -90 dB"]
    assert found["as recorded"] == report["int8_accuracy"]
    low, high = report["int8_accuracy_95"]
    assert 0.5 < low <= report["int8_accuracy"] <= high <= 1
    assert report["conditions_95"]["as recorded"] == [low, high]
    assert list(report["conditions_95"]) == list(found)
    assert abs(found["noise at 60 dB"] - found["as recorded"]) < 0.05
    assert found["noise at -60 dB"] < 0.7 and found["level -90 dB"] < 0.7


def test_a_table_names_every_condition_with_its_interval(capsys):
    trained = trained_tones()
    command = ["evaluate", str(trained.model), "--data_dir", str(trained.data_dir)]
    assert main([*command, "--level_db", "-6"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"as recorded +\d+\.\d% \(\d+\.\d to \d+\.\d\)", lines[-3])
    assert lines[-2].startswith("level -6 dB")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--noise_dir", "."], "--noise_dir=.: found no recordings"),
        (["--level_db", "soft"], "--level_db=soft: expected up to 100 values"),
        (["--snr_db", "1000"], "--snr_db=1000: expected 1 to 100 values"),
    ],
)
def test_conditions_that_cannot_be_are_refused(capsys, tmp_path, monkeypatch, flags, says):
    monkeypatch.chdir(tmp_path)
    trained = trained_tones()
    command = ["evaluate", str(trained.model), "--data_dir", str(trained.data_dir)]
    assert main([*command, *flags]) == 2
    assert says in capsys.readouterr().err
