# SPDX-License-Identifier: Apache-2.0
"""`stapes word` with stand-ins for its stages: what it first asks of the voices, what it continues
with, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass

import numpy as np
import pytest
from disk import room_for

from stapes.audio.wav import write_wav
from stapes.cli.main import main
from stapes.corpus.lexicon import Lexicon
from stapes.corpus.mixture import Mixture
from stapes.corpus.synthesizers import EngineFailed

# Writes the model if the stage makes one, and nothing else.
STAND_IN = """
while [ $# -gt 0 ]; do
  [ "$1" = --output_file ] && echo model > "$2"
  shift
done
exit 0
"""
STAGES = [
    *("talk_train", "noise_train", "speak_train", "near", "gather", "first", "export_first"),
    *("mine", "second", "export_second"),
    *("talk_tune", "noise_tune", "speak_tune", "stream_tune", "join_tune", "tune"),
    *("talk_test", "noise_test", "speak_test", "stream_test", "join_test", "card"),
]
AFTER_RECORDINGS = [
    "gather",
    "second",
    "export_second",
    "stream_tune",
    "tune",
    "stream_test",
    "card",
]


@dataclass(frozen=True)
class Hum:
    """Two voices that hum for a second. They fail for the words of `unsayable`."""

    unsayable: tuple[str, ...] = ()

    def voices(self):
        return ["anna", "ben"]

    def say(self, text, speaker):
        if text in self.unsayable:
            raise EngineFailed(f"{speaker.voice}: cannot read {text}")
        return 0.4 * np.sin(np.arange(16000) / 20), 16000


@pytest.fixture
def word(monkeypatch, tmp_path, capsys):
    """Runs the command in a folder; returns its status, the stages that ran, and what it said."""
    engines = {"flite": Hum(unsayable=("qqq",))}
    monkeypatch.setattr(
        "stapes.corpus.mixture.find_mixture",
        lambda language="en", **more: Mixture(engines=engines, language=language),
    )
    monkeypatch.setattr(
        "stapes.corpus.lexicon.load_lexicon", lambda *words, **more: Lexicon(source="")
    )
    monkeypatch.setattr("stapes.word.run.STAPES", ("/bin/sh", "-c", STAND_IN, "stapes"))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        status = main(["word", *words])
        said = capsys.readouterr()
        return status, re.findall(r"^\[\d+/22\] (\w+):", said.out, re.MULTILINE), said.err

    return run


def record(folder, *names):
    folder.mkdir()
    for name in names:
        write_wav(folder / name, np.ones(1600, np.int16), sample_rate=16000)
    return str(folder)


# ---- who speaks


def test_without_an_engine_nothing_begins_and_a_line_says_what_installs_one(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["word", "hey stapes", "--work_dir", str(tmp_path / "work")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "found no speech engine, expected one or more" in error
    assert "apt-get install espeak-ng flite, or pip install 'stapes[voices]'" in error
    assert not (tmp_path / "work").exists()


def test_a_word_that_no_engine_can_speak_is_refused_before_anything_begins(tmp_path, word):
    status, stages, error = word("qqq")
    assert (status, stages) == (2, []) and error.count("\n") == 1
    assert "word 'qqq': no voice can say it (anna: cannot read qqq)" in error.replace("flite:", "")
    assert list(tmp_path.iterdir()) == []


# ---- what is known of the word


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en-gb", "pip install wordfreq"), ("de", "near words are counted in English only")],
)
def test_a_word_that_cannot_be_compared_with_others_is_said(word, capsys, language, expected):
    assert main(["word", "jarvis", "--language", language, "--plan"]) == 0
    (note,) = [line for line in capsys.readouterr().out.splitlines() if "near words" in line]
    assert expected in note


# ---- a disk that is full


@pytest.mark.parametrize(("file_bytes", "begun"), [(100, False), (3000, True)])
def test_a_full_disk_is_said_and_the_same_command_goes_on_when_there_is_room(
    word, file_bytes, begun
):
    with room_for(file_bytes):
        status, before, error = word("jarvis")
    assert status == 2 and error.count("\n") == 1 and bool(before) == begun
    assert "cannot be written (File too large)" in error and "has room" in error
    status, after, error = word("jarvis")
    assert (status, error) == (0, "")
    assert after == STAGES[max(len(before) - 1, 0) :]
    assert word("jarvis")[:2] == (0, [])


# ---- more recordings


def test_more_recordings_run_the_last_stages_alone_with_the_settings_of_the_first_time(
    tmp_path, word
):
    first = record(tmp_path / "first", "anna_nohash_0.wav")
    assert len(word("jarvis", "--minutes", "7", "--seed", "3", "--recordings", first)[1]) == 22
    more = record(tmp_path / "more", "ben_nohash_0.wav")
    status, stages, _ = word("jarvis", "--add_recordings", more)
    assert status == 0 and stages == AFTER_RECORDINGS
    job = json.loads((tmp_path / "build" / "word" / "jarvis" / "job.json").read_text())
    assert job["job"]["recordings"] == [first, more]
    assert (job["settings"]["minutes"], job["settings"]["seed"]) == (7, 3)
    assert word("jarvis", "--add_recordings", more)[:2] == (0, []), "they are there already"


def test_a_model_that_was_cut_is_finished_with_more_recordings(tmp_path, word, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("stapes.word.run.STAPES", ("/bin/false",))
        assert word("jarvis")[0] == 2
    more = record(tmp_path / "more", "ben_nohash_0.wav")
    assert len(word("jarvis", "--add_recordings", more)[1]) == 22


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["jarvis", "--minutes", "9"], "--minutes 9.0: found with --add_recordings, whose model "
         "was made with 60.0, expected the same; leave it out"),
        (["alexa"], "found a model of jarvis, expected one of alexa"),
    ],
)  # fmt: skip
def test_more_recordings_for_another_model_are_refused(tmp_path, word, words, message):
    assert word("jarvis", "--work_dir", "work")[0] == 0
    more = record(tmp_path / "more", "ben_nohash_0.wav")
    status, stages, error = word(*words, "--work_dir", "work", "--add_recordings", more)
    assert (status, stages) == (2, []) and message in error


@pytest.mark.parametrize(
    ("samples", "damage", "message"),
    [
        (np.ones(1600), b"RIFF", "expected a RIFF/WAVE file"),
        (np.zeros(1600), None, "found silence alone, expected somebody who says jarvis"),
        (np.ones(0), None, "found no samples"),
    ],
)
@pytest.mark.parametrize("flag", ["--recordings", "--add_recordings"])
def test_a_recording_that_is_no_use_is_named_before_anything_begins(
    tmp_path, word, flag, samples, damage, message
):
    assert word("jarvis", "--work_dir", "work")[0] == 0
    bad = tmp_path / "mine" / "ben_nohash_0.wav"
    mine = record(tmp_path / "mine", "anna_nohash_0.wav")
    write_wav(bad, samples.astype(np.int16), sample_rate=16000)
    if damage:
        bad.write_bytes(damage)
    status, stages, error = word("jarvis", "--work_dir", "work", flag, mine)
    assert (status, stages) == (2, []) and error.count("\n") == 1
    assert f"{bad}: " in error and message in error


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"job": {}, "settings": {}, "warnings": []}'])
def test_a_damaged_job_is_named(tmp_path, word, damage):
    assert word("jarvis", "--work_dir", "work")[0] == 0
    (tmp_path / "work" / "job.json").write_text(damage)
    more = record(tmp_path / "more", "ben_nohash_0.wav")
    status, _, error = word("jarvis", "--work_dir", "work", "--add_recordings", more)
    assert status == 2 and error.count("\n") == 1
    assert "work/job.json: cannot be read" in error and "choose a new --work_dir" in error
