# SPDX-License-Identifier: Apache-2.0
"""`stapes verify`: equal inputs through Stapes, TFLM and LiteRT; it lists the bytes that differ."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from nn_models import Network

import stapes.evaluation.verify
from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.device.front_end import FrontEnd
from stapes.model.builder import ModelBuilder
from stapes.model.settings import FrontEndSettings
from window_model import window_model


def stateful_network() -> bytes:
    """A random model of SVDF, dense and softmax, whose outputs take many values."""
    made = Network(np.random.default_rng(49), (1, 7))
    made.svdf(5, 2, 3)
    made.fully_connected(3)
    made.softmax()
    return made.finish()


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "stateful.tflite"
    path.write_bytes(stateful_network())
    return path


@pytest.fixture
def speaking_model(tmp_path, small_model):
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return path


@pytest.fixture
def clips(tmp_path):
    rng = np.random.default_rng(2)
    for name, samples in (("yes/a.wav", 4000), ("no/b.wav", 8000), ("no/too_short.wav", 10)):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(-8000, 8000, samples).astype(np.int16)
        write_wav(path, noise, sample_rate=16000)
    return tmp_path / "clips"


@pytest.fixture
def replace_tflm(monkeypatch):
    """Puts a function from a stream's frames to outputs in TFLM's place."""

    def replace(run):
        runtime = dataclasses.replace(
            stapes.evaluation.verify.TFLM, start=lambda module, model: run
        )
        monkeypatch.setattr(stapes.evaluation.verify, "TFLM", runtime)

    return replace


@pytest.fixture
def missing(monkeypatch):
    """Makes a runtime look as if its packages were not installed."""

    def remove(name):
        runtime = getattr(stapes.evaluation.verify, name)
        gone = dataclasses.replace(runtime, module="no_such_module")
        monkeypatch.setattr(stapes.evaluation.verify, name, gone)

    return remove


def report_of(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def test_a_stateful_model_gives_the_same_bytes_in_tflm(model, capsys):
    assert main(["verify", str(model), "--frames", "50", "--json"]) == 0
    report = report_of(capsys)
    tflm, litert = report["runtimes"]
    assert report["equal"] is True
    assert report["frames"] == 50 + 5 + 8 and report["streams"] == 3
    assert tflm["version"].startswith("tflite-micro ") and tflm["differences"] == []
    assert tflm["compared_bytes"] == litert["compared_bytes"] == 3 * report["frames"]


def test_inputs_hold_the_extremes_and_follow_the_seed():
    first = stapes.evaluation.verify.random_streams(4, frames=9, seed=3, zero_point=5)
    again = stapes.evaluation.verify.random_streams(4, frames=9, seed=3, zero_point=5)
    other = stapes.evaluation.verify.random_streams(4, frames=9, seed=4, zero_point=5)
    assert [row[0] for row in first[0].frames.tolist()] == [-128, 127, 5, -128, 127]
    assert set(first[1].frames.ravel().tolist()) == {-128, 127}
    assert first[2].frames.shape == (9, 4) and first[2].frames.dtype == np.int8
    np.testing.assert_array_equal(first[2].frames, again[2].frames)
    assert (first[2].frames != other[2].frames).any()


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_inputs_of_other_integers_reach_their_extremes_too(dtype, tmp_path, capsys):
    build = ModelBuilder()
    zero_point = 3 if dtype == "uint8" else 0
    wide = build.tensor("in", shape=[1, 4], dtype=dtype, scale=0.25, zero_point=zero_point)
    values = build.tensor("out", shape=[1, 4], dtype="int8", scale=0.5, zero_point=3)
    build.operator("QUANTIZE", inputs=[wide], outputs=[values])
    path = tmp_path / "wide.tflite"
    path.write_bytes(build.build(inputs=[wide], outputs=[values]))
    assert main(["verify", str(path), "--json"]) == 0
    assert report_of(capsys)["equal"] is True
    extremes = stapes.evaluation.verify.random_streams(
        2, frames=1, seed=0, zero_point=0, dtype=dtype
    )[0]
    limits = np.iinfo(dtype)
    assert {limits.min, limits.max} <= set(extremes.frames.ravel().tolist())


def test_every_stream_starts_from_a_fresh_state(model):
    frames = np.random.default_rng(1).integers(-128, 128, (6, 7)).astype(np.int8)
    streams = [stapes.evaluation.verify.Stream(name=name, frames=frames) for name in "ab"]
    engine = stapes.evaluation.verify.Engine.from_file(model)
    outputs = stapes.evaluation.verify.stapes_outputs(engine, streams)
    np.testing.assert_array_equal(outputs[0], outputs[1])
    for runtime in (stapes.evaluation.verify.TFLM, stapes.evaluation.verify.LITERT):
        compared = stapes.evaluation.verify.compare(runtime, model.read_bytes(), streams, outputs)
        assert compared.failure == "", runtime.name
        first, again = (
            [
                (found.frame, found.index, found.other)
                for found in compared.differences
                if found.stream == name
            ]
            for name in "ab"
        )
        assert first == again, runtime.name
    assert (outputs[0] != engine.run(frames)).any(), "the model does not show its state"


def test_a_differing_byte_is_told_with_its_place_and_both_values(model, replace_tflm, capsys):
    engine = stapes.evaluation.verify.Engine.from_file(model)

    def run(frames):
        engine.reset()
        outputs = engine.run(frames)
        if len(frames) == 20:
            outputs[7, 2] ^= 1
        return outputs

    replace_tflm(run)
    assert main(["verify", str(model), "--frames", "20", "--json"]) == 1
    tflm = report_of(capsys)["runtimes"][0]
    (difference,) = tflm["differences"]
    assert (difference["stream"], difference["frame"], difference["index"]) == ("random", 7, 2)
    assert difference["stapes"] ^ 1 == difference["other"]
    assert (tflm["differing_bytes"], tflm["differing_frames"]) == (1, 1)
    assert tflm["largest_difference"] == 1

    assert main(["verify", str(model), "--frames", "20"]) == 1
    text = capsys.readouterr().out
    assert (
        f"random, inference 7, output 2: Stapes {difference['stapes']}, TFLM {difference['other']}"
    ) in text
    assert "do not agree" in text


def test_the_list_is_cut_where_asked_and_says_so(model, replace_tflm, capsys):
    engine = stapes.evaluation.verify.Engine.from_file(model)

    def run(frames):
        engine.reset()
        return engine.run(frames) ^ 1

    replace_tflm(run)
    assert main(["verify", str(model), "--frames", "1", "--show", "2"]) == 1
    assert f"and {14 * 3 - 2} more" in capsys.readouterr().out
    assert main(["verify", str(model), "--frames", "1", "--show", "0"]) == 1
    assert capsys.readouterr().out.count(", TFLM ") == 14 * 3


def test_differences_of_litert_alone_do_not_fail(model, monkeypatch, capsys):
    engine = stapes.evaluation.verify.Engine.from_file(model)
    runtime = dataclasses.replace(
        stapes.evaluation.verify.LITERT,
        start=lambda module, model: lambda frames: engine.run(frames) ^ 1,
    )
    monkeypatch.setattr(stapes.evaluation.verify, "LITERT", runtime)
    assert main(["verify", str(model), "--frames", "5"]) == 0
    text = capsys.readouterr().out
    assert "LiteRT differs:" in text and "agree in every byte" in text


def test_clips_go_through_the_models_own_front_end(speaking_model, clips):
    engine = stapes.evaluation.verify.Engine.from_file(speaking_model)
    streams = stapes.evaluation.verify.clip_streams(
        speaking_model.read_bytes(), engine, clips, frames=1000, seed=0, source="model"
    )
    # The third clip holds no whole frame.
    assert sorted(stream.name for stream in streams) == ["no/b.wav", "yes/a.wav"]
    front_end = FrontEnd(
        FrontEndSettings(), scale=engine.input_scale, zero_point=engine.input_zero_point
    )
    for stream in streams:
        front_end.reset()
        expected = front_end.process(read_wav(clips / stream.name))
        np.testing.assert_array_equal(stream.frames, expected)


def test_clips_become_windows_for_a_network_that_takes_them(clips, tmp_path, capsys):
    path = tmp_path / "window.tflite"
    path.write_bytes(window_model())
    assert main(["verify", str(path), "--clips", str(clips), "--json"]) == 0
    report = report_of(capsys)
    # Only the longer clip holds 20 frames; 24 frames are two windows at a stride of 3.
    assert (report["equal"], report["streams"], report["frames"]) == (True, 1, 2)


def test_clips_are_taken_until_there_are_enough_frames(speaking_model, clips, capsys):
    main(["verify", str(speaking_model), "--clips", str(clips), "--frames", "3", "--json"])
    report = report_of(capsys)
    assert (report["frames"], report["streams"]) == (3, 1)


def test_a_model_that_tflm_refuses_is_no_agreement(tmp_path, capsys):
    build = Network(np.random.default_rng(0), (1, 4))
    build.svdf(2, 1, 3)
    build.operators[0].inputs[3] = -1  # upstream wants a bias, Stapes does not
    path = tmp_path / "no_bias.tflite"
    path.write_bytes(build.finish())
    assert main(["verify", str(path), "--json"]) == 1
    report = report_of(capsys)
    assert report["equal"] is False and report["runtimes"][0]["failure"]


CRASHES = """
import faulthandler, os, signal, sys
from stapes.evaluation.verify import Runtime, compare

def crash(module, model):
    os.kill(os.getpid(), signal.SIGSEGV)

faulthandler.enable()
runtime = Runtime(name="crash", package="pytest", module="pytest", start=crash)
sys.exit(compare(runtime, b"", [], []).failure)
"""


def test_a_runtime_that_crashes_is_told_in_a_line_without_a_stack_trace():
    done = subprocess.run([sys.executable, "-c", CRASHES], capture_output=True, text=True)
    assert done.stderr == "its process ended with SIGSEGV\n"


def test_a_missing_runtime_is_said_plainly(model, missing, capsys):
    missing("TFLM")
    assert main(["verify", str(model), "--frames", "5"]) == 0
    text = capsys.readouterr().out
    assert "not installed (pip install tflite-micro)" in text
    assert "nothing was verified against it" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.tflite"], "cannot be read"),
        (["MODEL", "--frames", "0"], "expected 1 to 10000000"),
        (["MODEL", "--seed", "-1"], "--seed=-1: expected 0 to"),
        (["MODEL", "--show", "-1"], "--show=-1: expected 0 to"),
        (["MODEL", "--frames", "1" + "0" * 15], "--frames=1000000000000000: expected 1 to"),
        (["MODEL", "--clips", "CLIPS"], "without STAPES_SETTINGS"),
        (["SPEAKING", "--clips", "EMPTY"], "found 0 clips"),
        (["FLOAT"], "found float32 as input, expected integers"),
    ],
)
def test_mistakes_get_one_line(arguments, said, model, speaking_model, clips, tmp_path, capsys):
    build = ModelBuilder()
    reals = build.tensor("in", shape=[1, 4], dtype="float32")
    values = build.tensor("out", shape=[1, 4], dtype="int8", scale=0.5, zero_point=3)
    build.operator("QUANTIZE", inputs=[reals], outputs=[values])
    (tmp_path / "float.tflite").write_bytes(build.build(inputs=[reals], outputs=[values]))
    (tmp_path / "empty").mkdir()
    places = {
        "MODEL": model,
        "SPEAKING": speaking_model,
        "CLIPS": clips,
        "EMPTY": tmp_path / "empty",
        "FLOAT": tmp_path / "float.tflite",
    }
    assert main(["verify", *(str(places.get(word, word)) for word in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_without_any_runtime_there_is_nothing_to_compare_with(model, missing, capsys):
    missing("TFLM")
    missing("LITERT")
    assert main(["verify", str(model)]) == 2
    assert "neither TFLM nor LiteRT" in capsys.readouterr().err
