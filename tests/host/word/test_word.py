# SPDX-License-Identifier: Apache-2.0
"""From a text to a model and its card, on the smallest scale: espeak-ng alone, one process that
loads TensorFlow for all stages."""

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
# `stapes` with less of everything, whose stages are forks: what they need is imported once.
# tests/host/word/test_run.py starts stages as processes, test_readme.py each command.
RUNNER = """
import os, signal, sys, types
import matplotlib.pyplot, scipy.signal
from stapes.cli import main as command_line
from stapes.export import export
from stapes.training import loop, pictures
from stapes.word import plan, run

class Fork:
    def __init__(self, command, *, stdout, pass_fds):
        self._status = None
        self._process = os.fork()
        if self._process == 0:
            os.dup2(stdout.fileno(), sys.stdout.fileno())
            sys.argv = ["stapes", *command[len(run.STAPES):]]
            status = command_line.main()
            sys.stdout.flush()
            os._exit(status)

    def wait(self):
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        return self._status

    def terminate(self):
        os.kill(self._process, signal.SIGTERM)

few = plan.Amounts(
    clips=60, near=4, near_clips=6, talk_minutes=0.3, first_steps=12, second_steps=6,
    noise_minutes=0.3, test_clips=15, test_talk_minutes=0.3, test_noise_minutes=0.1,
)
plan.Amounts.within = lambda minutes: few
run.subprocess = types.SimpleNamespace(Popen=Fork)
sys.exit(command_line.main())
"""


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_a_word_becomes_a_model_with_a_card_and_is_not_made_twice(tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "sitecustomize.py").write_text(ALONE)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "espeak-ng").symlink_to(shutil.which("espeak-ng") or "")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PATH": str(tmp_path / "bin")}
    command = [sys.executable, "-c", RUNNER, "word", "jarvis", "--minutes", "0.1"]
    command += ["--work_dir", str(tmp_path / "work")]

    def word():
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    made = word()
    assert made.returncode == 0, made.stderr[-2000:]
    assert "[22/22] card" in made.stdout and "only robotic voices are here" in made.stdout
    content, settings = load_model(tmp_path / "work" / "jarvis.tflite")
    assert settings.labels == ("_silence_", "_unknown_", "jarvis") and len(content) <= 50_000
    card = json.loads((tmp_path / "work" / "jarvis_card.json").read_text())
    assert card["words_by"].keys() == {"synthetic voices"} and card["talk"]["hours"] > 0
    assert card["synthetic_sounds"]["hours"] == pytest.approx(0.1 / 60, rel=0.05)
    assert {voice.partition("+")[2] for voice in card["tested_with_voices"]} == {"f3", "m3"}
    text = (tmp_path / "work" / "jarvis_card.md").read_text()
    assert "How well it hears people is not known" in text

    again = word()
    assert again.returncode == 0 and "0 of 22 stages to do" in again.stdout
    assert load_model(tmp_path / "work" / "jarvis.tflite")[0] == content
