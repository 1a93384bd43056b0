# SPDX-License-Identifier: Apache-2.0
"""`stapes replay`: the same detections wherever the firmware runs; files whole or not at all."""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from waiting import wait_for

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.commands import replay as replay_command
from stapes.cli.main import main
from stapes.stream.labels import read_labels


@pytest.fixture
def model(tmp_path, small_model):
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return path


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "a.wav"
    audio = np.random.default_rng(2).integers(-9000, 9000, 32_000).astype(np.int16)
    write_wav(path, audio, sample_rate=16000)
    return path


def replay(*words) -> int:
    return main(["replay", *map(str, words)])


def test_detections_are_printed_as_label_time_score(model, wav, capsys):
    assert replay("--model", model, wav) == 0
    label, time_ms, score = capsys.readouterr().out.splitlines()[0].split(", ")
    assert label in ("_unknown_", "yes", "no")
    assert int(time_ms) > 0
    assert 0.2 < float(score) <= 1


def test_clips_without_a_detection_lead_to_what_names_their_word(model, wav, tmp_path, capsys):
    clips = tmp_path / "clips"
    clips.mkdir()
    for name, samples in (("a", 16_000), ("b", 16_000), ("long", 40_000)):
        write_wav(clips / f"{name}.wav", np.zeros(samples, np.int16), sample_rate=16000)
    assert replay("--model", "micro", clips) == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith(f"replay: {clips / 'a.wav'} and 1 more: no detection in less than 2 s")
    assert note.endswith("stapes label_wav")
    write_wav(tmp_path / "short.wav", read_wav(wav)[:28_000], sample_rate=16000)
    assert replay("--model", model, tmp_path / "short.wav") == 0
    output = capsys.readouterr()
    assert output.out and output.err == "", "it has a detection"
    assert replay("--model", model, wav) == 0
    assert capsys.readouterr().err == ""


def test_the_program_gives_what_the_model_gives(firmware, wav, tmp_path):
    program, native = tmp_path / "program.txt", tmp_path / "native.txt"
    assert replay("--program", firmware.program, wav, "--output", program) == 0
    assert replay("--model", firmware.model, wav, "--output", native) == 0
    assert program.read_text() == native.read_text() != ""


def test_json_holds_every_frame_and_reads_back_as_detections(model, wav, tmp_path):
    output = tmp_path / "found.jsonl"
    assert replay("--model", model, wav, "--json", "--scores", "--output", output) == 0
    entries = [json.loads(line) for line in output.read_text().splitlines()]
    scores = [entry for entry in entries if entry["event"] == "scores"]
    assert len(scores) == entries[-1]["frames"] == 99
    assert scores[0]["time_ms"] == 30
    assert len(scores[0]["q"]) == 4
    found = [entry["time_ms"] for entry in entries if entry["event"] == "detection"]
    assert [entry.time_ms for entry in read_labels(output, what="detections")] == found != []


def test_a_folder_is_replayed_file_by_file_without_hidden_ones(model, wav, tmp_path, capsys):
    (tmp_path / "b.wav").write_bytes(wav.read_bytes())
    (tmp_path / "._b.wav").write_bytes(b"of another system")
    assert replay("--model", model, tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [index for index, line in enumerate(lines) if line.startswith("# ")]
    assert [lines[index] for index in heads] == [f"# {wav}", f"# {tmp_path / 'b.wav'}"]
    assert lines[heads[0] + 1 : heads[1]] == lines[heads[1] + 1 :]


def test_a_bad_wav_leaves_no_output_file(model, wav, tmp_path, capsys):
    (tmp_path / "z.wav").write_bytes(wav.read_bytes()[:-10])
    output = tmp_path / "out.txt"
    assert replay("--model", model, tmp_path, "--output", output) == 2
    assert not output.exists()
    error = capsys.readouterr().err
    assert "z.wav: cut short" in error
    assert error.count("\n") == 1


def test_on_a_terminal_a_detection_has_a_line_of_its_own(model, tmp_path, monkeypatch):
    audio = np.random.default_rng(2).integers(-9000, 9000, (15, 32_000))
    audio[::2] = 0
    write_wav(tmp_path / "long.wav", audio.astype(np.int16).reshape(-1), sample_rate=16000)
    seconds = itertools.count()
    monkeypatch.setattr(replay_command.time, "monotonic", lambda: next(seconds))
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setattr(sys, "stderr", terminal)
        assert replay("--model", model, tmp_path / "long.wav") == 0
        terminal.write("end")
    shown = ""
    while not shown.endswith("end"):
        shown += os.read(ours, 4096).decode()
    os.close(ours)
    assert "\x1b[Klong.wav: 66%, " in shown and shown.endswith("\r\x1b[Kend")
    # The rest of each line after the last erasure in it.
    lines = [line.rpartition("\r\x1b[K")[2] for line in shown.split("\r\n")[:-1]]
    assert len(lines) > 3
    assert all(re.fullmatch(r"(_unknown_|yes|no), \d+, \d\.\d{4}", line) for line in lines)


@pytest.mark.parametrize("audio", ["", "a.wav"], ids=["folder", "file"])
def test_the_lines_are_not_written_over_the_audio_or_the_model(model, wav, audio, tmp_path, capsys):
    audio = tmp_path / audio if audio else tmp_path
    (tmp_path / "a.wav").write_bytes(wav.read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.wav")
    for output in ("a.wav", "link.txt", model.name):
        assert replay("--model", model, audio, "--output", tmp_path / output) == 2
        assert f"{output}: found an input of this command" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.wav",), "found none, expected one of --model, --program, --board, --port"),
        (("--model", "micro", "--port", "p", "a.wav"), "found --model and --port"),
        (("--image", "i", "--port", "p", "a.wav"), "--image is for --board"),
        (("--image", "i", "--board", "b", "--model", "micro", "a.wav"), "--image is for --board"),
        (("--board", "toaster", "a.wav"), "board 'toaster': found no emulator for it"),
        (("--board", "nrf52840dk", "a.wav"), "'nrf52840dk': found no emulator for it"),
        (("--board", "toaster", "--image", "x", "a.wav"), "board 'toaster': found no emulator"),
        (("--board", "mps2_an386", "--image", "/none.elf", "a.wav"), "/none.elf: not found"),
        (("--program", "/none", "a.wav"), "/none: cannot be run (No such file or directory)"),
        (("--port", "/dev/none", "a.wav"), "/dev/none: cannot be opened"),
        (("--port", "socket://localhost:1", "a.wav"), "socket://localhost:1: cannot be opened"),
        (("--port", "socket://h:99999", "a.wav"), "expected socket://HOST:PORT"),
        (("--port", "socket://[::1", "a.wav"), "expected socket://HOST:PORT"),
        (("--port", "socket://", "a.wav"), "expected socket://HOST:PORT"),
        (("--port", "socket://a..b:1", "a.wav"), "socket://a..b:1: cannot be opened"),
        (("--port", "unix:" + "x" * 200, "a.wav"), "x: cannot be opened"),
        (("--port", "hwgrep://[", "a.wav"), "hwgrep://[: cannot be opened"),
        (("--port", "loop://?x=1", "a.wav"), "loop://?x=1: cannot be opened"),
        (("--port", "loop://", "--baud", "0", "a.wav"), "--baud=0: expected 50 to 20000000"),
        (("--model", "micro", "--scores", "a.wav"), "--scores needs --json"),
        (("--model", "/none.tflite", "a.wav"), "/none.tflite: cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_status_2(words, said, capsys):
    assert replay(*words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_empty_folder_is_refused(model, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert replay("--model", model, tmp_path / "empty") == 2
    assert "found no recordings in it" in capsys.readouterr().err


def test_a_folder_is_replayed_whatever_its_recordings_are(model, wav, tmp_path, capsys):
    soundfile = pytest.importorskip("soundfile")
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    audio = read_wav(wav, sample_rate=16000)
    soundfile.write(mixed / "a.flac", audio, 16000)
    (mixed / "b.wav").write_bytes(wav.read_bytes())
    (mixed / "c.m4a").write_bytes(b"something else")
    assert replay("--model", model, mixed) == 0
    said = capsys.readouterr()
    first, second = said.out.split("# ")[1:]
    assert first.splitlines()[0].endswith("a.flac") and second.splitlines()[0].endswith("b.wav")
    assert first.splitlines()[1:] == second.splitlines()[1:] != []
    assert "1 recording skipped (.m4a, such as" in said.err and "ffmpeg -i IN" in said.err


needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None, reason="needs qemu-system-arm"
)


@needs_qemu
def test_an_image_that_is_none_is_said_with_the_emulators_reason(wav, tmp_path, capsys):
    image = tmp_path / "bad.elf"
    image.write_bytes(b"\x7fELF" + bytes(60))
    assert replay("--board", "mps2_an386", "--image", image, wav) == 2
    error = capsys.readouterr().err
    assert "bad.elf: the emulator ended (qemu: fatal: Lockup" in error
    assert error.count("\n") == 1


@needs_qemu
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_emulator_ends_with_the_command(wav, tmp_path, number):
    image = tmp_path / "spins.bin"
    # Stack, start address, then "b ." forever: a board that says nothing.
    image.write_bytes(struct.pack("<IIHH", 0x20001000, 9, 0xE7FE, 0))
    words = ["replay", "--board", "mps2_an386", "--image", str(image), str(wav)]
    command = subprocess.Popen(
        [sys.executable, "-m", "stapes", *words],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=heed_hangups,
    )
    folder = f"{tmp_path}/stapes-"
    wait_for(lambda: process_with(folder))
    command.send_signal(number)
    status = command.wait(timeout=120)
    assert status == (-number if number == signal.SIGKILL else 128 + number)
    wait_for(lambda: process_with(folder) is None)
    if number != signal.SIGKILL:
        assert not list(tmp_path.glob("stapes-*"))


def heed_hangups() -> None:
    """Under nohup, tests ignore SIGHUP, and so do the programs that they start."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def process_with(words: str) -> str | None:
    """The id of a running emulator whose command line holds `words`."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().decode(errors="replace")
            if line.startswith("qemu-system-arm") and words in line:
                return path.parent.name
    return None
