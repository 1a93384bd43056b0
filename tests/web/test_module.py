# SPDX-License-Identifier: Apache-2.0
"""The firmware as WebAssembly computes what the firmware computes, bit for bit."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stapes.audio.wav import read_wav
from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline
from stapes.device.wake import WakeStage
from stapes.model.metadata import settings_of, write_settings
from stapes.model.settings import (
    DecoderSettings,
    FrontEndSettings,
    GateSettings,
    ModelSettings,
    PcenSettings,
    WakeSettings,
)
from stapes.page.page_model import read_page_model
from stapes.page.site import wasm_modules
from wake_word import WAKE, WAKE_SEED, WOKEN, WOKEN_SCALE, loud_and_soft
from window_model import window_model

ROOT = Path(__file__).parents[2]
CLIP_SAMPLES = 16000
CLIPS = 200
LABELS = ("_silence_", "_unknown_", "yes", "no")
SHIPPED = sorted(path.parent.name for path in ROOT.glob("models/*/model.tflite"))
VARIANTS = ("simd", "plain")


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    """int16 [CLIPS, CLIP_SAMPLES]: speech where there is some, else chirps in noise; the loudest
    clip, silence and clipping are always among them."""
    random = np.random.default_rng(0)
    time = np.arange(CLIP_SAMPLES) / 16000
    made = []
    for gain in np.geomspace(1, 60000, CLIPS):
        chirp = np.sin(2 * np.pi * (100 + 3000 * random.random() * time) * time)
        made.append(gain * (chirp + random.normal(0, 0.3, CLIP_SAMPLES)))
    for place, path in enumerate(_some_speech()):
        samples = read_wav(path)[:CLIP_SAMPLES]
        made[place] = np.pad(samples, (0, CLIP_SAMPLES - len(samples)))
    made[-1] = np.zeros(CLIP_SAMPLES)
    made[-2] = np.where(time % 0.01 < 0.005, 32767, -32768)
    return np.clip(np.rint(made), -32768, 32767).astype(np.int16)


def _some_speech() -> list[Path]:
    corpus = os.environ.get("STAPES_CORPUS")
    found = sorted(Path(corpus).glob("*/*.wav")) if corpus else []
    return found[:: max(1, len(found) // (CLIPS - 20))][: CLIPS - 20]


def run_module(folder: Path, variant: str, model: Path, samples: np.ndarray, *, clip: int):
    """What the module makes of the samples, in pieces of `clip`: a record array."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    settings = Pipeline.from_file(model).settings
    record = np.dtype(
        [
            ("time_ms", "<i4"),
            ("label", "<i4"),
            ("score_q16", "<i4"),
            ("scores", "i1", (len(settings.labels),)),
            ("input", "i1", (settings.input_size,)),
        ]
    )
    samples.tofile(folder / "samples.pcm")
    (folder / "page.model").write_bytes(read_page_model(model))
    names = (wasm_modules()[variant], folder / "page.model", folder / "samples.pcm", clip)
    command = ["node", ROOT / "tests/web/run_model.mjs", *names, folder / "out"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.fromfile(folder / "out", record)


def expect_equal(found: np.ndarray, model: Path, samples: np.ndarray, *, clip: int) -> int:
    """Compares with the firmware in this process; returns how many detections there were."""
    pipeline, detections = Pipeline.from_file(model), 0
    labels = (*pipeline.settings.labels,)
    for start in range(0, len(samples), clip):
        pipeline.reset()
        trace = pipeline.process(samples[start : start + clip])
        here, found = found[: len(trace.scores)], found[len(trace.scores) :]
        np.testing.assert_array_equal(here["time_ms"], trace.times_ms)
        np.testing.assert_array_equal(here["input"], trace.inputs)
        np.testing.assert_array_equal(here["scores"], trace.scores)
        heard = [
            (int(row["time_ms"]), labels[row["label"]], int(row["score_q16"]))
            for row in here
            if row["label"] >= 0
        ]
        assert heard == [(d.time_ms, d.label, d.score_q16) for d in trace.detections]
        detections += len(heard)
    assert len(found) == 0
    return detections


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", SHIPPED)
def test_clips_give_the_same_bits(tmp_path, clips, name, variant):
    model, samples = ROOT / "models" / name / "model.tflite", clips.ravel()
    found = run_module(tmp_path, variant, model, samples, clip=CLIP_SAMPLES)
    expect_equal(found, model, samples, clip=CLIP_SAMPLES)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stream_gives_the_same_bits_and_detections(tmp_path, clips, small_model, variant):
    """Detections by all three kinds of settings: thresholds of labels, streaming, retrigger."""
    decoder = DecoderSettings(
        average_window_duration_ms=300,
        detection_threshold=0.3,
        suppression_ms=100,
        mode="streaming",
        retrigger=True,
        label_thresholds={"yes": 0.4, "_unknown_": 0.35},
    )
    settings = ModelSettings(name="small", labels=LABELS, decoder=decoder)
    model = tmp_path / "small.tflite"
    model.write_bytes(small_model(settings))
    samples = clips.ravel()
    found = run_module(tmp_path, variant, model, samples, clip=len(samples))
    assert expect_equal(found, model, samples, clip=len(samples)) > 10


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("front_end", "memory"),
    [
        (FrontEndSettings(dct_coefficient_count=13), 9),
        (FrontEndSettings(channel_count=17, dct_coefficient_count=0), 12),
        (FrontEndSettings(channel_count=32, dct_coefficient_count=0, pcen=PcenSettings()), 10),
        (FrontEndSettings(sample_rate=8000, window_size_ms=25, window_stride_ms=12.5), 1),
        (FrontEndSettings(sample_rate=44100, channel_count=23, dct_coefficient_count=0), 21),
    ],
    ids=["mfcc", "odd", "pcen", "8kHz", "44kHz"],
)
def test_any_front_end_and_sizes_that_fill_no_vector(
    tmp_path, clips, small_model, front_end, memory, variant
):
    model = tmp_path / "small.tflite"
    settings = ModelSettings(name="small", labels=LABELS, front_end=front_end)
    model.write_bytes(small_model(settings, memory=memory))
    samples = clips[::7].ravel()
    found = run_module(tmp_path, variant, model, samples, clip=len(samples))
    expect_equal(found, model, samples, clip=len(samples))


@pytest.mark.parametrize("variant", VARIANTS)
def test_networks_that_see_windows_of_frames(tmp_path, clips, variant):
    model, samples = tmp_path / "window.tflite", clips[:20].ravel()
    model.write_bytes(window_model())
    found = run_module(tmp_path, variant, model, samples, clip=12345)
    expect_equal(found, model, samples, clip=12345)


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_models_of_which_one_wakes_the_other_give_the_same_bits(tmp_path, small_model, variant):
    """In the order of the firmware: what the model heard, then the word that wakes it."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    names = {"model": small_model(WOKEN, input_scale=WOKEN_SCALE),
             "wake": small_model(WAKE, seed=WAKE_SEED)}  # fmt: skip
    for name, content in names.items():
        (tmp_path / f"{name}.tflite").write_bytes(content)
        (tmp_path / name).write_bytes(read_page_model(tmp_path / f"{name}.tflite"))
    samples = loud_and_soft(4)
    samples.tofile(tmp_path / "samples.pcm")
    models = (tmp_path / "model", tmp_path / "wake", 300, tmp_path / "samples.pcm", 1777)
    command = ["node", ROOT / "tests/web/run_wake.mjs", wasm_modules()[variant], *models]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *found, end = [json.loads(line) for line in done.stdout.splitlines()]
    wake_word, model = (
        ModelBundle.from_file(tmp_path / f"{name}.tflite") for name in ("wake", "model")
    )
    trace = WakeStage(wake_word, model, WakeSettings(awake_seconds=0.3)).process(samples)
    for of_wake_word, expected in ((True, trace.wake_word), (False, trace.model)):
        rows = [
            row for row in found if row["kind"] == "scores" and row["ofWakeWord"] == of_wake_word
        ]
        np.testing.assert_array_equal([row["timeMs"] for row in rows], expected.times_ms)
        np.testing.assert_array_equal([row["scores"] for row in rows], expected.scores)
        np.testing.assert_array_equal([row["input"] for row in rows], expected.inputs)
    for kind, times in (("woken", trace.woken_ms), ("asleep", trace.asleep_ms)):
        assert [row["timeMs"] for row in found if row["kind"] == kind] == times != []
    heard = [row["detection"] for row in found if row["detection"] is not None]
    assert [
        (entry["timeMs"], entry["label"], entry["score"] * 65536, entry["ofWakeWord"])
        for entry in sorted(heard, key=lambda entry: (entry["timeMs"], entry["ofWakeWord"]))
    ] == [
        (entry.time_ms, entry.label, entry.score_q16, entry.of_wake_word)
        for entry in trace.detections
    ]
    assert {entry["ofWakeWord"] for entry in heard} == {True, False}
    assert end == {"awake": len(trace.woken_ms) > 0 and trace.woken_ms[-1] + 300 > 4000}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("runs_at_once", [2, 9])
def test_the_silence_gate_of_a_model_skips_the_same_frames(
    tmp_path, small_model, runs_at_once, variant
):
    gate = GateSettings(replay_inferences=9, hold_ms=400, onset_ms=60, runs_at_once=runs_at_once)
    model = tmp_path / "gated.tflite"
    model.write_bytes(small_model(ModelSettings(name="gated", labels=LABELS, gate=gate)))
    loudness = np.repeat([5, 9000, 5, 5, 9000, 5], 12_345)
    noise = np.random.default_rng(8).normal(0, 1, loudness.size)
    samples = (noise * loudness / 3).astype(np.int16)
    found = run_module(tmp_path, variant, model, samples, clip=len(samples))
    skipped = np.all(found["scores"] == [127, -128, -128, -128], axis=1)
    assert 50 < skipped.sum() < len(found) - 50
    expect_equal(found, model, samples, clip=len(samples))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_gate_of_a_network_that_sees_windows(tmp_path, clips, variant):
    model, samples = tmp_path / "window.tflite", clips[:20].ravel()
    content = window_model()
    settings = settings_of(content, source="window")
    gated = replace(settings, gate=GateSettings(hold_ms=200, onset_ms=60))
    model.write_bytes(write_settings(content, gated))
    found = run_module(tmp_path, variant, model, samples, clip=len(samples))
    expect_equal(found, model, samples, clip=len(samples))


def test_a_module_is_small():
    for path in wasm_modules().values():
        assert path.stat().st_size <= 120 * 1024
