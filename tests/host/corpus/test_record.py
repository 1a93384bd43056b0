# SPDX-License-Identifier: Apache-2.0
"""Recording words: prompts, checks, names; and the command around it."""

import sys
import types

import numpy as np
import pytest

from stapes.audio.microphone import SoundDevice, level_db
from stapes.audio.wav import read_wav
from stapes.cli.main import main
from stapes.corpus.record import RecordSettings, fault_of, record_corpus
from stapes.errors import StapesError

RATE = 16000
TIME = np.arange(2 * RATE) / RATE
WORD = (8000 * np.sin(2 * np.pi * 440 * TIME) * (np.abs(TIME - 1.2) < 0.3)).astype(np.int16)
QUIET = np.zeros(2 * RATE, np.int16)
LOUD = np.where(TIME % 0.01 < 0.005, 32767, -32768).astype(np.int16)


class Takes:
    """A microphone that hears these, one after the other."""

    def __init__(self, *takes):
        self.takes = list(takes)

    def hear(self, samples, on_level):
        heard = self.takes.pop(0)
        assert len(heard) == samples
        on_level(level_db(heard))
        return heard


class Said:
    """A screen that remembers."""

    def __init__(self):
        self.events = []

    def ask(self, word, take, takes):
        self.events.append(f"{word} {take}/{takes}")

    def count(self, left):
        self.events.append(left)

    def level(self, decibels):
        self.events.append(f"{decibels:.0f} dB")

    def judge(self, fault):
        self.events.append(fault or "good")


def record(words, folder, *takes, speaker="5f3a09c1", **settings):
    screen = Said()
    written = record_corpus(
        words,
        folder,
        speaker=speaker,
        settings=RecordSettings(**settings),
        microphone=Takes(*takes),
        screen=screen,
        pause=lambda seconds: None,
    )
    return [str(path.relative_to(folder)) for path in written], screen.events


def test_words_are_asked_for_in_turn_and_kept(tmp_path):
    names, events = record(["yes", "no"], tmp_path / "corpus", *[WORD] * 4, takes=2)
    assert names == [
        *("yes/5f3a09c1_nohash_0.wav", "no/5f3a09c1_nohash_0.wav"),
        *("yes/5f3a09c1_nohash_1.wav", "no/5f3a09c1_nohash_1.wav"),
    ]
    assert events[:6] == ["yes 1/2", 3, 2, 1, 0, "-20 dB"] and events[6] == "good"
    samples = read_wav(tmp_path / "corpus" / names[0], sample_rate=RATE)
    assert len(samples) == RATE
    # The second with the word, of the two.
    assert np.abs(samples.astype(int)).sum() == np.abs(WORD.astype(int)).sum()


def test_bad_takes_are_asked_for_again(tmp_path):
    names, events = record(["yes"], tmp_path, QUIET, LOUD, WORD, takes=1)
    assert names == ["yes/5f3a09c1_nohash_0.wav"]
    assert [event for event in events if event in ("silent", "clipped", "good")] == [
        *("silent", "clipped", "good")
    ]


def test_numbers_go_on_after_those_that_are_there(tmp_path):
    record(["yes"], tmp_path, WORD, WORD, takes=2)
    (tmp_path / "yes" / "other_nohash_7.wav").touch()
    names, _ = record(["yes"], tmp_path, WORD, takes=1)
    assert names == ["yes/5f3a09c1_nohash_2.wav"]


@pytest.mark.parametrize("word", ["a/b", "_unknown_", ".x", "", "a,b"])
def test_words_that_name_no_folder_are_refused(tmp_path, word):
    with pytest.raises(StapesError):
        record([word], tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_a_speaker_is_a_plain_name(tmp_path):
    with pytest.raises(StapesError, match="--speaker 'a_b': expected 1 to 32 letters"):
        record(["yes"], tmp_path, speaker="a_b")


def test_a_few_samples_at_full_scale_are_no_fault():
    clip = WORD.copy()
    clip[:7] = 32767
    assert fault_of(clip, RecordSettings()) == ""
    clip[7] = -32768
    assert fault_of(clip, RecordSettings()) == "clipped"


class FakeStream:
    """What sounddevice gives: a tone from before the take, then WORD again and again."""

    def __init__(self, **options):
        assert (options["samplerate"], options["channels"], options["dtype"]) == (RATE, 1, "int16")
        if options["device"] == 9:
            raise ValueError("no input device 9")
        self.read_available = 100
        self.at = -100

    def start(self):
        pass

    def close(self):
        pass

    def read(self, count):
        places = np.arange(self.at, self.at + count) % len(WORD)
        self.at += count
        return WORD[places, None], False


@pytest.fixture
def sounddevice(monkeypatch):
    module = types.ModuleType("sounddevice")
    module.PortAudioError = type("PortAudioError", (Exception,), {})
    module.InputStream = FakeStream
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


def test_the_microphone_leaves_out_what_came_before(sounddevice):
    levels = []
    heard = SoundDevice(sample_rate=RATE).hear(2 * RATE, levels.append)
    np.testing.assert_array_equal(heard, WORD)
    assert len(levels) == 40


def test_the_command_records_a_corpus(sounddevice, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("stapes.corpus.record.time.sleep", lambda seconds: None)
    monkeypatch.setattr("stapes.corpus.record.COUNTDOWN", 0)
    monkeypatch.setattr(FakeStream, "read_available", 0, raising=False)
    out = tmp_path / "corpus"
    assert main(["data", "record", "yes", "--takes", "2", "--output_dir", str(out)]) == 0
    said = capsys.readouterr().out
    assert "yes  (take 2 of 2)" in said and "2 clips of speaker" in said
    assert len(list(out.glob("yes/*_nohash_*.wav"))) == 2


def test_no_input_and_no_package_are_said(sounddevice, tmp_path, capsys, monkeypatch):
    command = ["data", "record", "yes", "--output_dir", str(tmp_path), "--device"]
    assert main([*command, "9"]) == 2
    assert "microphone: cannot be opened (no input device 9)" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main([*command, "1"]) == 2
    assert "pip install 'stapes[record]'" in capsys.readouterr().err
