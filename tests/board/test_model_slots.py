# SPDX-License-Identifier: Apache-2.0
"""Models over the link into an emulated board. It keeps them when it is switched off."""

import contextlib
import zlib

import numpy as np
import pytest
from link_bytes import PATIENCE_SECONDS, PATIENT, answers, model_frames

from stapes.firmware.emulator import Emulator
from stapes.link.model_image import read_model_image
from stapes.link.session import Session
from stapes.model.settings import GateSettings, ModelSettings
from stapes.replay import LinkPlayer, NativePlayer

BOARD = "mps2_an386"


@pytest.fixture
def board(firmware, tmp_path):
    """Switches the board on; killing it is the loss of its power."""
    image = firmware.image(
        BOARD,
        "-DSTAPES_MODEL_SLOTS=ON",
        "-DSTAPES_SLOT_ARENA_BYTES=4096",
        "-DSTAPES_SLOT_LABELS=9",
        "-DSTAPES_SLOT_GATE_BYTES=4096",
        "-DSTAPES_SLOT_OPERATORS=ON",
    )

    @contextlib.contextmanager
    def switch_on():
        with Emulator(BOARD, image, memory=tmp_path / "psram") as emulator:
            yield emulator

    return switch_on


@pytest.fixture
def other(small_model, tmp_path):
    path = tmp_path / "other.tflite"
    settings = ModelSettings(name="other", labels=("_silence_", "_unknown_", "ja"))
    path.write_bytes(small_model(settings, input_scale=0.07, seed=2))
    return path


def test_a_model_is_loaded_kept_and_computes_what_python_does(board, other):
    audio = np.random.default_rng(3).integers(-9000, 9000, 12_000).astype(np.int16)
    expected = NativePlayer(other).play(audio)
    with board() as emulator:
        assert Session(emulator.transport, **PATIENT).load(read_model_image(other)).model_slot == 1
    with board() as emulator:
        player = LinkPlayer(emulator.transport, send_scores=True, **PATIENT)
        assert player.name == f"{BOARD}, other"
        replayed = player.play(audio)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    assert replayed.detections == expected.detections != []


def test_a_loaded_model_runs_behind_its_own_gate(board, small_model, tmp_path):
    path = tmp_path / "gated.tflite"
    gate = GateSettings(replay_inferences=5, hold_ms=200, onset_ms=60)
    labels = ("_silence_", "_unknown_", "ja")
    path.write_bytes(small_model(ModelSettings(name="gated", labels=labels, gate=gate), seed=2))
    loudness = np.repeat([5, 9000, 5], 8_000)
    sound = (np.random.default_rng(8).normal(0, 1, loudness.size) * loudness / 3).astype(np.int16)
    with board() as emulator:
        Session(emulator.transport, **PATIENT).load(read_model_image(path))
        player = LinkPlayer(emulator.transport, send_scores=True, **PATIENT)
        np.testing.assert_array_equal(
            player.play(sound).scores, NativePlayer(path).play(sound).scores
        )
        stats = Session(emulator.transport, **PATIENT).stats()
        assert 0 < stats["skipped"] < stats["frames"]


def test_a_build_may_leave_room_for_larger_models(board, small_model, tmp_path):
    path = tmp_path / "large.tflite"
    labels = ("_silence_", "_unknown_", *(f"word{i}" for i in range(7)))
    path.write_bytes(small_model(ModelSettings(name="large", labels=labels), operator="RELU"))
    with board() as emulator:
        session = Session(emulator.transport, **PATIENT)
        assert session.load(read_model_image(path)).labels == labels
        assert session.stats()["arena_size"] == 4096


def test_power_lost_at_any_step_leaves_the_old_model_or_the_new_one(board, other):
    image = read_model_image(other)
    frames = model_frames(image.data, image.crc32)
    for count in range(len(frames) + 1):
        with board() as emulator:
            session = Session(emulator.transport, **PATIENT)
            assert session.hello.model == "small"
            for frame in frames[:count]:
                emulator.transport.write(frame)
                if count <= len(frames) - 1:  # or the power fails while it works
                    emulator.transport.read(PATIENCE_SECONDS)
            emulator.process.kill()
    with board() as emulator:
        session = Session(emulator.transport, **PATIENT)
        assert session.hello.model in ("small", "other")
        assert session.load(image).model == "other"
    with board() as emulator:
        assert Session(emulator.transport, **PATIENT).hello.model == "other"


def test_a_damaged_model_and_a_refused_one_leave_the_built_in_one(board, other, tmp_path):
    image = read_model_image(other)
    wrong = b"\0" * 64
    with board() as emulator:
        Session(emulator.transport, **PATIENT).load(image)
        with (tmp_path / "psram").open("r+b") as memory:  # which the emulator shares
            memory.seek(32 + len(image.data) - 400)
            byte = memory.read(1)
            memory.seek(-1, 1)
            memory.write(bytes([byte[0] ^ 1]))
        *_, refused, log, hello = answers(
            emulator.transport, model_frames(wrong, zlib.crc32(wrong))
        )
        assert refused.fields["fallen"] == log.fields["reason"] == "its image is damaged"
        assert hello.fields["model"] == "small"
        player = LinkPlayer(emulator.transport, **PATIENT)
        assert player.play(np.zeros(8000, np.int16)).frames == 24
