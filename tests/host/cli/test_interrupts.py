# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at a terminal, in every command: it ends soon with one line, and nothing half written is
left."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import terminal
from terminal import CTRL_C, keep_output_at_ctrl_c
from tones import TRAIN_FLAGS, trained_tones, write_tones

from stapes.audio.wav import write_wav
from stapes.cli.main import COMMANDS as ALL_COMMANDS
from stapes.cli.main import keep_interrupts

MODEL = Path(__file__).parents[3] / "models" / "micro" / "model.tflite"
BAR = r"\[[#.]+\] "
PATIENCE_SECONDS = 240
SOON_SECONDS = 120  # which a machine that is very busy may need
CLIPS = 3000  # of each word


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    """many/: a corpus in which each word is one clip under many names; long.wav and hours.wav:
    silence, in files that take no room."""
    folder = tmp_path_factory.mktemp("material")
    noise = np.random.default_rng(1).normal(0, 3000, 16000).astype(np.int16)
    for word in ("yes", "no", "other"):
        (folder / "many" / word).mkdir(parents=True)
        first = folder / "many" / word / "0_nohash_0.wav"
        write_wav(first, noise, sample_rate=16000)
        for number in range(1, CLIPS):
            os.link(first, first.with_name(f"{number:x}_nohash_0.wav"))
    write_wav(folder / "short.wav", noise, sample_rate=16000)
    for name, hours in (("long", 2), ("hours", 30)):
        size = hours * 3600 * 32000
        with (folder / f"{name}.wav").open("wb") as file:
            file.write(b"RIFF" + struct.pack("<I", size + 36) + b"WAVE")
            file.write(struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16))
            file.write(b"data" + struct.pack("<I", size))
            file.truncate(44 + size)
    (folder / "none.txt").touch()
    write_tones(folder / "tones", clips=30)
    return folder


LEVELS = ",".join(str(-level) for level in range(100))  # takes minutes on any machine
SLOW_VOICE = f"{sys.executable} -c 'import time; time.sleep(300)' {{text}} {{output}}"
# For each long command: its words, the output after which Ctrl-C is pressed, the extra it needs.
COMMANDS = {
    "data check": ("--data_dir many", BAR),
    "data trim": ("--data_dir many --output_dir OUT", BAR),
    "data speak": ("yes --voice a --output_dir OUT --engine_command SLOW", ""),
    "data noise": ("--minutes 600 --output_dir OUT", BAR),
    "data mine": (f"{MODEL} --audio long.wav --output_dir OUT", BAR),
    "train": (
        f"--data_dir tones --train_dir OUT {' '.join(TRAIN_FLAGS)} "
        "--how_many_training_steps 100000",
        "Step #",
    ),
    "export": ("--train_dir TRAINED --output_file OUT", "Loading TensorFlow"),
    "evaluate": (f"{MODEL} --data_dir many --testing_percentage 80 --level_db={LEVELS}", ""),
    "label_wav_dir": (f"--graph {MODEL} --wav_dir many/yes", r"score = "),
    "stream make": (
        f"--data_dir many --model {MODEL} --test_duration_seconds 100000 "
        "--output_audio_file OUT --output_labels_file OUT.txt",
        "",
    ),
    "stream score": (f"--model {MODEL} --wav hours.wav --ground_truth none.txt", ""),
    "tune": (f"{MODEL} --wav hours.wav --labels none.txt --output_file OUT", ""),
    "replay": (f"long.wav --model {MODEL} --output OUT", "real time"),
    "info": (f"{MODEL} --measure", "info: building"),
    "demo": ("--quick --data_dir many --work_dir OUT", ""),
}


# The words of all other commands. OUT is a folder; nobody answers at PORT and URL.
ANYWHERE = {
    "data get": "speech_commands --data_url URL --output_dir out/new",
    "data record": "yes --output_dir out/new",
    "data augment": "short.wav --output_dir out/new",
    "data talk": "--minutes 1 --output_dir out/new",
    "spectrogram": f"short.wav --model {MODEL} --output_image out/a.png",
    "verify": f"{MODEL} --frames 100000",
    "label_wav": f"--graph {MODEL} --wav short.wav",
    "wav_to_features": f"--model {MODEL} --input_wav short.wav --output_c_file out/a.c",
    "emit": f"{MODEL} --output_dir out/new",
    "library": f"{MODEL} --form cmake --output_dir out/new",
    "models": "",
    "boards": "",
    "listen": f"{MODEL} --wav long.wav",
    "flash": f"{MODEL} --board nrf52840dk --dry_run --build_dir out/new",
    "load": f"{MODEL} --port PORT",
    "keys": "out/product",
    "set": "threshold=0.9 --port PORT",
    "page": f"{MODEL} --serve --port 0",
    "monitor": "--port PORT --wav out/a.wav --log out/a.jsonl",
    "word": "hey --work_dir out/new",
}
CHANGING = ("keys", "monitor", "word")  # their files differ in every run
END_BY_CTRL_C = ("listen", "monitor", "page")  # as their help says
ANYWHERE_PROGRAM = Path(__file__).with_name("interrupt_anywhere.py")


def test_ctrl_c_where_python_drops_exceptions_comes_again(monkeypatch):
    class Finalized:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    keep_interrupts()
    with pytest.raises(KeyboardInterrupt):
        Finalized()
        time.sleep(20)


def test_all_commands_are_interrupted():
    """A new command belongs in one of the two tables."""
    assert sorted([*COMMANDS, *ANYWHERE]) == sorted(ALL_COMMANDS)


@pytest.fixture(scope="module")
def interruptions(material) -> dict[str, list[dict]]:
    jobs = {name: words.split() for name, words in ANYWHERE.items()}
    done = subprocess.run(
        [sys.executable, ANYWHERE_PROGRAM],
        input=json.dumps(jobs),
        cwd=material,
        env={**os.environ, "PYTHONPATH": str(Path(terminal.__file__).parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("command", ANYWHERE)
def test_ctrl_c_anywhere_in_a_command_ends_it_in_one_line(command, interruptions):
    *early, last = interruptions[command]
    no_microphone = command == "data record" and last["status"] == 2
    assert last["interrupted_by"] or last["status"] == 0 or no_microphone, last["shown"]
    for run in [*early, last] if last["interrupted_by"] else early:
        allowed = [130] + [0] * (command in END_BY_CTRL_C)
        if run["interrupted_by"] == "a key":  # which may come when Python is about to end
            allowed.append(-signal.SIGINT)
        assert run["status"] in allowed, run["shown"]
        assert "Traceback" not in run["shown"], run["shown"]
        assert run["status"] != 130 or "stapes: stopped" in run["shown"], run["shown"]
        for name, content in run["files"].items():
            assert last["files"].get(name) == content or command in CHANGING, name


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_ends_a_command_in_one_line_and_leaves_nothing_half_written(
    command, material, tmp_path
):
    if command == "info" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs the Arm compiler")
    words, pattern = COMMANDS[command]
    replaced = {"SLOW": SLOW_VOICE, "OUT": str(tmp_path / "out")}
    if "TRAINED" in words:
        replaced["TRAINED"] = str(trained_tones().train_dir)
    arguments = [replaced.get(word, word) for word in words.split()]
    arguments = [word.replace("OUT", replaced["OUT"]) for word in arguments]
    shown, status = interrupted([*command.split(), *arguments], material, pattern)
    assert status == 130, shown
    assert "Traceback" not in shown and "stapes: stopped" in shown
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    if command == "demo":  # it continues after the steps that were done
        return
    if command == "train":
        assert "the same command goes on from there" in shown
        left = [name for name in left if name not in ("checkpoint.npz", "best.npz")]
    assert [name for name in left if not name.startswith(".training_features")] == []


def interrupted(arguments: list[str], folder: Path, pattern: str) -> tuple[str, int]:
    """What a command shows at a terminal, and its exit status. Ctrl-C is pressed when it has shown
    `pattern`, or after a moment."""
    ours, theirs = os.openpty()
    keep_output_at_ctrl_c(theirs)
    process = subprocess.Popen(
        [sys.executable, "-m", "stapes", *arguments],
        cwd=folder,
        env={**os.environ, "TERM": "linux", "COLUMNS": "100"},
        preexec_fn=lambda: os.login_tty(theirs),
    )
    os.close(theirs)
    shown, pressed, end = b"", False, time.monotonic() + PATIENCE_SECONDS
    moment = time.monotonic() + 5
    try:
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    shown += os.read(ours, 65536)
                except OSError:  # it has ended
                    break
            due = re.search(pattern, shown.decode(errors="replace"))
            if not pressed and due and (pattern or time.monotonic() > moment):
                os.write(ours, CTRL_C)
                pressed, end = True, time.monotonic() + SOON_SECONDS
        return shown.decode(errors="replace"), process.wait(timeout=SOON_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
        os.close(ours)
