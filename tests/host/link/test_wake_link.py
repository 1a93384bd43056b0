# SPDX-License-Identifier: Apache-2.0
"""A board with a wake word: what it says about its two models, and what the host may change.

The other side is the firmware itself (stapes-firmware --link, with sanitizers).
"""

import contextlib
import dataclasses
import io
import json

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.cli.main import main
from stapes.device.bundle import ModelBundle
from stapes.errors import StapesError
from stapes.link.decoder_settings import parse_changes
from stapes.link.listen import listen
from stapes.link.model_image import read_model_image
from stapes.link.protocol import FrameType
from stapes.link.session import Refused, Session
from stapes.link.shown import Screen
from stapes.link.transport import ProgramTransport
from stapes.model.settings import NOT_WORDS, WakeSettings
from stapes.replay import LinkPlayer, NativePlayer
from wake_word import LABELS, WAKE, WOKEN, WOKEN_SCALE, loud_and_soft

AUDIO = loud_and_soft(8)


@pytest.fixture
def transport(wake_firmware, tmp_path):
    command = [str(wake_firmware.program), "--link", "--models", str(tmp_path / "slots")]
    with contextlib.closing(ProgramTransport(command)) as transport:
        yield transport


def assert_equal(replayed, expected):
    """Bit for bit, both stages."""
    for found, wanted in ((replayed, expected), (replayed.wake, expected.wake)):
        assert found.frames == wanted.frames > 0
        np.testing.assert_array_equal(found.features_crc, wanted.features_crc)
        np.testing.assert_array_equal(found.scores, wanted.scores)
        np.testing.assert_array_equal(found.times_ms, wanted.times_ms)
    assert replayed.detections == expected.detections
    assert replayed.woken_ms == expected.woken_ms
    assert replayed.asleep_ms == expected.asleep_ms


def test_hello_names_both_models_and_how_long_the_second_one_listens(transport):
    hello = Session(transport).hello
    assert (hello.model, hello.labels) == ("woken", WOKEN.labels)
    assert (hello.wake.model, hello.wake.labels) == ("wake", LABELS)
    assert hello.wake.awake_ms == 5000


def test_both_stages_are_those_of_python_bit_for_bit(transport, wake_firmware):
    player = LinkPlayer(transport, send_scores=True)
    replayed = player.play(AUDIO)
    assert_equal(replayed, NativePlayer(wake_firmware.model, wake=wake_firmware.wake).play(AUDIO))
    assert {found.of_wake_word for found in replayed.detections} == {False, True}
    assert replayed.stats["frames"] == replayed.frames
    assert replayed.stats["wake_frames"] == replayed.wake.frames


def test_the_time_awake_can_be_changed(transport, wake_firmware):
    player = LinkPlayer(transport, send_scores=True)
    player.session.set_decoder(parse_changes(["awake_seconds=0.2"]))
    replayed = player.play(AUDIO)
    awake = WakeSettings(awake_seconds=0.2)
    expected = NativePlayer(wake_firmware.model, wake=wake_firmware.wake, awake=awake).play(AUDIO)
    assert len(expected.asleep_ms) > 2
    assert_equal(replayed, expected)


@pytest.mark.parametrize("awake_ms", [0, 600_001, 2**32 - 1])
def test_a_time_awake_out_of_range_is_refused_and_changes_nothing(transport, awake_ms):
    session = Session(transport)
    with pytest.raises(Refused, match="not 1 ms to 10 minutes"):
        session.ask(FrameType.AWAKE, awake_ms.to_bytes(4, "little"), answer="ok")
    assert Session(transport).hello.wake.awake_ms == 5000


def test_the_threshold_of_a_wake_word_is_its_models(transport):
    """Both models have the label "yes"; the setting is for the woken one."""
    player = LinkPlayer(transport)
    player.session.set_decoder(parse_changes(["threshold:yes=1"]))
    labels = {(found.label, found.of_wake_word) for found in player.play(AUDIO).detections}
    assert ("yes", True) in labels and ("yes", False) not in labels
    changes = parse_changes(["threshold:yes=1"])
    requests = changes.requests(("_silence_", "go"), wake_labels=LABELS, source="here")
    assert requests == [(FrameType.THRESHOLD, b"\2\0\0\0\1\0\1")]
    for kind, payload in requests:
        player.session.ask(kind, payload, answer="ok")
    assert "yes" not in {found.label for found in player.play(AUDIO).detections}


def test_a_board_without_a_wake_word_says_so(firmware):
    with contextlib.closing(ProgramTransport([str(firmware.program), "--link"])) as transport:
        session = Session(transport)
        assert session.hello.wake is None
        with pytest.raises(StapesError, match="found awake_seconds, but this firmware has no wake"):
            session.set_decoder(parse_changes(["awake_seconds=3"]))
        for kind, payload in (
            (FrameType.AWAKE, b"\1\0\0\0"),
            (FrameType.THRESHOLD, bytes(6) + b"\1"),
        ):
            with pytest.raises(Refused, match="this firmware has no wake word"):
                session.ask(kind, payload, answer="ok")


def test_a_model_that_is_loaded_takes_the_second_place_and_is_woken(
    transport, wake_firmware, small_model, tmp_path
):
    settings = dataclasses.replace(WOKEN, name="other", labels=("_silence_", "_unknown_", "ja"))
    other = tmp_path / "other.tflite"
    other.write_bytes(small_model(settings, seed=4, input_scale=WOKEN_SCALE))
    hello = Session(transport).load(read_model_image(other))
    assert (hello.model, hello.wake.model, hello.model_slot) == ("other", "wake", 1)
    replayed = LinkPlayer(transport, send_scores=True).play(AUDIO)
    assert_equal(replayed, NativePlayer(other, wake=wake_firmware.wake).play(AUDIO))


def test_a_machine_that_listens_says_what_a_board_does(wake_firmware):
    class Sound:
        place = 0

        def read(self, samples):
            self.place += samples
            return AUDIO[self.place - samples : self.place]

    bundles = [ModelBundle.from_file(path) for path in (wake_firmware.model, wake_firmware.wake)]
    events = list(listen(bundles[0], Sound(), wake=bundles[1]))
    expected = NativePlayer(wake_firmware.model, wake=wake_firmware.wake).play(AUDIO)
    times = [event.number("time_ms") for event in events if event.name == "woken"]
    assert tuple(times) == expected.woken_ms
    assert events[0].texts("wake_labels") == list(LABELS)
    assert WAKE.name == events[0].fields["wake_model"]
    heard = [event for event in events if event.name == "detection"]
    found = [(event.number("time_ms"), event.is_of_wake_word) for event in heard]
    assert found == [(entry.time_ms, entry.of_wake_word) for entry in expected.detections]


def test_people_see_when_it_wakes_and_sleeps(wake_firmware, capsys):
    from stapes.link.protocol import Event

    screen = Screen()
    fields = {"board": "b", "labels": "go", "wake_labels": "_unknown_,hey", "awake_ms": "2500"}
    screen.show(Event(name="hello", sequence=0, fields=fields))
    screen.show(Event(name="woken", sequence=1, fields={"time_ms": "1250"}))
    screen.show(
        Event(name="scores", sequence=2, fields={"time_ms": "1250", "q": "807F", "stage": "wake"})
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("hears go, for 2.5 s after hey")
    assert lines[1] == "0:00:01.250  woken"
    assert "hey" in lines[2]


def test_the_live_view_shows_the_wake_word_first_and_the_others_as_asleep():
    from rich.console import Console

    from stapes.link.live_view import LiveView
    from stapes.link.protocol import Event

    def event(name: str, **fields: str) -> Event:
        return Event(name=name, sequence=0, fields=fields)

    view = LiveView(None, console=Console(file=io.StringIO(), width=80))
    view.show(event("hello", labels="_unknown_,go", wake_labels="_unknown_,hey"))
    view.show(event("scores", time_ms="30", q="80C0", stage="wake"))
    assert list(view.rows()) == [
        ("hey", 0.25, True),
        ("_unknown_", 0.0, False),
        ("go", 0.0, False),
    ]
    view.show(event("woken", time_ms="30"))
    view.show(event("scores", time_ms="60", q="807F"))
    assert list(view.rows())[2] == ("go", 255 / 256, True)
    view.show(event("asleep", time_ms="90"))
    assert list(view.rows())[2] == ("go", 0.0, False)


def test_a_wake_word_without_its_model_is_an_error(wake_firmware, tmp_path, capsys):
    command = ["replay", "--program", "x", "--wake", str(wake_firmware.wake), str(tmp_path)]
    assert main(command) == 2
    assert "--wake: expected --model as well" in capsys.readouterr().err
    assert (
        main(["emit", str(wake_firmware.model), "--awake_seconds", "3", "--output_dir", "x"]) == 2
    )
    assert "--awake_seconds: expected --wake as well" in capsys.readouterr().err


def test_score_counts_what_the_woken_model_heard_and_the_wake_words_apart(
    wake_firmware, tmp_path, capsys
):
    write_wav(tmp_path / "a.wav", AUDIO, sample_rate=16000)
    awake = WakeSettings(awake_seconds=0.2)
    expected = NativePlayer(wake_firmware.model, wake=wake_firmware.wake, awake=awake).play(AUDIO)
    heard = [found for found in expected.detections if found.label not in NOT_WORDS]
    first = next(found for found in heard if not found.of_wake_word)
    (tmp_path / "truth.txt").write_text(f"{first.label}, {first.time_ms - 500}\n")
    command = ["stream", "score", "--model", str(wake_firmware.model), "--wav"]
    command += [str(tmp_path / "a.wav"), "--ground_truth", str(tmp_path / "truth.txt")]
    command += ["--wake", str(wake_firmware.wake), "--awake_seconds", "0.2"]
    assert main([*command, "--json"]) == 0
    score = json.loads(capsys.readouterr().out)
    assert score["correct"] == 1
    assert score["false_accepts"] == sum(not found.of_wake_word for found in heard) - 1
    assert score["wake"]["false_accepts"] == len(expected.woken_ms)
    every_10_ms = len(AUDIO) / 160 - 2  # WOKEN's frames
    assert score["wake"]["awake_share"] == pytest.approx(expected.frames / every_10_ms)
    assert main(command) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"wake word: {len(expected.woken_ms)} false (")
    assert main([*command, "--compatibility", "tutorial"]) == 2
    assert "--wake: expected --model, and neither --det_png" in capsys.readouterr().err
