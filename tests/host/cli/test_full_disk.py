# SPDX-License-Identifier: Apache-2.0
"""A full disk: the error names the file, and no half-written file is left."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from disk import room_for
from tones import TRAIN_FLAGS, trained_tones

from stapes.cli.main import main


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_train_names_the_checkpoint(tmp_path, capsys):
    trained = trained_tones()
    folders = ["--data_dir", str(trained.data_dir), "--train_dir", str(tmp_path / "new")]
    capsys.readouterr()
    with room_for(500):
        assert main(["train", *folders, *TRAIN_FLAGS, "--how_many_training_steps", "2"]) == 2
    error = capsys.readouterr().err
    assert f"{tmp_path}/new/best.npz: cannot be written (File too large)" in error
    assert error.count("\n") == 1
    assert left(tmp_path) == []


def test_export_names_the_model_and_keeps_the_old_one(tmp_path, capsys):
    model = tmp_path / "a.tflite"
    model.write_bytes(b"old")
    words = ["export", "--train_dir", str(trained_tones().train_dir), "--output_file", str(model)]
    capsys.readouterr()
    with room_for(500):
        assert main(words) == 2
    assert f"{model}: cannot be written (File too large)" in capsys.readouterr().err
    assert model.read_bytes() == b"old" and left(tmp_path) == ["a.tflite"]


@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "output file"])
def test_tune_names_the_model_and_keeps_the_old_one(tmp_path, in_place, capsys):
    model = tmp_path / "a.tflite"
    model.write_bytes(trained_tones().model.read_bytes())
    size = 60 * 8000 * 2
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    header = b"RIFF" + struct.pack("<I", size + 36) + b"WAVE" + form
    (tmp_path / "a.wav").write_bytes(header + b"data" + struct.pack("<I", size) + bytes(size))
    (tmp_path / "a.txt").write_text("up, 1000\n")
    words = ["--wav", str(tmp_path / "a.wav"), "--labels", str(tmp_path / "a.txt")]
    target = ["--in_place"] if in_place else ["--output_file", str(tmp_path / "b.tflite")]
    capsys.readouterr()
    with room_for(500):
        assert main(["tune", str(model), *words, *target]) == 2
    name = "a" if in_place else "b"
    assert f"{name}.tflite: cannot be written (File too large)" in capsys.readouterr().err
    assert model.read_bytes() == trained_tones().model.read_bytes()
    assert left(tmp_path) == ["a.tflite", "a.txt", "a.wav"]
