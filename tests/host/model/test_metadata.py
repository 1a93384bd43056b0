# SPDX-License-Identifier: Apache-2.0
"""Settings travel inside the model; a file without them is refused in one line."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from nn_models import Network, assert_same_bytes, int8_values

from stapes import _native
from stapes.device.engine import Engine
from stapes.errors import StapesError
from stapes.model.metadata import load_model, read_settings, settings_of, write_settings
from stapes.model.settings import FrontEndSettings, ModelSettings

SETTINGS = ModelSettings(
    name="test",
    labels=("_silence_", "_unknown_", "grün"),
    front_end=FrontEndSettings(sample_rate=8000, upper_edge_hertz=3800.0),
    provenance={"seed": 3, "accuracy": 0.5},
)


def model(seed: int = 0) -> bytes:
    network = Network(np.random.default_rng(seed), (1, 6))
    network.svdf(4, 2, 3)
    network.fully_connected(3)
    network.softmax()
    network.metadata("someone else's", b"kept")
    return network.finish()


def test_settings_come_back_as_they_were(tmp_path: Path):
    path = tmp_path / "model.tflite"
    path.write_bytes(write_settings(model(), SETTINGS))
    assert read_settings(path) == SETTINGS
    content, settings = load_model(path)
    assert content == path.read_bytes()
    assert settings == SETTINGS


def test_writing_settings_keeps_the_network_and_other_metadata():
    with_settings = write_settings(model(), SETTINGS)
    inputs = [int8_values(np.random.default_rng(1), (1, 6)) for _ in range(8)]
    expected = Engine.from_bytes(model()).run(np.concatenate(inputs))
    np.testing.assert_array_equal(
        Engine.from_bytes(with_settings).run(np.concatenate(inputs)), expected
    )
    assert_same_bytes(with_settings, inputs, what="with settings")
    assert _native.find_metadata(with_settings, "someone else's") == b"kept"


def test_new_settings_take_the_place_of_old_ones():
    first = write_settings(model(), SETTINGS)
    other = ModelSettings(name="other", labels=("a", "b"))
    assert write_settings(write_settings(first, other), SETTINGS) == first


def test_reading_settings_needs_neither_tensorflow_nor_the_schema(tmp_path: Path):
    path = tmp_path / "model.tflite"
    path.write_bytes(write_settings(model(), SETTINGS))
    code = (
        "import sys; from stapes.model.metadata import read_settings; "
        f"print(read_settings({str(path)!r}).name); "
        "print(*(m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'ai_edge_litert')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["test", ""]


def nested(levels: int) -> dict:
    return {"more": nested(levels - 1)} if levels else {}


@pytest.mark.parametrize(
    ("provenance", "said"),
    [
        (nested(18), "settings inside settings, more than 12 levels deep; do not trust this file"),
        (nested(200), "settings inside settings, more than 12 levels deep"),
        ({"note": "x" * 60_000_000}, "settings of 60,000,"),
        (dict.fromkeys(map(str, range(100_000)), "x"), "bytes, expected at most 1,048,576"),
    ],
    ids=["18 levels", "200 levels", "60 MB", "100,000 keys"],
)
def test_deep_or_huge_provenance_is_refused_at_once(provenance, said, tmp_path: Path, monkeypatch):
    path = tmp_path / "hostile.tflite"
    settings = dataclasses.replace(SETTINGS, provenance=provenance)
    with monkeypatch.context() as patch:
        patch.setattr(ModelSettings, "from_json", lambda text, *, source: settings)
        path.write_bytes(write_settings(model(), settings))
    started = time.process_time()
    with pytest.raises(StapesError, match="hostile") as caught:
        read_settings(path)
    assert said in str(caught.value)
    assert time.process_time() - started < 2
    with pytest.raises(StapesError):  # nor is it written
        write_settings(model(), settings)


def test_settings_as_deep_and_large_as_real_ones_are_read(tmp_path: Path):
    settings = dataclasses.replace(SETTINGS, provenance=nested(10) | {"note": "x" * 900_000})
    assert settings_of(write_settings(model(), settings), source="model") == settings


def test_a_git_lfs_pointer_is_named_as_one(tmp_path: Path):
    path = tmp_path / "model.tflite"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    with pytest.raises(
        StapesError, match=r"found a Git LFS pointer, .*expected a \.tflite model; "
    ):
        read_settings(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "not a .tflite file"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "not a .tflite file"),
        (model(), "without STAPES_SETTINGS metadata"),
        (write_settings(model(), SETTINGS)[:700], "damaged or cut short"),
    ],
)
def test_other_files_are_refused_by_name(content: bytes, found: str, tmp_path: Path):
    path = tmp_path / "wrong.tflite"
    path.write_bytes(content)
    with pytest.raises(StapesError) as caught:
        read_settings(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert found in message
    assert "expected" in message and "stapes export" not in message
    assert "\n" not in message


def test_a_file_cut_short_anywhere_is_refused_or_whole(tmp_path: Path):
    whole = write_settings(model(), SETTINGS)
    path = tmp_path / "cut.tflite"
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(StapesError):
            read_settings(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path):
    with pytest.raises(StapesError, match=r"missing\.tflite: cannot be read"):
        read_settings(tmp_path / "missing.tflite")


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        ("front_end", "window_size_ms", 1e308),
        ("front_end", "window_size_ms", 10**400),
        ("front_end", "window_stride_ms", 1e9),
        ("front_end", "window_stride_ms", 9000),
        (None, "clip_duration_ms", -5),
        (None, "clip_duration_ms", 60001),
        (None, "labels", ["_silence_", "\ud800"]),
        (None, "name", "\ud800x"),
        (None, "name", "two\nlines"),
        (None, "provenance", {"command": "\udfff"}),
    ],
)
def test_hostile_settings_are_refused_by_name(where, name, value):
    document = json.loads(SETTINGS.to_json())
    (document[where] if where else document)[name] = value
    with pytest.raises(StapesError, match=r"^hostile: settings (are not JSON|do not fit)"):
        ModelSettings.from_json(json.dumps(document), source="hostile")


def test_settings_nested_without_end_are_refused():
    with pytest.raises(StapesError, match=r"^deep: settings are not JSON"):
        ModelSettings.from_json("[" * 100_000, source="deep")


def test_settings_are_not_written_into_what_no_engine_looks_at_but_is_damaged():
    whole = write_settings(model(), SETTINGS)
    name = whole.index(b"\x05\0\0\0state\0")  # of a tensor
    here = next(
        n for n in range(0, name, 4) if n + int.from_bytes(whole[n : n + 4], "little") == name
    )
    damaged = whole[:here] + b"\xff\xff\xff\x7f" + whole[here + 4 :]
    Engine.from_bytes(damaged)
    with pytest.raises(StapesError, match=r"^m\.tflite: damaged or cut short"):
        write_settings(damaged, SETTINGS, source="m.tflite")
