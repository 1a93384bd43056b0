# SPDX-License-Identifier: Apache-2.0
"""bench/quantization.py measures each architecture once, and continues where it was stopped."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import quantization
from stapes.audio.wav import write_wav
from stapes.errors import StapesError


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    random = np.random.default_rng(0)
    for word in ("yes", "no", "bed"):
        (folder / word).mkdir()
        for number in range(30):
            noise = random.integers(-9000, 9000, 16000).astype(np.int16)
            write_wav(folder / word / f"{number:x}_nohash_0.wav", noise, sample_rate=16000)
    return folder


def run(corpus, folder, monkeypatch, *flags):
    small = ["--wanted_words", "yes,no", "--steps", "2", "--quantize_steps", "1"]
    where = ["--data_dir", str(corpus), "--work_dir", str(folder)]
    program = ["quantization.py", "tiny_conv", "--batch_size", "8"]
    monkeypatch.setattr(sys, "argv", [*program, *small, *where, *flags])
    quantization.main()


def test_figures_are_of_both_ways_to_int8_and_nothing_is_done_twice(
    corpus, tmp_path, monkeypatch, capsys
):
    run(corpus, tmp_path, monkeypatch, "--json")
    first = json.loads(capsys.readouterr().out)
    ((_, cases),) = first.items()
    figures = cases["tiny_conv"]
    assert (figures["steps"], figures["quantize_steps"]) == (2, 1)
    for way in ("after_training", "aware_training"):
        entry = figures[way]
        lost = entry["float_percent"] - entry["int8_percent"]
        assert entry["lost_points"] == pytest.approx(lost)
        assert [layer["name"] for layer in entry["layers"]] == ["first_conv", "final_fc"]
    monkeypatch.delattr(quantization, "train")
    monkeypatch.delattr(quantization, "export_checkpoint")
    run(corpus, tmp_path, monkeypatch, "--json")
    assert json.loads(capsys.readouterr().out) == first
    run(corpus, tmp_path, monkeypatch)
    assert f"{figures['after_training']['int8_percent']:.2f}%" in capsys.readouterr().out
    with pytest.raises(StapesError, match=r"state.json: found a run with other settings"):
        run(corpus, tmp_path, monkeypatch, "--steps", "3")
