# SPDX-License-Identifier: Apache-2.0
"""From a text to a model and its card, on the smallest scale: espeak-ng alone, minutes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from stapes.model.metadata import load_model

# The engines that a machine with espeak-ng alone does not have.
ALONE = """
import importlib.util
_find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: (
    None if name in ("piper", "hibari", "wordfreq") else _find(name, *more)
)
"""


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_a_word_becomes_a_model_with_a_card_and_is_not_made_twice(tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "sitecustomize.py").write_text(ALONE)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "espeak-ng").symlink_to(shutil.which("espeak-ng") or "")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PATH": str(tmp_path / "bin")}
    command = [sys.executable, "-m", "stapes", "word", "jarvis", "--minutes", "0.1"]
    command += ["--work_dir", str(tmp_path / "work")]

    def word():
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    made = word()
    assert made.returncode == 0, made.stderr[-2000:]
    assert "[19/19] card" in made.stdout and "only robotic voices are here" in made.stdout
    content, settings = load_model(tmp_path / "work" / "jarvis.tflite")
    assert settings.labels == ("_silence_", "_unknown_", "jarvis") and len(content) <= 50_000
    card = json.loads((tmp_path / "work" / "jarvis_card.json").read_text())
    assert card["words_by"].keys() == {"synthetic voices"} and card["talk"]["hours"] > 0
    assert {voice.partition("+")[2] for voice in card["tested_with_voices"]} == {"f3", "m3"}
    text = (tmp_path / "work" / "jarvis_card.md").read_text()
    assert "How well it hears people is not known" in text

    again = word()
    assert again.returncode == 0 and "0 of 19 stages to do" in again.stdout
    assert load_model(tmp_path / "work" / "jarvis.tflite")[0] == content
