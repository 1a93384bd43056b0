# SPDX-License-Identifier: Apache-2.0
"""What every emulated board must do. STAPES_TEST_GARBAGE=10000000 sends 10 MB of garbage."""

import os
from pathlib import Path

import numpy as np
import pytest
from link_bytes import PATIENT

from stapes.firmware.boards import all_boards, find_emulated
from stapes.firmware.emulator import Emulator
from stapes.link.memory_link import RING_BYTES, MemoryTransport
from stapes.link.session import Session
from stapes.link.transport import LinkClosed
from stapes.replay import LinkPlayer, NativePlayer, open_player

ROOT = Path(__file__).resolve().parents[2]
BOARDS = [board.name for board in all_boards(ROOT).values() if board.emulated]
SHARING = [board for board in BOARDS if find_emulated(ROOT, board).qemu_ram_bytes]
GARBAGE_BYTES = int(os.environ.get("STAPES_TEST_GARBAGE", "20000"))
PIECE_BYTES = 2048


@pytest.fixture(scope="module")
def audio():
    """Noise whose loudness changes, full scale in the middle."""
    loudness = np.repeat([30, 3000, 32767, 400], 3000)
    return (np.random.default_rng(1).uniform(-1, 1, loudness.size) * loudness).astype(np.int16)


def check_replay(firmware, transport, audio):
    expected = NativePlayer(firmware.model).play(audio)
    replayed = LinkPlayer(transport, send_scores=True, **PATIENT).play(audio)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    assert replayed.detections == expected.detections != []
    assert replayed.stats["overruns"] == replayed.stats["out_of_order"] == 0


@pytest.mark.parametrize("board", BOARDS)
def test_features_scores_times_and_detections_are_those_of_python(firmware, audio, board):
    with Emulator(board, firmware.image(board)) as emulator:
        check_replay(firmware, emulator.transport, audio)


@pytest.mark.parametrize("board", SHARING)
def test_so_are_those_of_audio_that_comes_through_shared_memory(firmware, audio, board):
    with Emulator(board, firmware.image(board), fast=True) as emulator:
        assert isinstance(emulator.transport, MemoryTransport)
        check_replay(firmware, emulator.transport, np.tile(audio, 4))
        emulator.process.kill()
        with pytest.raises(LinkClosed):
            emulator.transport.read(10.0)
        with pytest.raises(LinkClosed):
            emulator.transport.write(bytes(2 * RING_BYTES))


@pytest.mark.parametrize("board", ["mps2_an385", "mps2_an386"])  # without and with DSP
def test_features_that_depend_on_the_past_are_those_of_python(pcen_firmware, board):
    rng = np.random.default_rng(2)
    loudness = np.repeat([30, 0, 9000, 400], 3000)
    audio = (rng.uniform(-1, 1, loudness.size) * loudness).astype(np.int16)
    expected = NativePlayer(pcen_firmware.model).play(audio)
    assert len(set(expected.features_crc.tolist())) > 25
    with (
        open_player(program=pcen_firmware.program, send_scores=True) as x86,
        open_player(board=board, image=pcen_firmware.image(board), send_scores=True) as emulated,
    ):
        for player in (x86, emulated, emulated):  # a second time after a reset
            replayed = player.play(audio)
            np.testing.assert_array_equal(replayed.features_crc, expected.features_crc, player.name)
            np.testing.assert_array_equal(replayed.scores, expected.scores, player.name)


@pytest.mark.parametrize("board", BOARDS)
def test_after_garbage_the_board_still_answers(firmware, board):
    rng = np.random.default_rng(8)
    with Emulator(board, firmware.image(board), count_instructions=False) as emulator:
        session = Session(emulator.transport, **PATIENT)
        said = []
        for start in range(0, GARBAGE_BYTES, PIECE_BYTES):
            count = min(PIECE_BYTES, GARBAGE_BYTES - start)
            emulator.transport.write(rng.integers(0, 256, count).astype(np.uint8).tobytes())
            said += session.reader.feed(emulator.transport.read(0.01))
        emulator.transport.write(b"\0")
        stats = session.stats()
    dropped = stats["bad_framing"] + stats["bad_length"] + stats["bad_checksum"]
    # A zero byte, which ends a frame, is one of 256.
    assert dropped + stats["overruns"] > GARBAGE_BYTES / 256 / 2
    # On a busy machine the question may be asked twice, and then has two answers.
    said = [event for event in said if (event.name, event.number("request")) != ("hello", 1)]
    assert {event.name for event in said} <= {"error", "ok", "ack"}
    assert session.reader.counts.damaged == session.reader.counts.restarts == 0
