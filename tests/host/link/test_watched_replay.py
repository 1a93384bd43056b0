# SPDX-License-Identifier: Apache-2.0
"""`stapes monitor --replay`: a recording in a board, shown as fast as it was spoken."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.cli.main import main
from stapes.device.pipeline import Pipeline
from stapes.link.decoder_settings import parse_changes
from stapes.link.transport import ProgramTransport
from stapes.link.watched_replay import WatchedReplay

RATE = 16000


@pytest.fixture
def sound() -> np.ndarray:
    """A second of noise."""
    return np.random.default_rng(3).normal(0, 4000, RATE).astype(np.int16)


@pytest.fixture
def replay(firmware):
    """Opens the firmware's program with some options."""
    with contextlib.ExitStack() as stack:

        def start(**options) -> WatchedReplay:
            transport = ProgramTransport([str(firmware.program), "--link"])
            stack.enter_context(contextlib.closing(transport))
            return WatchedReplay(transport, **options)

        yield start


def test_every_event_is_shown_when_it_is_due_and_none_is_lost(replay, firmware, sound):
    watched = replay(show_scores=True)
    shown = []
    started = time.monotonic()
    watched.play(sound, lambda event: shown.append((event, time.monotonic() - started)))
    hello, *events = [event for event, _ in shown]
    assert hello.name == "hello" and hello.fields["board"] == "host"
    scores = [event for event in events if event.name == "scores"]
    expected = Pipeline.from_file(firmware.model).process(sound)
    assert [event.values()["q"] for event in scores] == expected.scores.tolist()
    assert all(seconds >= event.number("time_ms") / 1000 for event, seconds in shown)
    assert watched.counts.lost == watched.counts.damaged == 0


def test_scores_that_nobody_wants_are_not_shown_and_keep_the_pace_all_the_same(replay, sound):
    shown = []
    started = time.monotonic()
    replay(show_scores=False).play(sound[: RATE // 2], shown.append)
    assert time.monotonic() - started >= 0.48
    assert "scores" not in {event.name for event in shown}


def test_settings_of_the_decoder_are_sent_first(replay, sound):
    for threshold, found in (("0.01", True), ("1.0", False)):
        quick = ["minimum_count=1", "average_ms=20", "suppression_ms=0"]
        changes = parse_changes([f"threshold={threshold}", *quick])
        shown = []
        replay(show_scores=False, changes=changes).play(sound, shown.append)
        assert ("detection" in {event.name for event in shown}) is found


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--board", "mps2_an386"], "hears only what is replayed; add --replay WAV"),
        (["--replay", "a.wav", "--model", "micro"], "--model: only an emulated board"),
        (["--replay", "a.wav", "--port", "x", "--board", "microbit"], "--board and --port"),
        (["--replay", "a.wav", "--port", "x", "--wav", "b.wav"], "leave out --wav"),
        (["--replay", "a.wav", "--board", "nrf52840dk"], "found no emulator for it"),
    ],
)
def test_flags_that_contradict_each_other_are_told(capsys, flags, message):
    assert main(["monitor", *flags]) == 2
    assert message in capsys.readouterr().err


def test_seconds_cut_the_recording(firmware, tmp_path, capsys, monkeypatch, sound):
    wav: Path = tmp_path / "a.wav"
    write_wav(wav, sound, sample_rate=RATE)
    program = ProgramTransport([str(firmware.program), "--link"])
    monkeypatch.setattr(
        "stapes.cli.commands.monitor.open_transport", lambda *words, **options: program
    )
    flags = ["--port", "/dev/ttyACM0", "--replay", str(wav), "--scores", "--seconds", "0.3"]
    assert main(["monitor", *flags]) == 0
    said = capsys.readouterr()
    last = said.out.splitlines()[-1]
    assert last.startswith("0:00:00.29"), last
    assert "0 damaged lines, 0 missing" in said.err
