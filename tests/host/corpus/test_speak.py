# SPDX-License-Identifier: Apache-2.0
"""The spoken corpus is whole and reproducible, and names what it cannot say."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from waiting import wait_for

from stapes.audio.wav import read_wav
from stapes.cli.main import main
from stapes.corpus.near_misses import near_misses
from stapes.corpus.partition import which_set
from stapes.corpus.speak import SpeakSettings, make_backgrounds, make_speakers, speak_corpus
from stapes.corpus.synthesizers import Command, Espeak, Piper, Speaker
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
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".stapes.*/*.wav")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(program.pid, signal.SIGINT)
    assert program.communicate(timeout=120)[1] == b"stapes: stopped\n"
    assert program.returncode == 130
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(program.pid, 0)


# ---- adding to what is there


@needs_espeak
def test_extending_adds_what_is_missing_and_touches_nothing(tmp_path):
    speak_corpus(["yes"], tmp_path, settings=SMALL)
    before = bytes_of(tmp_path)
    more = SpeakSettings(clips=8, background_seconds=0.5, extend=True)
    spoken = []
    speak_corpus(["yes", "no"], tmp_path, settings=more, finished=spoken.append)
    assert [(done.word, done.clips) for done in spoken] == [("yes", 3), ("no", 8)]
    after = bytes_of(tmp_path)
    assert {name: after[name] for name in before} == before
    speak_corpus(["yes", "no"], tmp_path / "at_once", settings=more)
    assert bytes_of(tmp_path / "at_once").items() <= after.items(), "as if spoken at once"


def attributed(folder: Path) -> str:
    return (folder / "ATTRIBUTION.txt").read_text()


@needs_espeak
def test_the_voices_of_a_corpus_are_named_in_it(tmp_path):
    template = "espeak-ng -v {voice} -w {output} {text}"
    for voice, seed in (("en-us", 0), ("en-gb", 1)):
        synthesizer = Command(template=template, names=(voice,))
        more = SpeakSettings(clips=3, background_seconds=0.5, extend=True, seed=seed)
        speak_corpus(["yes"], tmp_path, settings=more, synthesizer=synthesizer)
    both = "Synthetic speech by espeak-ng (GPL 3 or later): en-gb; en-us.\n"
    assert attributed(tmp_path) == both


@needs_espeak
def test_a_corpus_of_an_earlier_version_gets_its_voices_named(tmp_path):
    speak_corpus(["yes"], tmp_path, settings=SMALL)
    (tmp_path / "ATTRIBUTION.txt").unlink()
    again = SpeakSettings(clips=5, background_seconds=0.5, extend=True)
    speak_corpus(["yes"], tmp_path, settings=again)
    assert attributed(tmp_path) == "Synthetic speech by espeak-ng (GPL 3 or later).\n"
    silent = Command(template="true {output}", names=("x",))
    with pytest.raises(StapesError, match="wrote no recording"):
        speak_corpus(["yes"], tmp_path, settings=again, synthesizer=silent)
    assert "true" not in attributed(tmp_path), "it has said nothing"


@needs_espeak
def test_what_was_spoken_before_ctrl_c_has_its_voices_named(tmp_path):
    (tmp_path / "yes").mkdir()
    words = ["data", "speak", "yes", "--clips", "3000", "--extend", "--output_dir", str(tmp_path)]
    program = subprocess.Popen(
        [sys.executable, "-m", "stapes", *words], stderr=subprocess.PIPE, start_new_session=True
    )
    wait_for(lambda: list(tmp_path.glob(".stapes.*/*.wav")))
    os.killpg(program.pid, signal.SIGINT)
    assert program.communicate(timeout=120)[1] == b"stapes: stopped\n"
    assert list((tmp_path / "yes").iterdir())
    assert attributed(tmp_path) == "Synthetic speech by espeak-ng (GPL 3 or later).\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ATTRIBUTION.txt", "yes"]


def test_a_full_attribution_is_told_before_anything_is_spoken(tmp_path):
    (tmp_path / "ATTRIBUTION.txt").write_text("x" * 1999)
    synthesizer = Command(template="true {output}", names=("a",))
    with pytest.raises(StapesError, match=r"ATTRIBUTION\.txt: found 20.. characters"):
        speak_corpus(["yes"], tmp_path, settings=SMALL, synthesizer=synthesizer)


@needs_espeak
def test_clips_of_another_rate_are_not_mixed(tmp_path):
    speak_corpus(["yes"], tmp_path, settings=SMALL)
    other = SpeakSettings(clips=8, sample_rate=8000, extend=True)
    with pytest.raises(
        StapesError, match=r"found 16000 Hz, expected 8000 Hz .*--sample_rate 16000"
    ):
        speak_corpus(["yes"], tmp_path, settings=other)


@needs_espeak
def test_partitions_that_stay_empty_are_said(tmp_path, capsys):
    command = ["data", "speak", "yes", "--clips", "3", "--output_dir", str(tmp_path)]
    assert main(command) == 0
    partition = which_set(next((tmp_path / "yes").iterdir()), 10, 10)
    text = capsys.readouterr().out
    assert f"{tmp_path / 'yes'}: 3 files" in text
    others = [name for name in ("training", "validation", "testing") if name != partition]
    assert f"Note: yes: no clip falls into {' and '.join(others)}; ask for more" in text
    assert text.count("Note:") == 1, "none about the background"


@needs_espeak
def test_progress_counts_every_clip(tmp_path):
    seen = []
    speak_corpus(["yes"], tmp_path, settings=SMALL, progress=lambda *done: seen.append(done))
    assert seen == [(3, 5), (5, 5)]


# ---- near misses


def test_near_misses_are_parts_and_neighbours_of_a_word():
    found = near_misses("hey stapes", 9)
    assert found[:3] == ["hey", "stapes", "stapes hey"]
    assert len(set(found)) == 9 and "hey stapes" not in found
    assert near_misses("hey stapes", 4) == found[:4]
    assert "wes" in near_misses("yes", 3) and "yes yes" in near_misses("yes", 20)


def test_near_misses_avoid_wanted_words_and_what_sounds_like_them():
    assert "nown" not in near_misses("down", 20, avoid=["nown"])
    sounds = {"see": "si:", "zee": "zi:", "ree": "si:"}
    found = near_misses("see", 20, phonemes=lambda text: sounds.get(text, ""))
    assert "zee" in found and "ree" not in found


@needs_espeak
def test_near_misses_are_spoken_and_sound_different(tmp_path):
    settings = SpeakSettings(clips=6, background_seconds=0.5, near_misses=3)
    speak_corpus(["bird"], tmp_path, settings=settings)
    words = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    words -= {"_background_noise_", "bird"}
    assert len(words) == 3
    assert all(len(list((tmp_path / word).iterdir())) == 2 for word in words)
    phonemes = Espeak().phonemes
    assert len({phonemes(word) for word in (*words, "bird")}) == 4


# ---- synthesizers


@needs_espeak
def test_any_program_can_speak_that_writes_a_recording(tmp_path):
    """espeak-ng as the program of --engine_command, with a WAV file of its own."""
    template = "espeak-ng -v {voice} -s {rate} -p {pitch} -w {output} {text}"
    synthesizer = Command(template=template, names=("en-us", "en-gb"))
    speak_corpus(["yes"], tmp_path / "a", settings=SMALL, synthesizer=synthesizer)
    assert len(bytes_of(tmp_path / "a" / "yes")) == 5
    speaker = Speaker(voice="en-us", pitch=40, words_per_minute=150)
    there, rate = synthesizer.say('it\'s "quoted"; $(false)', speaker)
    here, own_rate = Espeak().say('it\'s "quoted"; $(false)', speaker)
    assert rate == own_rate == 22050
    np.testing.assert_array_equal(there, here)


@needs_espeak
def test_piper_is_given_text_model_speaker_and_tempo(tmp_path, monkeypatch):
    program = tmp_path / "piper"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexec espeak-ng --stdin -w "${{10}}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    voice = tmp_path / "voice.onnx"
    Path(f"{voice}.json").write_text(json.dumps({"num_speakers": 3}))
    synthesizer = Piper(files=(str(voice),))
    assert synthesizer.voices() == [f"{voice}#{number}" for number in range(3)]
    speaker = Speaker(voice=f"{voice}#2", pitch=99, words_per_minute=80)
    samples, rate = synthesizer.say("yes", speaker)
    assert rate == 22050 and np.abs(samples).max() > 0.1
    call = (tmp_path / "calls").read_text()
    assert call.startswith(f"-m {voice} -s 2 --length-scale 2.000 --noise-scale 1.000 -f /")
    command = ["data", "speak", "yes", "--engine", "piper", "--voice", str(voice), "--clips", "3"]
    assert main([*command, "--output_dir", str(tmp_path / "corpus")]) == 0
    assert len(list((tmp_path / "corpus" / "yes").iterdir())) == 3


@pytest.mark.parametrize(
    ("synthesizer", "message"),
    [
        (Piper(files=()), "found no --voice, expected one or more .onnx files"),
        (Piper(files=("none.onnx",)), r"none\.onnx\.json: cannot be read"),
        (Command(template="true {text}"), "found no {output}"),
        (Command(template="no-such-program {output}"), "no-such-program: not found"),
        (Command(template="true {tempo} {output}"), "cannot fill in 'tempo', expected {text}"),
        (Command(template="true {output}"), "true: wrote no recording"),
        (Command(template="false {output}"), r"false .*: failed \(no reason given\)"),
    ],
)
def test_a_synthesizer_that_cannot_speak_says_why(tmp_path, synthesizer, message):
    with pytest.raises(StapesError, match=message):
        speak_corpus(["yes"], tmp_path / "corpus", settings=SMALL, synthesizer=synthesizer)
    assert not list(tmp_path.glob("corpus/*"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--voice", "x"], "--voice x: found with espeak-ng"),
        (["--pitch", "50,20"], "--pitch=50,20: expected LOW,HIGH from 0 to 99"),
        (["--words_per_minute", "10,900"], "--words_per_minute=10,900: expected LOW,HIGH"),
        (["--near_misses", "-1"], "--near_misses=-1: expected 0 to 50"),
    ],
)
def test_flags_that_do_not_fit_are_refused(tmp_path, capsys, flags, message):
    command = ["data", "speak", "yes", "--output_dir", str(tmp_path / "corpus"), *flags]
    assert main(command) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("extend", [[], ["--extend"]], ids=["new", "extend"])
def test_of_two_that_speak_the_same_word_the_second_is_refused(tmp_path, extend, capsys):
    slow = [
        "--engine_command",
        f"{sys.executable} -c 'import time; time.sleep(60)' {{text}} {{output}}",
    ]
    command = [
        "data",
        "speak",
        "yes",
        *slow,
        "--voice",
        "a",
        "--output_dir",
        str(tmp_path),
        *extend,
    ]
    first = subprocess.Popen([sys.executable, "-m", "stapes", *command], start_new_session=True)
    try:
        wait_for(lambda: (tmp_path / ".yes.lock").exists())
        wait_for(lambda: (tmp_path / ".yes.lock").read_text())
        assert main(command) == 2
        said = f"{tmp_path}: found the speaking of yes under way here, process {first.pid},"
        assert said in capsys.readouterr().err
    finally:
        os.killpg(first.pid, signal.SIGINT)  # also its voices, which need another minute
        first.wait()
    assert list(tmp_path.iterdir()) == [], "it has left nothing behind"


@needs_espeak
def test_two_that_speak_different_words_share_a_folder(tmp_path):
    flags = ["--clips", "4", "--output_dir", str(tmp_path), "--engine", "espeak"]
    both = [
        subprocess.Popen([sys.executable, "-m", "stapes", "data", "speak", word, *flags])
        for word in ("yes", "no")
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert attributed(tmp_path) == "Synthetic speech by espeak-ng (GPL 3 or later).\n"
    names = {path.name: len(list(path.iterdir())) for path in tmp_path.iterdir() if path.is_dir()}
    assert names == {"yes": 4, "no": 4, "_background_noise_": 4}
