# SPDX-License-Identifier: Apache-2.0
"""Every command shows the names of files and folders, and no name can steer the terminal."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.cli import main as cli
from stapes.plain import plain

# Clears the screen, sets a colour, turns the reading direction, rings, forges a line, is no UTF-8.
EVIL = "a\x1b[2J\x9b31m\u202egnp\x07\r\nstapes: error: forged\udcff"
NAME = f"{EVIL}.wav"
MODEL = f"{EVIL}.tflite"

# A mistake in every command that takes the name of a file or a word: it does not exist.
MISTAKES = {
    "data get": [EVIL],
    "data check": ["--data_dir", EVIL],
    "data trim": ["--data_dir", EVIL, "--output_dir", "new"],
    "data record": ["yes", "--output_dir", "new", f"--{EVIL}"],
    "data augment": [NAME, "--output_dir", "new"],
    "data speak": [EVIL, "--output_dir", "new"],
    "data noise": ["--output_dir", f"file/{EVIL}"],
    "data mine": [MODEL, "--audio", NAME, "--output_dir", "new"],
    "spectrogram": [NAME],
    "train": ["--data_dir", EVIL, "--train_dir", "new"],
    "export": ["--train_dir", EVIL, "--output_file", "new.tflite"],
    "info": [MODEL],
    "verify": [MODEL],
    "evaluate": [MODEL, "--data_dir", "."],
    "label_wav": ["--wav", NAME, "--model", MODEL],
    "label_wav_dir": ["--wav_dir", EVIL, "--model", MODEL],
    "wav_to_features": ["--input_wav", NAME, "--output_c_file", "new.cc"],
    "emit": [MODEL, "--output_dir", "new"],
    "stream make": ["--data_dir", EVIL],
    "stream score": ["--ground_truth", f"{EVIL}.txt", "--detections", "."],
    "tune": [MODEL, "--wav", NAME, "--labels", f"{EVIL}.txt"],
    "flash": [MODEL, "--board", "mps2_an386"],
    "replay": [NAME, "--model", MODEL],
    "load": [MODEL, "--port", f"/dev/{EVIL}"],
    "set": ["threshold=0.5", "--port", f"unix:{EVIL}"],
    "page": [MODEL, "--output_dir", "new"],
    "monitor": ["--port", f"/dev/{EVIL}"],
    "library": [MODEL, "--form", "cmake", "--output_dir", "new"],
    "listen": [MODEL],
    "data talk": ["--output_dir", "new", f"--{EVIL}"],
    "word": ["yes", "--output_file", "new.tflite", f"--{EVIL}"],
    "models": [f"--{EVIL}"],
    "boards": [f"--{EVIL}"],
    "keys": ["name", f"--{EVIL}"],
    "demo": ["--work_dir", f"file/{EVIL}"],
}


def check_plain(text):
    """No control character is left, and no name has made a line of its own."""
    assert text.replace("\n", "").replace("\t", "") == plain(text, keep="\n\t").replace(
        "\n", ""
    ).replace("\t", "")
    assert not [line for line in text.splitlines() if line.startswith("stapes: error: forged")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    return tmp_path


def test_there_is_a_mistake_for_every_command():
    assert set(MISTAKES) == set(cli.COMMANDS)


@pytest.mark.parametrize("command", MISTAKES)
def test_an_error_shows_the_name_and_obeys_nothing_in_it(command, folder, capsys):
    assert cli.main([*command.split(), *MISTAKES[command]]) == 2
    said = capsys.readouterr()
    check_plain(said.out + said.err)
    assert said.err.splitlines()[-1].startswith("stapes: error: ")
    assert plain(EVIL) in said.err or repr(EVIL)[1:-1] in said.err


@pytest.fixture
def clips(folder):
    """A corpus whose folder and files have such a name."""
    for word in ("yes", EVIL[:12]):
        place = folder / EVIL / word
        place.mkdir(parents=True)
        for number in range(3):
            samples = (3000 * np.sin(np.arange(16000) * (0.1 + number))).astype(np.int16)
            write_wav(place / f"{number}{NAME}", samples, sample_rate=16000)
    return folder / EVIL


@pytest.fixture
def model(folder, small_model):
    (folder / MODEL).write_bytes(small_model())
    return folder / MODEL


def test_what_commands_say_of_their_work_obeys_nothing_either(clips, model, capsys):
    wav = str(clips / "yes" / f"0{NAME}")
    quiet = ("label_wav", "info")  # they name no file
    runs = {
        "data trim": ["--data_dir", str(clips), "--output_dir", f"trimmed{EVIL}"],
        "spectrogram": [wav, "--output_image", f"{EVIL}.png"],
        "label_wav": ["--wav", wav, "--model", str(model)],
        "label_wav_dir": ["--wav_dir", str(clips / EVIL[:12]), "--model", str(model)],
        "wav_to_features": ["--input_wav", wav, "--output_c_file", f"{EVIL}.cc"],
        "emit": [str(model), "--output_dir", f"emitted{EVIL}"],
        "replay": [str(clips / EVIL[:12]), "--model", str(model)],
        "info": [str(model), "--all"],
    }
    for command, words in runs.items():
        assert cli.main([*command.split(), *words]) == 0, capsys.readouterr().err
        said = capsys.readouterr()
        check_plain(said.out + said.err)
        assert command in quiet or plain(EVIL[:12]) in said.out + said.err, command


@pytest.fixture
def damaged(clips):
    (clips / "yes" / f"damaged{NAME}").write_bytes(b"RIFF")
    return ["data", "check", "--data_dir", str(clips), "--wanted_words", "yes"]


def test_files_that_are_listed_are_one_line_each(damaged, capsys):
    assert cli.main(damaged) == 1
    said = capsys.readouterr()
    check_plain(said.out + said.err)
    assert [line for line in said.out.splitlines() if plain(f"damaged{NAME}") in line]


def test_json_has_the_name_itself(damaged, capsys):
    cli.main([*damaged, "--json"])
    report = json.loads(capsys.readouterr().out)
    files = [name for finding in report["findings"] for name in finding["files"]]
    assert any(EVIL in name for name in files)


def test_the_process_escapes_also_what_others_print(folder):
    program = (
        "import sys, types; from stapes.cli import main; "
        f"name = {EVIL!r}; "
        "show = lambda a: print(name) or print(name, file=sys.stderr) or 0; "
        "main.build_parser = lambda wanted: types.SimpleNamespace(parse_args=lambda argv: "
        "types.SimpleNamespace(run=show)); sys.argv = ['stapes']; sys.exit(main.main())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0
    for text in (done.stdout, done.stderr):
        assert text == plain(f"{EVIL}\n", keep="\n")
