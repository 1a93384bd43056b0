"""The spoken corpus: whole, reproducible, and honest about what it cannot say."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stapes.audio.wav import read_wav
from stapes.cli import main
from stapes.corpus.speak import SpeakSettings, make_backgrounds, make_speakers, speak_corpus
from stapes.errors import StapesError

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
SMALL = SpeakSettings(clips=5, background_seconds=0.5)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.wav"))
    }


@needs_espeak
def test_every_clip_is_a_word_in_one_second_of_light_noise(tmp_path):
    speak_corpus(["yes", "no"], tmp_path, settings=SMALL)
    for word in ("yes", "no"):
        clips = sorted((tmp_path / word).iterdir())
        assert len(clips) == 5
        for path in clips:
            samples = read_wav(path, sample_rate=16000) / 32768
            assert len(samples) == 16000
            assert 0.15 < np.abs(samples).max() < 1.0
            frames = np.sqrt(np.mean(samples.reshape(-1, 400) ** 2, axis=1))
            assert frames.max() > 5 * frames.min(), "a word stands out of the noise around it"
    assert {path.name for path in (tmp_path / "_background_noise_").iterdir()} == {
        "white_noise.wav",
        "pink_noise.wav",
        "brown_noise.wav",
        "mains_hum.wav",
    }


@needs_espeak
def test_equal_seeds_give_equal_bytes_however_many_processes(tmp_path):
    speak_corpus(["yes"], tmp_path / "a", settings=SMALL)
    speak_corpus(
        ["yes"],
        tmp_path / "b",
        settings=SpeakSettings(clips=5, background_seconds=0.5, processes=1),
    )
    speak_corpus(
        ["yes"], tmp_path / "c", settings=SpeakSettings(clips=5, background_seconds=0.5, seed=1)
    )
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert bytes_of(tmp_path / "a") != bytes_of(tmp_path / "c")


@needs_espeak
def test_a_word_that_does_not_fit_a_clip_leaves_no_folder(tmp_path):
    settings = SpeakSettings(clips=1, clip_duration_ms=200)
    with pytest.raises(StapesError, match=r"takes \d+ ms to say, expected at most 200"):
        speak_corpus(["supercalifragilistic"], tmp_path, settings=settings)
    assert list(tmp_path.iterdir()) == []


@needs_espeak
def test_an_unknown_language_is_named(tmp_path):
    with pytest.raises(StapesError, match="--language xx"):
        speak_corpus(["yes"], tmp_path, settings=SpeakSettings(language="xx"))


def test_speakers_differ_and_are_named_as_in_speech_commands():
    speakers = make_speakers(["en-us", "en-gb"], settings=SpeakSettings(clips=300))
    names = [speaker.name for speaker in speakers]
    assert len(set(names)) == len(names) == 100
    assert all(len(name) == 8 and int(name, 16) >= 0 for name in names)


def test_backgrounds_have_the_spectra_of_their_names():
    sounds = make_backgrounds(settings=SpeakSettings(background_seconds=4))

    def slope(name):  # dB per octave, 100 Hz to 6.4 kHz
        power = np.abs(np.fft.rfft(sounds[name].astype(float))) ** 2
        bands = [power[4 * low : 8 * low].mean() for low in (100, 200, 400, 800, 1600, 3200)]
        return np.polyfit(range(6), 10 * np.log10(bands), 1)[0]

    assert slope("white_noise") == pytest.approx(0, abs=0.3)
    assert slope("pink_noise") == pytest.approx(-3, abs=0.3)
    assert slope("brown_noise") == pytest.approx(-6, abs=0.3)
    hum = np.abs(np.fft.rfft(sounds["mains_hum"].astype(float)))
    assert np.argmax(hum) == 4 * 50


@pytest.mark.parametrize("word", ["_silence_", "../up", "a,b", "", ".hidden", "-x"])
def test_words_that_are_no_folder_names_are_refused(tmp_path, word):
    with pytest.raises(StapesError, match=r"^(word|label) "):
        speak_corpus([word], tmp_path, settings=SMALL)


def test_an_existing_word_is_not_overwritten(tmp_path):
    (tmp_path / "yes").mkdir()
    with pytest.raises(StapesError, match="exists already"):
        speak_corpus(["yes"], tmp_path, settings=SMALL)


def test_missing_espeak_ng_is_said_with_how_to_install_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["data", "speak", "yes", "--output_dir", str(tmp_path / "corpus")]) == 2
    assert "apt-get install espeak-ng" in capsys.readouterr().err
    assert not (tmp_path / "corpus").exists()


@needs_espeak
def test_ctrl_c_leaves_no_folder_and_no_process(tmp_path):
    words = ["data", "speak", "yes", "--clips", "3000", "--output_dir", str(tmp_path)]
    program = subprocess.Popen(
        [sys.executable, "-m", "stapes", *words], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".stapes.*/*.wav")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(program.pid, signal.SIGINT)
    assert program.communicate(timeout=30)[1] == b"stapes: stopped\n"
    assert program.returncode == 130
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(program.pid, 0)
