# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware training: the simulation equals the export, and gradients pass."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from test_quantize import CASES, EVERY_SECOND_FRAME, INPUT, SETTINGS, exported, windows
from tones import TRAIN_FLAGS, write_tones

from stapes.audio.wav import write_wav
from stapes.cli.main import main
from stapes.device.engine import Engine
from stapes.export.report import layer_errors, table
from stapes.networks.backend import tf
from stapes.networks.options import ARCHITECTURES, ModelOptions
from stapes.quantize.calibration import calibrate
from stapes.quantize.graph import build_part, quantize_svdf, quantize_weights
from stapes.quantize.layers import SvdfLayer, plain_layers, with_arrays
from stapes.quantize.simulate import (
    SimulatedInt8,
    ranges_from_arrays,
    ranges_to_arrays,
    with_rounded_svdf,
    with_rounded_weights,
)
from stapes.training.checkpoint import BEST_FILE_NAME, FILE_NAME, Checkpoint


def prepared(architecture, options):
    """A model, its plain layers, their ranges, and stored features."""
    model, _, stored = exported(architecture, options)
    layers = plain_layers(model)
    return model, layers, calibrate(layers, INPUT.real(stored)), stored


@pytest.mark.parametrize(("architecture", "options"), CASES)
def test_the_simulation_computes_what_the_engine_computes(architecture, options):
    model, layers, ranges, stored = prepared(architecture, options)
    simulated = SimulatedInt8(model, ranges, input_scale=INPUT.scale)
    content, output = build_part(layers, ranges, SETTINGS, INPUT)
    engine = Engine.from_bytes(content)
    found = []
    for clip in stored[:20]:
        engine.reset()
        found.append(engine.run(windows(clip, engine, options))[-1].astype(float))
    logits = simulated(INPUT.real(stored[:20])).numpy()
    steps = np.abs(logits / output.scale + output.zero_point - np.array(found))
    exact = model(INPUT.real(stored[:20]), training=False).numpy()
    float_steps = np.abs(exact / output.scale + output.zero_point - np.array(found))
    # Later layers differ by a step where a value lies on the border of two steps.
    assert steps.max() <= 3 and steps.mean() < 0.35
    assert steps.mean() < float_steps.mean() / 2  # float differs from int8 by more


@pytest.mark.parametrize("architecture", ["conv", "ds_cnn", "single_fc"])
def test_simulated_weights_lie_on_the_exporters_steps(architecture):
    _, layers, _, _ = prepared(architecture, ModelOptions())
    for layer in (layer for layer in layers if hasattr(layer, "weights")):
        stored, _, scales = quantize_weights(layer, np.float32(0.1))
        tensors = with_arrays(layer, lambda array: tf.constant(array, tf.float32))
        found = with_rounded_weights(tensors, 0.1).weights.numpy()
        channels = -1 if layer.weights.shape[0] == 1 else 0
        shape = [1] * found.ndim
        shape[channels] = -1
        expected = stored * (scales.reshape(shape) if scales.ndim else scales)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_simulated_svdf_weights_lie_on_the_exporters_steps():
    _, layers, ranges, _ = prepared("svdf", ModelOptions(svdf_units=(9, 7), svdf_rank=2))
    for layer, seen in zip(layers, ranges, strict=True):
        if not isinstance(layer, SvdfLayer):
            continue
        parts = quantize_svdf(layer, seen.state)
        tensors = with_arrays(layer, lambda array: tf.constant(array, tf.float32))
        found, largest, state_scale = with_rounded_svdf(tensors, tf.constant(seen.state))
        gain = largest.numpy()[:, None]
        np.testing.assert_allclose(found.feature, parts.feature / 127 * gain, rtol=1e-4, atol=1e-6)
        time = parts.time * np.float64(parts.time_scale) / gain
        np.testing.assert_allclose(found.time, time, atol=2 * parts.time_scale / gain.min())
        assert float(state_scale) == pytest.approx(float(parts.state_scale), rel=1e-5)


@pytest.mark.parametrize("architecture", ["residual_svdf", "ds_cnn"])
def test_gradients_reach_every_weight_as_if_nothing_were_rounded(architecture):
    options = ModelOptions(svdf_units=(16, 12, 16), dropout=0.0)
    model, _, ranges, stored = prepared(architecture, options)
    wide = [dataclasses.replace(entry, low=2 * entry.low, high=2 * entry.high) for entry in ranges]
    simulated = SimulatedInt8(model, wide, input_scale=INPUT.scale)
    features = INPUT.real(stored[:20])
    variables = model.trainable_variables

    def gradients(network):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(features, training=False)))
        return np.concatenate([g.numpy().ravel() for g in tape.gradient(loss, variables)])

    exact, found = gradients(model), gradients(simulated)
    cosine = exact @ found / (np.linalg.norm(exact) * np.linalg.norm(found))
    assert cosine > 0.98


def test_ranges_follow_the_batches_in_training_only():
    model, _, ranges, stored = prepared("svdf", ModelOptions(svdf_units=(8, 8)))
    simulated = SimulatedInt8(model, ranges, input_scale=INPUT.scale)
    louder = 2 * INPUT.real(stored)
    simulated(louder)
    before = simulated.ranges
    assert [entry.high for entry in before] == pytest.approx([entry.high for entry in ranges])
    for _ in range(60):
        simulated(louder, training=True)
    after = simulated.ranges[0]
    (exact, *_) = calibrate(plain_layers(model), louder)
    assert after.high > 1.2 * before[0].high
    np.testing.assert_allclose(after.state, exact.state, rtol=0.1)


def test_the_range_of_the_logits_follows_what_scores_show():
    model, _, ranges, stored = prepared("single_fc", ModelOptions())
    features = INPUT.real(stored)
    bias = model.layers[-1].bias
    bias.assign(bias - [0.0, 60.0, 0.0, 0.0])
    simulated = SimulatedInt8(model, ranges, input_scale=INPUT.scale)
    for _ in range(100):
        simulated(features, training=True)
    logits = model(features, training=False).numpy()
    assert logits.min() < -50
    assert simulated.ranges[-1].low == pytest.approx(logits.max(axis=1).min() - 8, abs=1)


def test_ranges_come_back_from_their_arrays():
    _, _, ranges, _ = prepared("svdf", ModelOptions(svdf_units=(8, 8)))
    again = ranges_from_arrays(ranges_to_arrays(ranges))
    for one, other in zip(ranges, again, strict=True):
        assert (other.low, other.high) == pytest.approx((one.low, one.high))
        np.testing.assert_array_equal(one.state, other.state)


@pytest.mark.parametrize(
    ("architecture", "operators"),
    [
        ("residual_svdf", ["SVDF", "FULLY_CONNECTED", "SVDF", "FULLY_CONNECTED", "ADD", "SVDF"]),
        ("tiny_conv", ["CONV_2D"]),
    ],
)
def test_the_report_tells_what_each_layer_loses(architecture, operators):
    _, layers, ranges, stored = prepared(architecture, ModelOptions(svdf_units=(16, 12, 16)))
    errors = layer_errors(layers, ranges, SETTINGS, stored, INPUT)
    assert [error.operator for error in errors] == [*operators, "FULLY_CONNECTED"]
    assert all(25 < error.sqnr_db < 60 and error.beyond < 0.01 for error in errors)
    # If a range cuts off outputs of the first layer, this layer shows it, and so do all later ones.
    low, high = ranges[0].low, ranges[0].high
    if architecture == "tiny_conv":  # after the reshaping
        low, high = ranges[1].low, ranges[1].high
    place = 1 if architecture == "tiny_conv" else 0
    cut = [*ranges]
    cut[place] = dataclasses.replace(ranges[place], low=low / 4, high=high / 4)
    worse = layer_errors(layers, cut, SETTINGS, stored, INPUT)
    assert worse[0].beyond > 0.02 and worse[0].sqnr_db < errors[0].sqnr_db - 10
    assert all(b.sqnr_db < a.sqnr_db - 5 for a, b in zip(errors, worse, strict=True))
    # The range may cut off low logits, which no score shows, but not high ones.
    low = [*ranges[:-1], dataclasses.replace(ranges[-1], low=ranges[-1].low / 2)]
    high = [*ranges[:-1], dataclasses.replace(ranges[-1], high=ranges[-1].high / 2)]
    assert layer_errors(layers, low, SETTINGS, stored, INPUT)[-1].sqnr_db > 30
    assert layer_errors(layers, high, SETTINGS, stored, INPUT)[-1].sqnr_db < 25
    assert f"{errors[0].name} " in table(errors) and f"{errors[0].sqnr_db:.1f}" in table(errors)


def test_the_report_hears_a_network_at_the_frames_at_which_it_runs():
    _, layers, ranges, stored = prepared("broadcast_svdf", EVERY_SECOND_FRAME)
    errors = layer_errors(layers, ranges, SETTINGS, stored, INPUT)
    assert all(25 < error.sqnr_db < 60 for error in errors)


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones") / "data", clips=24)


def train(data, folder, *flags):
    small = [*TRAIN_FLAGS, "--svdf_units", "6,6,6", "--batch_size", "16"]
    folders = ["--data_dir", str(data), "--train_dir", str(folder)]
    return main(["train", *folders, *small, *flags])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_goes_all_the_way(architecture, tones, tmp_path, capsys):
    """From `stapes train --quantize` to a replay."""
    flags = ["--model_architecture", architecture, "--quantize", "--quantize_delay", "0"]
    if architecture == "low_latency_svdf":
        flags += ["--svdf_units", "6"]
    if architecture == "broadcast_svdf":
        flags += ["--conv_stride", "2"]
    steps = ["--how_many_training_steps", "1"]
    assert train(tones, tmp_path / "train", *flags, *steps) == 0
    assert "from here on int8 is simulated" in capsys.readouterr().out
    model = tmp_path / "m.tflite"
    export = ["export", "--train_dir", str(tmp_path / "train"), "--output_file", str(model)]
    assert main([*export, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["layers"][-1]["name"] == "final_fc"
    assert main(["evaluate", str(model), "--data_dir", str(tones), "--json"]) == 0
    accuracy = json.loads(capsys.readouterr().out)["int8_accuracy"]
    assert accuracy == pytest.approx(report["int8_accuracy"])
    wav = tmp_path / "a.wav"
    noise = np.random.default_rng(0).integers(-9000, 9000, 12000).astype(np.int16)
    write_wav(wav, noise, sample_rate=8000)
    assert main(["replay", "--model", str(model), str(wav)]) == 0
    assert main(["info", str(model), "--json"]) == 0
    info = json.loads(capsys.readouterr().out.splitlines()[-1])
    window, stride = {"broadcast_svdf": (5, 2)}.get(
        architecture, (1, 1) if "svdf" in architecture else (49, 5)
    )
    assert (info["window_frames"], info["clip_stride_frames"]) == (window, stride)
    assert info["window_bytes"] == (0 if window == 1 else window * 20)


def test_training_goes_on_from_a_float_checkpoint_and_after_a_stop(tones, tmp_path, capsys):
    assert train(tones, tmp_path / "float", "--how_many_training_steps", "4") == 0
    assert not Checkpoint.load(tmp_path / "float" / FILE_NAME).ranges
    flags = ["--quantize", "--how_many_training_steps", "4,2", "--learning_rate", "0.01,0.001"]
    start = ["--start_checkpoint", str(tmp_path / "float" / FILE_NAME)]
    capsys.readouterr()
    assert train(tones, tmp_path / "int8", *flags, *start) == 0
    assert "Step #5: from here on int8 is simulated" in capsys.readouterr().out
    whole = Checkpoint.load(tmp_path / "int8" / FILE_NAME)
    # The same in two parts: the second starts with the ranges of the first.
    shorter = ["4,1" if flag == "4,2" else flag for flag in flags]
    assert train(tones, tmp_path / "parts", *shorter, *start) == 0
    capsys.readouterr()
    assert train(tones, tmp_path / "parts", *flags) == 0
    assert "from here on" not in capsys.readouterr().out
    parts = Checkpoint.load(tmp_path / "parts" / FILE_NAME)
    for name in ("model", "ranges"):
        for one, other in zip(getattr(whole, name), getattr(parts, name), strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)


def test_the_best_checkpoint_is_one_of_the_int8_network(tones, tmp_path):
    start = ["--how_many_training_steps", "3", "--eval_step_interval", "1"]
    assert train(tones, tmp_path / "train", *start, "--quantize", "--quantize_delay", "2") == 0
    history = Checkpoint.load(tmp_path / "train" / FILE_NAME).history
    assert [point.step for point in history.validation] == [1, 2, 3]
    assert history.best().step == 3  # the only validation in int8
    assert Checkpoint.load(tmp_path / "train" / BEST_FILE_NAME).ranges


def test_a_delay_that_leaves_no_step_is_refused(tones, tmp_path, capsys):
    flags = ["--quantize", "--quantize_delay", "4", "--how_many_training_steps", "4"]
    assert train(tones, tmp_path / "train", *flags) == 2
    assert "--quantize_delay=4: expected fewer than the 4 steps" in capsys.readouterr().err


def test_layers_that_cannot_be_exported_are_told_before_training(
    tones, tmp_path, monkeypatch, capsys
):
    (tmp_path / "memory_models.py").write_text(
        "import keras\n"
        "def lstm(shape, options):\n"
        "    source = keras.Input((shape.frames, shape.features))\n"
        "    values = keras.layers.LSTM(4, name='memory')(source)\n"
        "    return keras.Model(source, keras.layers.Dense(shape.labels)(values))\n"
    )
    monkeypatch.chdir(tmp_path)
    flags = ["--model_architecture", "memory_models:lstm", "--how_many_training_steps", "1"]
    assert train(tones, tmp_path / "train", *flags, "--quantize") == 2
    said = capsys.readouterr()
    assert "layer 'memory': found a LSTM, expected layers of docs/" in said.err
    assert "Step #" not in said.out
    assert train(tones, tmp_path / "train", *flags) == 0
    said = capsys.readouterr().out
    assert said.index("Note: layer 'memory': found a LSTM") < said.index("Step #1")
