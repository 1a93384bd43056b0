# SPDX-License-Identifier: Apache-2.0
"""`stapes label_wav` and `label_wav_dir`: the tutorial's words, scored by the firmware's code."""

from __future__ import annotations

import contextlib
import re
import shutil

import numpy as np
import pytest
from tones import SAMPLE_RATE, trained_tones

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.device.pipeline import Pipeline

LINE = re.compile(r"(\S+) \(score = (\d\.\d{5})\)")


def label(*arguments: str, capsys) -> list[tuple[str, str]]:
    assert main(["label_wav", "--graph", str(trained_tones().model), *arguments]) == 0
    return LINE.findall(capsys.readouterr().out)


def test_the_scores_are_those_of_the_pipeline_after_the_last_frame(capsys):
    trained = trained_tones()
    clip = trained.data_dir / "up" / "0003_nohash_0.wav"
    capsys.readouterr()
    lines = label("--wav", str(clip), "--how_many_labels", "4", capsys=capsys)
    pipeline = Pipeline.from_file(trained.model)
    last = pipeline.process(read_wav(clip)).scores[-1]
    expected = {
        name: (int(score) + 128) / 256
        for name, score in zip(pipeline.settings.labels, last, strict=True)
    }
    assert {name: float(score) for name, score in lines} == pytest.approx(expected, abs=1e-5)
    scores = [float(score) for _, score in lines]
    assert scores == sorted(scores, reverse=True)
    assert lines[0][0] == "up"


def test_three_labels_are_printed_by_default_and_names_can_be_given(tmp_path, capsys):
    (tmp_path / "names.txt").write_text("quiet\nother\nrise\nfall\n")
    clip = str(trained_tones().data_dir / "down" / "0003_nohash_0.wav")
    capsys.readouterr()
    lines = label("--wav", clip, "--labels", str(tmp_path / "names.txt"), capsys=capsys)
    assert len(lines) == 3 and lines[0][0] == "fall"


def test_a_folder_is_labelled_file_by_file(tmp_path, capsys):
    trained = trained_tones()
    for word in ("up", "down"):
        shutil.copy(trained.data_dir / word / "0003_nohash_0.wav", tmp_path / f"{word}.wav")
    (tmp_path / "notes.txt").write_text("no recording")
    capsys.readouterr()
    arguments = ["label_wav_dir", "--model", str(trained.model), "--wav-dir", str(tmp_path)]
    assert main([*arguments, "--how_many_labels", "1"]) == 0
    words = capsys.readouterr().out.split("\n\n")
    assert [block.split()[:2] for block in words] == [["down.wav", "down"], ["up.wav", "up"]]


def test_a_short_recording_is_filled_up_and_with_first_a_long_one_cut(tmp_path, capsys):
    clip = read_wav(trained_tones().data_dir / "up" / "0003_nohash_0.wav")
    capsys.readouterr()
    lengths = {"short": clip[:6000], "filled": np.pad(clip[:6000], (0, 2000))}
    lengths |= {"long": np.concatenate([clip, 0 * clip]), "whole": clip}
    found = {}
    for name, samples in lengths.items():
        write_wav(tmp_path / name, samples, sample_rate=SAMPLE_RATE)
        found[name] = label("--wav", str(tmp_path / name), "--first", capsys=capsys)
    assert found["short"] == found["filled"] and found["long"] == found["whole"]


@pytest.mark.parametrize("at_seconds", [0, 1.5, 3])
def test_of_a_long_recording_the_part_with_the_word_is_taken(tmp_path, capsys, at_seconds):
    clip = read_wav(trained_tones().data_dir / "down" / "0003_nohash_0.wav")
    samples = np.random.default_rng(3).normal(0, 20, 4 * SAMPLE_RATE).astype(np.int16)
    start = int(at_seconds * SAMPLE_RATE)
    samples[start : start + len(clip)] = clip
    write_wav(tmp_path / "a.wav", samples, sample_rate=SAMPLE_RATE)
    capsys.readouterr()
    for command in (["label_wav", "--wav", "a.wav"], ["label_wav_dir", "--wav_dir", "."]):
        with contextlib.chdir(tmp_path):
            assert main([*command, "--graph", str(trained_tones().model)]) == 0
        first, *others = capsys.readouterr().out.strip().removeprefix("a.wav\n").split("\n")
        name, score, since, until = re.fullmatch(
            r"(\w+) \(score = (.*)\), from (.*) to (.*) s", first
        ).groups()
        assert name == "down" and float(score) > 0.9
        assert abs(float(since) - at_seconds) < 0.6
        assert float(until) - float(since) == pytest.approx(1.0)
        assert all(LINE.fullmatch(line) for line in others)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--wav", "missing.wav"], "missing.wav: cannot be read"),
        (["--wav", "fast.wav"], "found 16000 Hz, expected 8000 Hz"),
        (["--wav", "up.wav", "--labels", "few.txt"], "found 1 labels, expected 4"),
        (["--wav", "up.wav", "--how_many_labels", "0"], "--how_many_labels=0: expected 1 to 64"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    model = str(trained_tones().model)
    monkeypatch.chdir(tmp_path)
    write_wav("fast.wav", np.zeros(16000, np.int16), sample_rate=16000)
    write_wav("up.wav", np.zeros(8000, np.int16), sample_rate=8000)
    (tmp_path / "few.txt").write_text("one\n")
    capsys.readouterr()
    assert main(["label_wav", "--graph", model, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_folder_without_recordings_is_told(tmp_path, capsys):
    assert main(["label_wav_dir", "--graph", "micro", "--wav_dir", str(tmp_path)]) == 2
    assert "found no recording" in capsys.readouterr().err
