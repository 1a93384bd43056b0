# SPDX-License-Identifier: Apache-2.0
"""The firmware on an emulated Cortex-M4 gives the same bytes as everywhere else, for any input."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from link_bytes import PATIENT

from builds import BUILDS
from stapes.firmware.emulator import Emulator
from stapes.link.protocol import FrameType, encode_frame
from stapes.link.session import Session
from stapes.replay import LinkPlayer, NativePlayer, open_player
from wake_word import loud_and_soft

BOARD = "mps2_an386"
GARBAGE_KB = int(os.environ.get("STAPES_GARBAGE_KB", "100"))  # 10000 would take a long time


@pytest.fixture(scope="module")
def image(firmware):
    return firmware.image(BOARD)


@pytest.fixture
def transport(image):
    with Emulator(BOARD, image) as emulator:
        yield emulator.transport


@pytest.fixture(scope="module")
def audio():
    """Noise whose loudness changes, full scale in the middle."""
    rng = np.random.default_rng(11)
    loudness = np.repeat([30, 3000, 32767, 400], 3000)
    return (rng.uniform(-1, 1, loudness.size) * loudness).astype(np.int16)


def test_scores_times_and_detections_are_those_of_python_and_x86(firmware, transport, audio):
    expected = NativePlayer(firmware.model).play(audio)
    with open_player(program=firmware.program, send_scores=True) as x86:
        players = {"x86": x86, BOARD: LinkPlayer(transport, send_scores=True, **PATIENT)}
        for name, player in players.items():
            replayed = player.play(audio)
            np.testing.assert_array_equal(replayed.scores, expected.scores, err_msg=name)
            np.testing.assert_array_equal(replayed.times_ms, expected.times_ms, err_msg=name)
            assert replayed.detections == expected.detections != [], name


def test_real_speech_gives_the_same_everywhere(firmware, transport, speech):
    from stapes.audio.wav import read_wav

    native = NativePlayer(firmware.model)
    board = LinkPlayer(transport, send_scores=True, **PATIENT)
    paths = sorted((speech / "yes").glob("*.wav"))[:2] + sorted((speech / "no").glob("*.wav"))[:1]
    for path in paths:
        samples = read_wav(path)
        expected, replayed = native.play(samples), board.play(samples)
        np.testing.assert_array_equal(replayed.features_crc, expected.features_crc, str(path))
        np.testing.assert_array_equal(replayed.scores, expected.scores, str(path))
        assert replayed.detections == expected.detections


def test_a_network_that_sees_whole_windows_gives_the_same_everywhere(window_firmware, audio):
    expected = NativePlayer(window_firmware.model).play(audio[:9000])
    assert expected.frames == 3  # the first when 20 of the 27 frames are in, then every third
    program, image = window_firmware.program, window_firmware.image(BOARD)
    with (
        open_player(program=program, send_scores=True) as x86,
        open_player(board=BOARD, image=image, send_scores=True) as board,
    ):
        for player in (x86, board, board):  # a second time after a reset
            replayed = player.play(audio[:9000])
            np.testing.assert_array_equal(replayed.scores, expected.scores, err_msg=player.name)
            np.testing.assert_array_equal(replayed.times_ms, expected.times_ms, player.name)
            np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)


def test_a_silence_gate_opens_for_the_same_frames_everywhere(gated_firmware):
    random = np.random.default_rng(3)
    loudness = np.repeat([16, 3000, 16, 3000], [16000, 4000, 8000, 4000])
    audio = np.rint(random.normal(0, 1, loudness.size) * loudness).astype(np.int16)
    native = NativePlayer(gated_firmware.model)
    expected = native.play(audio)
    image = gated_firmware.image(BOARD)
    with open_player(board=BOARD, image=image, send_scores=True) as board:
        replayed = board.play(audio)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    assert replayed.detections == expected.detections
    assert 20 < replayed.stats["skipped"] < expected.frames - 20
    # In a frame after an onset the network runs three times, not once.
    assert replayed.stats["inferences"] > expected.frames - replayed.stats["skipped"]


def test_the_board_says_what_it_uses(transport, audio):
    stats = LinkPlayer(transport, **PATIENT).play(audio[:4000]).stats
    assert 0 < stats["stack_used"] < stats["stack_size"]
    assert 0 < stats["arena_used"] <= stats["arena_size"]
    assert 0 < stats["peak_ticks"] < stats["busy_ticks"]
    assert stats["overruns"] == stats["lost_lines"] == stats["dropped_scores"] == 0


def test_work_is_counted_in_instructions_the_same_each_time(transport, audio):
    player = LinkPlayer(transport, **PATIENT)
    first, *counts = [player.play(audio[:4000]).stats["busy_ticks"] for _ in range(3)]
    # One tick is 40 ns, an instruction 64 ns; interrupts of the serial port come in between. While
    # the first audio is heard, the hello of the start still leaves.
    assert counts[0] == pytest.approx(counts[1], rel=0.02)
    assert first == pytest.approx(counts[0], rel=0.05)


def test_a_flood_of_garbage_neither_stops_the_board_nor_floods_the_host(transport):
    session = Session(transport, **PATIENT)
    rng = np.random.default_rng(6)
    lines_before = session.reader.counts.events
    for _ in range(GARBAGE_KB // 10):
        transport.write(rng.integers(0, 256, 10_240).astype(np.uint8).tobytes())
        while said := transport.read(0.3):
            list(session.reader.feed(said))
    transport.write(b"\0")
    stats = session.stats()
    found = stats["bad_framing"] + stats["bad_length"] + stats["bad_checksum"]
    assert found + stats["overruns"] > 3 * GARBAGE_KB
    assert session.reader.counts.events - lines_before < found
    assert session.reader.counts.damaged == session.reader.counts.lost == 0


def test_a_host_that_does_not_listen_loses_lines_and_is_told(transport):
    session = Session(transport, **PATIENT)
    lost, silence = 0, 2.0
    while not lost and silence < 300:  # until it is longer than the board waits
        for _ in range(30):
            transport.write(encode_frame(FrameType.HELLO, 0))
        time.sleep(silence)
        lost, silence = session.stats()["lost_lines"], 2 * silence
    assert session.reader.counts.lost == lost > 0


def test_after_garbage_audio_is_heard_as_before(firmware, transport, audio):
    expected = NativePlayer(firmware.model).play(audio[:4000])
    player = LinkPlayer(transport, send_scores=True, **PATIENT)
    rng = np.random.default_rng(7)
    transport.write(rng.integers(0, 256, 3000).astype(np.uint8).tobytes() + b"\0")
    np.testing.assert_array_equal(player.play(audio[:4000]).scores, expected.scores)


def test_code_and_memory_stay_within_the_budget(firmware, image):
    sizes = section_sizes(image)
    tables = table_bytes(image, BUILDS / "model" / firmware.model.stem)
    assert 0 < tables <= 6.5 * 1024
    code = sizes[".vectors"] + sizes[".text"] + sizes[".data"] - tables
    assert code <= 32 * 1024
    assert sizes[".data"] + sizes[".bss"] + sizes[".stack"] <= 14 * 1024


def section_sizes(image):
    """Bytes of each section."""
    rows = [line.split() for line in listing("arm-none-eabi-size", "-A", "-d", image)]
    return {row[0]: int(row[1]) for row in rows if row and row[0].startswith(".")}


def table_bytes(image, model_folder):
    """Bytes of the front end's tables. They depend on the settings, so cards count them apart."""
    emitted = (model_folder / "frontend_tables.cc").read_text(encoding="utf-8")
    names = set(re.findall(r"\b(k[A-Z]\w+)\[", emitted))
    rows = [line.split() for line in listing("arm-none-eabi-nm", "-C", "--print-size", image)]
    return sum(int(row[1], 16) for row in rows if row[-1].rpartition("::")[2] in names)


def listing(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_replay_builds_the_firmware_for_a_model_and_replays_a_folder(
    firmware, image, audio, tmp_path, capsys
):
    from stapes.audio.wav import write_wav
    from stapes.cli.main import main

    write_wav(tmp_path / "a.wav", audio, sample_rate=16000)
    words = ["replay", "--model", str(firmware.model), str(tmp_path)]
    found = []
    for where in (["--board", BOARD], []):
        assert main([*words, *where]) == 0
        found.append(capsys.readouterr().out)
    assert found[0] == found[1]
    assert found[0].startswith(f"# {tmp_path / 'a.wav'}\n")
    assert found[0].count("\n") > 1


def test_a_monitor_shows_what_the_board_says_of_a_replay(firmware, audio, tmp_path, capsys):
    from stapes.audio.wav import write_wav
    from stapes.cli.main import main

    write_wav(tmp_path / "a.wav", audio, sample_rate=16000)
    board = ["--board", BOARD, "--model", str(firmware.model)]
    assert main(["monitor", *board, "--replay", str(tmp_path / "a.wav"), "--json"]) == 0
    said = capsys.readouterr()
    entries = [json.loads(line) for line in said.out.splitlines()]
    heard = [entry["time_ms"] for entry in entries if entry["event"] == "detection"]
    expected = NativePlayer(firmware.model).play(audio).detections
    assert heard == [found.time_ms for found in expected] != []
    assert "0 damaged lines, 0 missing" in said.err


def test_a_monitor_shows_the_detections_while_the_board_hears_audio(
    firmware, image, audio, tmp_path
):
    from stapes.audio.wav import write_wav

    said, wav = tmp_path / "said", tmp_path / "audio.wav"
    os.mkfifo(said)
    write_wav(wav, audio, sample_rate=16000)
    stapes = [sys.executable, "-m", "stapes"]
    monitor = subprocess.Popen(
        [*stapes, "monitor", "--port", said, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    replay = [*stapes, "replay", "--board", BOARD, "--image", image, "--tee", said, wav]
    subprocess.run(replay, check=True, capture_output=True, timeout=600)
    while "the connection ended" not in (note := monitor.stderr.readline()):
        assert note, "the monitor ended before the replay"
    monitor.send_signal(signal.SIGINT)
    shown, _ = monitor.communicate(timeout=300)
    entries = [json.loads(line) for line in shown.splitlines()]
    heard = [entry["time_ms"] for entry in entries if entry.get("event") == "detection"]
    expected = NativePlayer(firmware.model).play(audio).detections
    assert heard == [found.time_ms for found in expected] != []


def test_a_model_that_a_wake_word_wakes_is_that_of_python(wake_firmware):
    audio = loud_and_soft(3)
    expected = NativePlayer(wake_firmware.model, wake=wake_firmware.wake).play(audio)
    with Emulator(BOARD, wake_firmware.image(BOARD)) as emulator:
        replayed = LinkPlayer(emulator.transport, send_scores=True, **PATIENT).play(audio)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    np.testing.assert_array_equal(replayed.wake.scores, expected.wake.scores)
    assert replayed.detections == expected.detections != []
    assert replayed.woken_ms == expected.woken_ms != ()
