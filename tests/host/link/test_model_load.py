# SPDX-License-Identifier: Apache-2.0
"""Models over the link: the board checks a model before it uses it, and keeps the old one if
anything goes wrong.

The other side is the firmware itself (stapes-firmware --link --models FILE, with sanitizers).
"""

import contextlib
import dataclasses
import struct
from urllib.parse import quote

import numpy as np
import pytest
from link_bytes import BadConnection, answers, line, model_frames

from stapes.cli.main import main
from stapes.device.engine import Engine
from stapes.errors import StapesError
from stapes.link.model_image import GATE_PLACE, read_model_image
from stapes.link.protocol import FrameType, LineReader, encode_frame
from stapes.link.session import Session
from stapes.link.transport import ProgramTransport
from stapes.model.settings import DecoderSettings, FrontEndSettings, GateSettings, ModelSettings
from stapes.replay import LinkPlayer, NativePlayer

SETTINGS = ModelSettings(
    name="other",
    labels=("_silence_", "_unknown_", "ja"),
    decoder=DecoderSettings(
        average_window_duration_ms=400, detection_threshold=0.1, label_thresholds={"ja": 0.3}
    ),
)


@pytest.fixture(scope="module")
def audio():
    return np.random.default_rng(3).integers(-9000, 9000, 50_001).astype(np.int16)


@pytest.fixture
def other(small_model, tmp_path):
    """A model with other labels, weights, quantization and decoder than the compiled-in one."""
    path = tmp_path / "other.tflite"
    path.write_bytes(small_model(SETTINGS, input_scale=0.07, seed=2))
    return path


@pytest.fixture
def board(firmware, tmp_path):
    """Switches the board on; it keeps its models."""

    @contextlib.contextmanager
    def switch_on(**damage):
        command = [str(firmware.program), "--link", "--models", str(tmp_path / "slots")]
        with contextlib.closing(ProgramTransport(command)) as transport:
            yield BadConnection(transport, **damage)

    return switch_on


def name_of_model(board) -> str:
    with board() as transport:
        return Session(transport).hello.model


def test_a_loaded_model_replaces_the_old_one_and_stays(board, other, audio):
    expected = NativePlayer(other).play(audio)
    with board() as transport:
        session = Session(transport)
        assert (session.hello.model, session.hello.model_slot) == ("small", 0)
        loaded = session.load(read_model_image(other))
        assert (loaded.model, loaded.labels, loaded.model_slot) == ("other", SETTINGS.labels, 1)
    for _ in range(2):  # also after the board was switched off
        with board() as transport:
            player = LinkPlayer(transport, send_scores=True)
            replayed = player.play(audio)
        np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
        np.testing.assert_array_equal(replayed.scores, expected.scores)
        assert replayed.detections == expected.detections != []


GATE = GateSettings(replay_inferences=5, hold_ms=200, onset_ms=60)


@pytest.fixture
def gated(small_model, tmp_path):
    """A model with a silence gate, and audio in which it skips a part."""
    path = tmp_path / "gated.tflite"
    path.write_bytes(small_model(dataclasses.replace(SETTINGS, name="gated", gate=GATE), seed=2))
    random = np.random.default_rng(8)
    loudness = np.repeat([5, 9000, 5, 5, 9000, 5], 12_000)
    return path, (random.normal(0, 1, loudness.size) * loudness / 3).astype(np.int16)


def test_a_loaded_model_runs_behind_its_own_gate(board, gated, other, audio):
    path, sound = gated
    expected = NativePlayer(path).play(sound)
    with board() as transport:
        Session(transport).load(read_model_image(path))
    with board() as transport:
        player = LinkPlayer(transport, send_scores=True)
        np.testing.assert_array_equal(player.play(sound).scores, expected.scores)
        stats = Session(transport).stats()
        assert 0 < stats["skipped"] < stats["frames"]
        session = Session(transport)
        assert session.load(read_model_image(other)).model == "other"  # it has none
        player = LinkPlayer(transport, send_scores=True)
        np.testing.assert_array_equal(
            player.play(audio).scores, NativePlayer(other).play(audio).scores
        )
        assert Session(transport).stats()["skipped"] == 0


def test_gates_of_loaded_models_follow_one_another(board, gated, small_model, tmp_path):
    first, sound = gated
    second = tmp_path / "second.tflite"
    gate = dataclasses.replace(GATE, replay_inferences=9, onset_ms=20, threshold_db=20)
    second.write_bytes(small_model(dataclasses.replace(SETTINGS, gate=gate), seed=4))
    with board() as transport:
        for path in (first, second, first):
            Session(transport).load(read_model_image(path))
            scores = LinkPlayer(transport, send_scores=True).play(sound).scores
            np.testing.assert_array_equal(scores, NativePlayer(path).play(sound).scores)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (GATE_PLACE, 1 << 20, "the image's header contradicts itself"),
        (None, 0, "the silence gate's settings or memory do not fit"),  # frame_samples
    ],
)
def test_a_damaged_gate_is_refused(board, gated, place, value, reason):
    image = read_model_image(gated[0])
    data = bytearray(image.data)
    place = place or struct.unpack_from("<I", data, GATE_PLACE)[0]
    struct.pack_into("<I", data, place, value)
    with board() as transport, pytest.raises(StapesError, match=reason):
        Session(transport).load(dataclasses.replace(image, data=bytes(data)))
    assert name_of_model(board) == "small"


def test_the_built_in_model_comes_back_and_stays(firmware, board, other, audio):
    expected = NativePlayer(firmware.model).play(audio)
    with board() as transport:
        session = Session(transport)
        session.load(read_model_image(other))
        assert session.use_built_in().model == "small"
        assert session.use_built_in().model_slot == 0
    with board() as transport:
        assert LinkPlayer(transport).play(audio).detections == expected.detections
        assert Session(transport).load(read_model_image(other)).model == "other"
    assert name_of_model(board) == "other"


def test_models_follow_one_another(board, other, firmware):
    with board() as transport:
        session = Session(transport)
        for name, path in (("other", other), ("small", firmware.model)) * 3:
            assert session.load(read_model_image(path)).model == name


@pytest.mark.parametrize("seed", range(3))
def test_damage_on_the_way_costs_time_only(board, other, seed):
    with board(to_board=2, to_host=10, seed=seed) as transport:
        session = Session(transport, answer_seconds=0.05, tries=1200)
        assert session.load(read_model_image(other)).model == "other"
        assert transport.hits > 2
    assert name_of_model(board) == "other"


@pytest.mark.parametrize("half_a_frame", [False, True])
def test_power_lost_after_any_frame_leaves_the_old_model(board, other, half_a_frame):
    image = read_model_image(other)
    frames = model_frames(image.data, image.crc32)
    for count in range(len(frames)):
        with board() as transport:
            session = Session(transport)
            assert session.hello.model == "small"
            for frame in frames[:count]:
                transport.write(frame)
            if half_a_frame:
                transport.write(frames[count][: len(frames[count]) // 2])
    assert name_of_model(board) == "small"
    with board() as transport:
        Session(transport)
        for frame in frames:
            transport.write(frame)
        Session(transport)  # its answers come after all earlier ones
    assert name_of_model(board) == "other"


def refusal(board, path) -> str:
    """What the board says to a model that it refuses. The old one runs on."""
    with board() as transport:
        session = Session(transport)
        with pytest.raises(StapesError) as refused:
            session.load(read_model_image(path))
        assert LinkPlayer(transport).play(np.zeros(16000, np.int16)).frames == 49
        assert Session(transport).hello.model == "small"
    assert name_of_model(board) == "small"
    return str(refused.value)


def test_a_model_for_another_front_end_is_refused(board, small_model, tmp_path):
    path = tmp_path / "stride.tflite"
    settings = dataclasses.replace(SETTINGS, front_end=FrontEndSettings(window_stride_ms=10.0))
    path.write_bytes(small_model(settings))
    said = refusal(board, path)
    assert "made for another front end" in said and said.endswith("nothing changed")


def test_a_model_with_an_operator_that_is_not_linked_in_is_refused(board, small_model, tmp_path):
    path = tmp_path / "operator.tflite"
    path.write_bytes(small_model(SETTINGS, operator="RELU"))
    said = refusal(board, path)
    assert "no such operator, operator 2" in said
    assert "-DSTAPES_SLOT_LABELS=3 -DSTAPES_SLOT_OPERATORS=ON" in said


def test_a_model_with_a_larger_arena_is_refused_with_the_option_that_helps(
    board, small_model, tmp_path
):
    path = tmp_path / "large.tflite"
    path.write_bytes(small_model(SETTINGS, memory=1000))
    arena = -(-Engine.from_file(path).arena_used // 16) * 16
    said = refusal(board, path)
    assert "the arena is too small" in said and "\n" not in said
    assert f"with -DSTAPES_MODEL_SLOTS=ON -DSTAPES_SLOT_ARENA_BYTES={arena} -D" in said
    assert "OPERATORS" not in said


def test_a_model_with_more_labels_than_there_is_memory_for_is_refused(board, small_model, tmp_path):
    path = tmp_path / "labels.tflite"
    labels = ("_silence_", "_unknown_", *(f"word{i}" for i in range(40)))
    path.write_bytes(small_model(ModelSettings(name="wide", labels=labels)))
    assert "-DSTAPES_SLOT_LABELS=42" in refusal(board, path)


def test_an_image_that_changed_on_its_way_is_refused(board, other):
    image = read_model_image(other)
    damaged = bytearray(image.data)
    damaged[-100] ^= 1
    with board() as transport:
        (*_, last) = answers(transport, model_frames(bytes(damaged), image.crc32))
    assert last.name == "refused" and "incomplete or damaged" in last.fields["reason"]
    assert name_of_model(board) == "small"


def test_headers_of_any_content_are_refused_or_run(board, other):
    """The checksum cannot find it: an image with a wrong header."""
    data = read_model_image(other).data
    rng = np.random.default_rng(4)
    with board() as transport:
        session = Session(transport)
        for _ in range(60):
            damaged = bytearray(data)
            at = rng.integers(0, 112, rng.integers(1, 4))
            for position in at:
                damaged[position] = rng.integers(0, 256)
            image = dataclasses.replace(read_model_image(other), data=bytes(damaged))
            with contextlib.suppress(StapesError):
                session.load(image)
            assert LinkPlayer(transport).play(np.zeros(1000, np.int16)).frames == 2


RECORD_BYTES = 32
SLOTS_BYTES = 2 << 20


def flip(slots, at):
    """Flips one stored bit, also while the board runs: the file is its memory."""
    with slots.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 16]))


def said_before(transport):
    """All that a board says until it is asked."""
    return answers(transport, [])


# In the commit record, the image's header, its file's root, its weights.
@pytest.mark.parametrize("at", [8, RECORD_BYTES + 17, RECORD_BYTES + 200, -400])
def test_a_refused_load_does_not_leave_a_damaged_model_running(
    board, other, small_model, tmp_path, at
):
    image = read_model_image(other)
    refused_model = tmp_path / "operator.tflite"
    refused_model.write_bytes(small_model(SETTINGS, operator="RELU"))
    wrong = read_model_image(refused_model)
    slots = tmp_path / "slots"
    with board() as transport:
        assert Session(transport).load(image).model == "other"
        flip(slots, at if at > 0 else RECORD_BYTES + len(image.data) + at)
        *_, refused, log, hello = said = answers(transport, model_frames(wrong.data, wrong.crc32))
        assert (refused.name, log.name, hello.name) == ("refused", "log", "hello")
        assert "no such operator" in refused.fields["reason"]
        assert refused.fields["fallen"] == log.fields["reason"] == "its image is damaged"
        assert "request" not in hello.fields
        assert (hello.fields["model"], hello.fields["model_slot"]) == ("small", "0")
        reader = LineReader()
        list(reader.feed(b"".join(line(event.sequence, as_text(event)) for event in said)))
        assert reader.counts.restarts == 0
        assert LinkPlayer(transport).play(np.zeros(16000, np.int16)).frames == 49
        assert Session(transport).load(image).model == "other"
    assert name_of_model(board) == "other"


def as_text(event):
    words = [f"{name}={quote(text, safe=',')}" for name, text in event.fields.items()]
    return " ".join([event.name, *words])


def test_a_load_that_is_refused_tells_that_the_old_model_has_gone(
    board, other, small_model, tmp_path
):
    refused_model = tmp_path / "operator.tflite"
    refused_model.write_bytes(small_model(SETTINGS, operator="RELU"))
    with board() as transport:
        session = Session(transport)
        session.load(read_model_image(other))
        flip(tmp_path / "slots", RECORD_BYTES + 300)
        with pytest.raises(
            StapesError, match=r"no such operator.*does not run any more \(its image"
        ):
            session.load(read_model_image(refused_model))


@pytest.mark.parametrize("slot", [0, 1])
def test_a_model_that_was_damaged_while_the_board_was_off_is_told_at_the_start(
    board, other, firmware, tmp_path, slot
):
    """The model before it runs, or the built-in one."""
    with board() as transport:
        session = Session(transport)
        for path in (other, firmware.model)[: slot + 1]:
            session.load(read_model_image(path))
    flip(tmp_path / "slots", slot * SLOTS_BYTES // 2 + RECORD_BYTES + 300)
    with board() as transport:
        hello, log = said_before(transport)
        assert hello.fields["model"] == ("small", "other")[slot]
        assert hello.fields["model_slot"] == str(slot)
        assert (log.name, log.fields["reason"]) == ("log", "its image is damaged")


def asked_who_it_is(transport):
    return answers(transport, [encode_frame(FrameType.HELLO, 7)])


# In the commit record, the image's header, its weights.
@pytest.mark.parametrize("at", [8, RECORD_BYTES + 17, -400])
def test_a_model_that_is_damaged_while_it_runs_is_told_to_those_who_ask(board, other, tmp_path, at):
    image = read_model_image(other)
    with board() as transport:
        Session(transport).load(image)
        (hello,) = asked_who_it_is(transport)
        assert hello.fields["model"] == "other"
        flip(tmp_path / "slots", at if at > 0 else RECORD_BYTES + len(image.data) + at)
        hello, log = asked_who_it_is(transport)
        assert (hello.fields["model_slot"], log.name) == ("1", "log")
        assert "damaged in its memory" in log.fields["text"]
        assert Session(transport).use_built_in().model == "small"
        (hello,) = asked_who_it_is(transport)


def test_an_older_model_that_is_damaged_is_nobodys_business(board, other, firmware, tmp_path):
    with board() as transport:
        session = Session(transport)
        session.load(read_model_image(other))
        session.load(read_model_image(firmware.model))
    flip(tmp_path / "slots", RECORD_BYTES + 300)
    with board() as transport:
        (hello,) = said_before(transport)
        assert (hello.fields["model"], hello.fields["model_slot"]) == ("small", "2")


def test_power_lost_while_a_damaged_model_is_replaced_leaves_one_that_runs(board, other, tmp_path):
    image = read_model_image(other)
    frames = model_frames(image.data, image.crc32)
    with board() as transport:
        Session(transport).load(image)
    flip(tmp_path / "slots", RECORD_BYTES + 300)
    for count in range(0, len(frames), 5):
        with board() as transport:
            session = Session(transport)
            assert (session.hello.model, session.hello.model_slot) == ("small", 0)
            for frame in frames[:count]:
                transport.write(frame)
    with board() as transport:
        assert Session(transport).load(image).model == "other"
    assert name_of_model(board) == "other"


def test_a_program_without_memory_for_models_says_so(firmware):
    with contextlib.closing(ProgramTransport([str(firmware.program), "--link"])) as transport:
        assert Session(transport).hello.model_bytes == 0
        (begun, *_) = answers(transport, model_frames(bytes(16), 0))
    assert begun.name == "refused" and "takes no models" in begun.fields["reason"]


def test_the_command_loads_and_goes_back(firmware, other, tmp_path, capsys):
    words = ["--program", str(firmware.program), "--slots", str(tmp_path / "slots")]
    assert main(["load", str(other), *words]) == 0
    assert "model other (slot 1), hears _silence_, _unknown_, ja" in capsys.readouterr().out
    assert main(["load", "--built_in", *words]) == 0
    assert "model small (built in)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "either MODEL or --built_in"),
        (("--built_in", "--port", "p", "--program", "q"), "found --port and --program"),
        (("--built_in", "--program", "p"), "--program and --slots go together"),
        (("/none.tflite", "--port", "p"), "/none.tflite: cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_status_2(words, said, capsys):
    assert main(["load", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
