# SPDX-License-Identifier: Apache-2.0
"""`stapes export`: the model that comes out, and what it knows of its origin."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from tones import LABELS_COUNT, trained_tones

from stapes.cli.main import main
from stapes.device.engine import Engine
from stapes.evaluation.intervals import binomial_interval
from stapes.model.metadata import read_settings
from stapes.model.settings import DecoderSettings
from stapes.training.checkpoint import FILE_NAME, Checkpoint


def test_the_model_takes_a_frame_and_gives_scores():
    trained = trained_tones()
    engine = Engine.from_file(trained.model)
    assert tuple(engine.input_shape) == (1, 20)
    assert tuple(engine.output_shape) == (1, LABELS_COUNT)
    assert (engine.output_scale, engine.output_zero_point) == (1 / 256, -128)
    quantization = Checkpoint.load(trained.train_dir / FILE_NAME).quantization
    assert engine.input_scale == pytest.approx(quantization.scale)
    assert engine.input_zero_point == quantization.zero_point


def test_what_was_trained_is_what_the_model_carries():
    trained = trained_tones()
    settings = read_settings(trained.model)
    assert settings.name == "tones"
    assert settings.labels == ("_silence_", "_unknown_", "up", "down")
    assert settings.front_end.sample_rate == 8000
    provenance = settings.provenance
    assert provenance["seed"] == 59185 and provenance["steps"] == 120
    assert provenance["clips"]["training"]["wanted"] > 80
    assert provenance["command"].startswith("stapes train ")
    assert provenance["attribution"] == "Hiss of the tests, CC0"
    assert str(trained.data_dir.parent) not in json.dumps(provenance)


def test_a_model_can_be_called_otherwise_than_its_file(tmp_path):
    trained, model = trained_tones(), tmp_path / "second.tflite"
    export = ["export", "--train_dir", str(trained.train_dir), "--output_file", str(model)]
    assert main([*export, "--name", "jarvis"]) == 0
    assert read_settings(model).name == "jarvis"


def test_a_name_that_cannot_be_shown_is_refused_before_the_work(tmp_path, capsys):
    export = ["export", "--train_dir", str(tmp_path), "--output_file", str(tmp_path / "m.tflite")]
    assert main([*export, "--name", "a\nb"]) == 2
    output = capsys.readouterr()
    assert "expected 1 to 250 bytes of printable text" in output.err and not output.out


def test_decoder_settings_go_into_the_model(tmp_path):
    trained, model = trained_tones(), tmp_path / "m.tflite"
    flags = ["--average_window_duration_ms", "300", "--detection_threshold", "0.6"]
    export = ["export", "--train_dir", str(trained.train_dir), "--output_file", str(model)]
    assert main([*export, *flags]) == 0
    assert read_settings(model).decoder == DecoderSettings(
        average_window_duration_ms=300, detection_threshold=0.6, minimum_count=4
    )


def test_a_decoder_that_makes_no_sense_is_refused(tmp_path, capsys):
    export = ["export", "--train_dir", str(tmp_path), "--output_file", str(tmp_path / "m.tflite")]
    assert main([*export, "--detection_threshold", "7"]) == 2
    assert "--detection_threshold=7: expected 0 to 1" in capsys.readouterr().err


def test_the_tones_are_learnt_and_int8_loses_little():
    provenance = read_settings(trained_tones().model).provenance
    assert provenance["float_accuracy"] > 0.9
    assert provenance["int8_accuracy"] >= provenance["float_accuracy"] - 0.05


def test_equal_checkpoints_give_equal_bytes(tmp_path):
    trained = trained_tones()
    again = tmp_path / "tones.tflite"
    checkpoint = str(trained.train_dir / FILE_NAME)
    assert main(["export", "--start_checkpoint", checkpoint, "--output_file", str(again)]) == 0
    assert again.read_bytes() == trained.model.read_bytes()


def test_features_that_are_in_the_trainings_cache_are_not_computed_again(
    tmp_path, monkeypatch, capsys
):
    train_dir = str(trained_tones().train_dir)
    export = ["export", "--train_dir", train_dir, "--output_file", str(tmp_path / "m.tflite")]
    assert main([*export, "--json"]) == 0
    first = capsys.readouterr().out
    monkeypatch.delattr("stapes.device.features.FeatureExtractor.stored")
    assert main([*export, "--json"]) == 0
    assert capsys.readouterr().out == first


def test_a_loss_is_told_with_the_noisiest_layer_and_a_way_out(tmp_path, monkeypatch, capsys):
    from stapes.device.features import Quantization

    train_dir = str(trained_tones().train_dir)
    export = ["export", "--train_dir", train_dir, "--output_file", str(tmp_path / "m.tflite")]
    assert main(export) == 0
    assert "Note:" not in capsys.readouterr().out
    coarse = classmethod(lambda cls, low, high: cls(scale=high, zero_point=0))
    monkeypatch.setattr(Quantization, "of_range", coarse)
    assert main(export) == 0
    said = capsys.readouterr().out
    assert re.search(r"Test accuracy: float [\d.]+%, int8 .*: -\d+\.\d\d points \(N=", said)
    share, low, high, clips = map(
        float, re.search(r"int8 ([\d.]+)% \(.* ([\d.]+) to ([\d.]+)\).*N=(\d+)", said).groups()
    )
    bounds = binomial_interval(round(share * clips / 100), int(clips))
    assert (low, high) == pytest.approx([100 * bound for bound in bounds], abs=0.06)
    assert re.search(r"the noisiest layer is \w+ \([\d.-]+ dB\); train on with --quantize", said)


def test_the_tutorials_network_exports_too(tmp_path):
    import tflite_micro
    from tones import TRAIN_FLAGS

    trained = trained_tones()
    train = ["train", "--data_dir", str(trained.data_dir), "--train_dir", str(tmp_path)]
    network = ["--model_architecture", "low_latency_svdf", "--svdf_units", "16"]
    steps = ["--how_many_training_steps", "5"]
    assert main([*train, *TRAIN_FLAGS, *network, *steps]) == 0
    model = tmp_path / "m.tflite"
    assert main(["export", "--train_dir", str(tmp_path), "--output_file", str(model)]) == 0
    frames = np.random.default_rng(0).integers(-128, 128, (60, 20)).astype(np.int8)
    upstream = tflite_micro.runtime.Interpreter.from_file(str(model), arena_size=100_000)
    expected = []
    for frame in frames:
        upstream.set_input(frame[None], 0)
        upstream.invoke()
        expected.append(upstream.get_output(0)[0])
    np.testing.assert_array_equal(Engine.from_file(model).run(frames), expected)


def test_an_output_that_cannot_be_written_is_told_before_the_work(tmp_path, capsys):
    folders = ["--train_dir", str(trained_tones().train_dir), "--output_file", str(tmp_path)]
    assert main(["export", *folders]) == 2
    output = capsys.readouterr()
    assert "found a folder, expected a file to write" in output.err and output.out == ""


def test_the_model_is_not_written_over_its_checkpoint(tmp_path, capsys):
    checkpoint = tmp_path / "checkpoint.npz"
    checkpoint.write_bytes(b"weeks of training")
    assert main(["export", "--train_dir", str(tmp_path), "--output_file", str(checkpoint)]) == 2
    assert "found an input of this command" in capsys.readouterr().err
    assert checkpoint.read_bytes() == b"weeks of training"


def test_without_a_checkpoint_no_model_is_left(tmp_path, capsys):
    output = tmp_path / "m.tflite"
    assert main(["export", "--train_dir", str(tmp_path), "--output_file", str(output)]) == 2
    assert "checkpoint.npz: found no such file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_corpus_that_is_gone_leaves_no_model(tmp_path, capsys):
    output = tmp_path / "m.tflite"
    flags = ["--train_dir", str(trained_tones().train_dir), "--output_file", str(output)]
    assert main(["export", *flags, "--data_dir", str(tmp_path / "gone")]) == 2
    assert "gone: found no such folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert "stapes export --train_dir" in capsys.readouterr().out
