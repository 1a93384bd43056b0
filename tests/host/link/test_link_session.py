# SPDX-License-Identifier: Apache-2.0
"""A conversation over a bad connection: all audio arrives, or an error says so; it never hangs.

The other side is the firmware itself (stapes-firmware --link, built with sanitizers).
"""

import base64
import contextlib
import itertools

import numpy as np
import pytest
from disk import room_for
from link_bytes import BadConnection, line

from stapes.cli.main import main
from stapes.errors import StapesError
from stapes.link.decoder_settings import parse_changes
from stapes.link.protocol import ALL_AUDIO, FrameType, encode_frame
from stapes.link.session import Session
from stapes.link.transport import LinkClosed, ProgramTransport, TeeTransport
from stapes.link.watched_replay import WatchedReplay
from stapes.model.settings import DecoderSettings, ModelSettings
from stapes.replay import LinkPlayer, NativePlayer

# After damage no answer comes, so questions are repeated soon. A busy machine needs longer.
SOON = {"answer_seconds": 0.1, "tries": 600}


@pytest.fixture
def program(firmware):
    with contextlib.closing(ProgramTransport([str(firmware.program), "--link"])) as transport:
        yield transport


@pytest.fixture(scope="module")
def audio():
    return np.random.default_rng(3).integers(-9000, 9000, 50_001).astype(np.int16)


@pytest.fixture(scope="module")
def expected(firmware, audio):
    _ = firmware.program  # writes the model file as well
    return NativePlayer(firmware.model).play(audio)


def test_the_hello_says_who_speaks(program):
    hello = Session(program).hello
    assert (hello.board, hello.model, hello.sample_rate) == ("host", "small", 16000)
    assert hello.labels == ("_silence_", "_unknown_", "yes", "no")


def test_audio_gives_the_scores_and_detections_of_the_native_engine(program, audio, expected):
    replayed = LinkPlayer(program, send_scores=True).play(audio)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    assert replayed.detections == expected.detections != []
    assert replayed.stats["samples"] == len(audio)


def test_each_play_starts_afresh(program, audio):
    player = LinkPlayer(program, send_scores=True)
    first, second = player.play(audio[:9000]), player.play(audio[:9000])
    np.testing.assert_array_equal(first.scores, second.scores)
    assert first.detections == second.detections


def test_no_audio_at_all(program):
    assert LinkPlayer(program).play(np.zeros(0, np.int16)).frames == 0


@pytest.mark.parametrize("seed", range(3))
def test_damage_on_the_way_to_the_board_costs_time_only(program, audio, expected, seed):
    connection = BadConnection(program, to_board=20, seed=seed)
    player = LinkPlayer(connection, **SOON, send_scores=True)
    replayed = player.play(audio)
    assert connection.hits > 5
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    assert replayed.detections == expected.detections
    stats = replayed.stats
    assert stats["bad_framing"] + stats["bad_length"] + stats["bad_checksum"] > 0


@pytest.mark.parametrize("seed", range(4))
def test_damage_on_the_way_back_is_survived_or_said(program, audio, expected, seed):
    connection = BadConnection(program, to_host=40, seed=seed)
    player = LinkPlayer(connection, **SOON)
    try:
        replayed = player.play(audio)
    except StapesError as error:
        assert "lines were lost on the way" in str(error)
    else:
        assert replayed.detections == expected.detections
        assert replayed.frames == expected.frames
    assert connection.hits > 0


def test_lost_scores_are_said(program, audio):
    connection = BadConnection(program, to_host=10, seed=1)
    player = LinkPlayer(connection, **SOON, send_scores=True)
    with pytest.raises(StapesError, match="lines were lost on the way"):
        player.play(audio)


def test_what_the_board_hears_comes_back_sample_for_sample(program, audio):
    heard = []
    session = Session(program, on_event=heard.append)
    session.listen(ALL_AUDIO)
    session.play(audio)
    lines = [event for event in heard if event.name == "audio"]
    starts = [event.number("sample") for event in lines]
    pcm = [base64.b64decode(event.fields["pcm"] + "==") for event in lines]
    assert b"".join(pcm) == audio.astype("<i2").tobytes()
    assert starts == [sum(map(len, pcm[:index])) // 2 for index in range(len(pcm))]
    session.listen(0)
    heard.clear()
    session.play(audio[:4000])
    assert [event for event in heard if event.name == "audio"] == []


def labels_found(session, found, audio) -> list[str]:
    found.clear()
    session.play(audio)
    return [event.fields["label"] for event in found if event.name == "detection"]


def test_settings_change_what_is_detected_until_the_board_restarts(program, audio, expected):
    found = []
    session = Session(program, on_event=found.append)
    as_it_is = [detection.label for detection in expected.detections]
    assert labels_found(session, found, audio) == as_it_is
    session.set_decoder(parse_changes(["threshold=1", f"threshold:{as_it_is[0]}=0.1"]))
    assert set(labels_found(session, found, audio)) == {as_it_is[0]}
    session.set_decoder(parse_changes([f"threshold:{as_it_is[0]}=1"]))
    assert labels_found(session, found, audio) == []
    session.set_decoder(parse_changes(["threshold=0", "average_ms=100", "suppression_ms=0"]))
    assert labels_found(session, found, audio) != []
    assert found[0].number("time_ms") < expected.detections[0].time_ms
    session.reset_decoder()


def test_settings_equal_those_of_the_model_that_has_them(program, small_model, audio, tmp_path):
    """The same words in a running board and inside a model give the same detections."""
    decoder = DecoderSettings(
        average_window_duration_ms=300,
        suppression_ms=100,
        minimum_count=5,
        label_thresholds={"yes": 0.5, "_unknown_": 0.9},
    )
    path = tmp_path / "model.tflite"
    labels = ("_silence_", "_unknown_", "yes", "no")
    path.write_bytes(small_model(ModelSettings(name="small", labels=labels, decoder=decoder)))
    words = ["average_ms=300", "suppression_ms=100", "minimum_count=5", "threshold:yes=0.5"]
    Session(program).set_decoder(parse_changes([*words, "threshold:_unknown_=0.9"]))
    assert (
        LinkPlayer(program).play(audio).detections
        == NativePlayer(path).play(audio).detections
        != []
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["average_ms=5000"], "the board refused"),
        (["threshold:maybe=0.5"], "found label 'maybe'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(program, words, said):
    session = Session(program)
    with pytest.raises(StapesError, match=said):
        session.set_decoder(parse_changes(words))


@pytest.mark.parametrize(
    "word",
    [
        *("threshold", "threshold=2", "threshold:yes=x", "threshold=nan", "volume=3", "=", ""),
        *("average_ms=0", "average_ms=99999", "suppression_ms=-1", "minimum_count=1.5"),
        *("threshold:=0.5", "suppression_ms=60001", "minimum_count=0"),
    ],
)
def test_words_that_are_no_settings_are_mistakes(word, capsys):
    assert main(["set", word, "--port", "/dev/none"]) == 2
    assert "expected" in (error := capsys.readouterr().err)
    assert error.count("\n") == 1


def test_a_setting_given_twice_is_a_mistake():
    with pytest.raises(StapesError, match="threshold:yes=1: found threshold:yes twice"):
        parse_changes(["threshold=0.5", "threshold:yes=0", "threshold:yes=1"])


def test_a_silent_board_is_given_up():
    class Silent:
        name = "nobody"

        def read(self, timeout):
            return b""

        def write(self, data):
            pass

    with pytest.raises(StapesError, match="nobody: no 'hello' for"):
        Session(Silent(), answer_seconds=0.001, tries=3)


def test_a_program_that_ends_is_said():
    with (
        contextlib.closing(ProgramTransport(["true"])) as transport,
        pytest.raises(LinkClosed, match="the connection ended"),
    ):
        Session(transport)


# A scripted board answers at once. Only a test that fails waits this long.
PATIENT = {"answer_seconds": 60.0, "tries": 1}


class Scripted:
    """A board that answers every frame with the next of `answers`."""

    name = "script"

    def __init__(self, *answers: bytes):
        self._answers = list(answers)
        self._waiting = b""

    def write(self, data):
        if data != b"\0" and self._answers:
            self._waiting += self._answers.pop(0)

    def read(self, timeout):
        waiting, self._waiting = self._waiting, b""
        return waiting


HELLO = "hello protocol=1 board=b labels=a,b sample_rate=16000 credits=3"


def test_another_protocol_is_refused():
    board = Scripted(line(0, "hello protocol=9 request=1"))
    with pytest.raises(StapesError, match="found protocol '9', expected 1"):
        Session(board, **PATIENT)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("sample_rate=0", "found '0' for sample_rate in its line 'hello', expected 8000 to 48000"),
        (f"sample_rate={2**31}", "found '2147483648' for sample_rate"),
        (f"sample_rate={'9' * 5000}", "expected 8000 to 48000"),
        ("sample_rate=-16000", "found '-16000' for sample_rate"),
        ("rate=16000", "found none for sample_rate"),
        ("credits=0", "found '0' for credits in its line 'hello', expected 1 to 127"),
        ("credits=128", "found '128' for credits"),
        (f"model_bytes={2**32}", "found '4294967296' for model_bytes"),
        ("model_slot=x", "found 'x' for model_slot"),
        (f"labels={','.join('abcdefghij' * 7)}", "found 70 labels, expected 1 to 64"),
        ("names=a", "found no labels"),
        ("labels=", "found no labels, or one without letters, expected 1 to 64"),
        ("labels=a,,b", "found no labels, or one without letters"),
    ],
)
def test_a_hello_with_what_no_board_has_is_refused(field, said):
    named = {"rate": "sample_rate", "names": "labels"}
    name = field.partition("=")[0]
    words = [word for word in HELLO.split() if not word.startswith(f"{named.get(name, name)}=")]
    board = Scripted(line(0, " ".join([*words, field, "request=1"])))
    with pytest.raises(StapesError, match=said) as refused:
        Session(board, **PATIENT)
    assert len(str(refused.value)) < 200


def playing(*answers: bytes, samples: int = 0):
    """The result of `samples` samples to a board that gives these answers."""
    board = Scripted(
        line(1, HELLO + " request=1"),
        line(2, "ok request=2"),
        line(3, "ok request=3"),
        line(4, "ok request=4"),
        *answers,
        line(900, "stats request=5"),
    )
    player = LinkPlayer(board, send_scores=True, **PATIENT)
    return player.play(np.zeros(samples, np.int16))


def whole(*news: str, done: str = "samples=16000 frames=1 detections=1") -> list[bytes]:
    """The answers to a second of audio in 125 frames and the end, with `news` before the last."""
    acks = [line(5 + number, f"ack next={number}") for number in range(1, 126)]
    lines = [*news, f"done {done}", "ack next=126"]
    return [*acks, b"".join(line(200 + i, text) for i, text in enumerate(lines))]


HEARD = "detection time_ms=1000 label=a score=1.00000"
SCORED = "scores time_ms=1000 features_crc=65535 q=0001"


def test_what_was_asked_for_is_believed():
    replayed = playing(*whole(HEARD, SCORED), samples=16000)
    assert [found.score_q16 for found in replayed.detections] == [65536]
    assert (replayed.times_ms.tolist(), replayed.features_crc.tolist()) == ([1000], [65535])


@pytest.mark.parametrize(
    ("news", "said"),
    [
        ([HEARD.replace("1000", "1001"), SCORED], "found '1001' for time_ms .* expected 0 to 1000"),
        ([HEARD.replace("1.00000", "1.e999"), SCORED], "'1.e999' for score, expected 0 to 1"),
        ([HEARD.replace("1.00000", "1.00001"), SCORED], "'1.00001' for score"),
        ([HEARD.replace("label=a", "label=c"), SCORED], "a detection of 'c', expected one of a, b"),
        ([HEARD, SCORED.replace("1000", str(2**32 + 7))], "found '4294967303' for time_ms"),
        ([HEARD, SCORED.replace("65535", "65536")], "found '65536' for features_crc"),
        ([HEARD, SCORED.replace("0001", "000102")], "found '000102' for q, expected 2 scores"),
        ([HEARD, HEARD, SCORED], "found 2 detections, expected 1"),
        ([HEARD, SCORED, SCORED + "1"], "found '00011' for q"),
        (
            [HEARD, HEARD.replace("1000", "999"), SCORED],
            "found '999' for time_ms in its line 'detection', expected 1000;",
        ),
    ],
)
def test_news_of_what_was_not_sent_are_an_error(news, said):
    with pytest.raises(StapesError, match=said):
        playing(*whole(*news), samples=16000)


def watched(*answers: bytes) -> list[str]:
    """The events that are shown of half a second of silence, watched in a board that gives these
    answers after its microphone has heard something."""
    microphone = line(3, "detection time_ms=4000000 label=b score=1.00000")
    board = Scripted(
        line(1, HELLO + " request=1"),
        line(2, "ok request=2"),
        microphone + line(4, "ok request=3"),
        line(5, "ok request=4"),
        *answers,
    )
    shown: list[str] = []
    replay = WatchedReplay(board, show_scores=True, tries=1)
    replay.play(np.zeros(8000, np.int16), lambda event: shown.append(event.name))
    return shown


def half(*news: str, detections: int) -> list[bytes]:
    """As `whole`, of half a second in 63 frames and the end."""
    acks = [line(5 + number, f"ack next={number}") for number in range(1, 64)]
    end = f"done samples=8000 frames=1 detections={detections}"
    return [
        *acks,
        b"".join(line(200 + i, text) for i, text in enumerate([*news, end, "ack next=64"])),
    ]


EARLY = "detection time_ms=1 label=a score=1.00000"


def test_a_watched_replay_shows_what_can_be():
    shown = watched(*half(EARLY, "scores time_ms=2 features_crc=1 q=0001", detections=1))
    assert shown == ["hello", "detection", "scores"]


@pytest.mark.parametrize(
    ("news", "said"),
    [
        # It would wait for it, or for ever.
        (EARLY.replace("=1 ", "=900 "), "found '900' for time_ms .* expected 0 to 500"),
        ("woken time_ms=99999999999999999999", "found none for time_ms|99999999999999999999"),
        (EARLY.replace("=1 ", "=-4 "), "found '-4' for time_ms"),
        (EARLY.replace("label=a", "label=c"), "a detection of 'c', expected one of a, b"),
        (EARLY.replace("1.00000", "9.90000"), "'9.90000' for score, expected 0 to 1"),
        ("scores time_ms=2 features_crc=1 q=00", "found '00' for q, expected 2 scores"),
    ],
)
def test_a_watched_replay_refuses_what_cannot_be_at_once(news, said):
    with pytest.raises(StapesError, match=said):
        watched(*half(news, detections=1))


def test_a_watched_replay_counts_the_detections():
    with pytest.raises(
        StapesError, match="found '7' for detections in its line 'done', expected 1"
    ):
        watched(*half(EARLY, detections=7))


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("samples=15744 frames=1 detections=1", "'15744' for samples .* expected 16000"),
        ("samples=16000 frames=2 detections=1", "found 1 scores, expected 2"),
        ("frames=1 detections=1", "found none for samples"),
    ],
)
def test_an_end_that_does_not_fit_the_audio_is_an_error(done, said):
    with pytest.raises(StapesError, match=said):
        playing(*whole(HEARD, SCORED, done=done), samples=16000)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("ack next=2", "found an ack of frames before 2, expected those before 0 to 1"),
        ("ack next=255", "found an ack of frames before 255"),
        ("ack next=256", "found '256' for next in its line 'ack', expected 0 to 255"),
        ("ack", "found none for next"),
    ],
)
def test_an_ack_of_what_was_not_sent_is_an_error(answer, said):
    with pytest.raises(StapesError, match=said):
        playing(line(5, answer))


def test_an_end_before_the_end_is_an_error():
    with pytest.raises(StapesError, match="found 'done' before the end, expected an 'ack'"):
        playing(line(5, "done samples=16000 frames=0 detections=0"), samples=16000)


def test_a_flood_of_answers_that_bring_nothing_ends_as_silence_does():
    class Flood(Scripted):
        def read(self, timeout):
            return super().read(timeout) or line(next(sequence), "ack next=0")

    sequence = itertools.count(10)
    board = Flood(line(1, HELLO + " request=1"), line(2, "ok request=2"))
    session = Session(board, answer_seconds=3.0, tries=1)
    with pytest.raises(StapesError, match="no 'ack' for"):
        session.play(np.zeros(1000, np.int16))
    with pytest.raises(StapesError, match="no 'stats' for"):
        session.stats()


def test_a_restart_in_the_middle_is_said():
    board = Scripted(line(1, HELLO + " request=1"), line(2, "ok request=2") + line(0, HELLO))
    session = Session(board, **PATIENT)
    with pytest.raises(StapesError, match="restarted in the middle"):
        session.play(np.zeros(1000, np.int16))


def test_a_fault_is_said_with_its_place():
    board = Scripted(line(1, HELLO + " request=1"), line(2, "fatal reason=fault pc=4660"))
    session = Session(board, **PATIENT)
    with pytest.raises(StapesError, match=r"the board stopped \(fault, pc 0x1234\)"):
        session.reset()


def test_the_program_takes_10_mb_of_noise_and_still_answers(program):
    rng = np.random.default_rng(5)
    session = Session(program)
    for _ in range(1000):
        program.write(rng.integers(0, 256, 10_000).astype(np.uint8).tobytes())
        list(session.reader.feed(program.read(0)))
    program.write(b"\0")
    stats = session.stats()
    assert stats["bad_framing"] + stats["bad_length"] + stats["bad_checksum"] > 30_000
    assert session.reader.counts.damaged == session.reader.counts.lost == 0


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (FrameType.AUDIO, b""),
        (FrameType.AUDIO, b"\1\2\3"),
        (FrameType.SCORES, b""),
        (FrameType.SCORES, b"\2"),
        (99, b""),
    ],
)
def test_commands_that_do_not_fit_are_counted_and_left_out(program, kind, payload):
    session = Session(program)
    program.write(encode_frame(kind, 0, payload))
    stats = session.stats()
    assert stats["bad_command"] == 1
    assert stats["samples"] == 0


# ---- somebody who reads along


def test_a_file_that_reads_along_holds_what_came_and_nothing_older(tmp_path):
    copy = tmp_path / "said.txt"
    copy.write_bytes(b"older and longer than what comes")
    transport = TeeTransport(Scripted(b"what came"), copy)
    transport.write(b"a frame")
    assert transport.read(0) == b"what came" == copy.read_bytes()


def test_a_file_that_reads_along_names_a_full_disk(tmp_path):
    transport = TeeTransport(Scripted(b"too much"), tmp_path / "said.txt")
    transport.write(b"a frame")
    with room_for(3), pytest.raises(StapesError, match=r"said\.txt: cannot be written"):
        transport.read(0)
