# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at a terminal, in every command that takes longer than a moment: it ends soon with one
line, and nothing half written is left."""

from __future__ import annotations

import os
import re
import select
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tones import TRAIN_FLAGS, trained_tones, write_tones

from stapes.audio.wav import write_wav

MODEL = Path(__file__).parents[3] / "models" / "micro" / "model.tflite"
CTRL_C = b"\x03"
BAR = r"\[[#.]+\] "
PATIENCE_SECONDS = 240
SOON_SECONDS = 30  # TensorFlow ends no sooner on a busy machine
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


LEVELS = ",".join(str(-level) for level in range(100))  # minutes of work on any machine
SLOW_VOICE = f"{sys.executable} -c 'import time; time.sleep(300)' {{text}} {{output}}"
# The words of each command, after which output Ctrl-C is pressed, and the extra it needs.
COMMANDS = {
    "data check": ("--data_dir many", BAR),
    "data trim": ("--data_dir many --output_dir OUT", BAR),
    "data speak": ("yes --voice a --output_dir OUT --engine_command SLOW", ""),
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
    if command == "demo":  # it goes on with the steps that were done
        return
    if command == "train":
        assert "the same command goes on from there" in shown
        left = [name for name in left if name not in ("checkpoint.npz", "best.npz")]
    assert [name for name in left if not name.startswith(".training_features")] == []


def interrupted(arguments: list[str], folder: Path, pattern: str) -> tuple[str, int]:
    """What a command shows at a terminal where Ctrl-C is pressed once it has shown `pattern`, or
    after a moment, and its exit status."""
    ours, theirs = os.openpty()
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
        return shown.decode(errors="replace"), process.wait(timeout=1)
    finally:
        if process.poll() is None:
            process.kill()
        os.close(ours)
