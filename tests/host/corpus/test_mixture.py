# SPDX-License-Identifier: Apache-2.0
"""All voices of a machine together: which are here, which are kept back, which fail."""

from __future__ import annotations

import importlib.util
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from stapes.cli.main import main
from stapes.corpus.credits import Credit
from stapes.corpus.mixture import Mixture, cast_of, find_mixture, person_of
from stapes.corpus.pitch import median_pitch
from stapes.corpus.speak import SpeakSettings, make_speakers, speak_corpus
from stapes.corpus.synthesizers import EngineFailed, Speaker
from stapes.errors import StapesError

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
SMALL = SpeakSettings(clips=30, background_seconds=0.5, processes=1)


@dataclass(frozen=True)
class Tone:
    """An engine whose voices hum; those of `dumb` fail, those of `mute` are silent, those of `slow`
    hum for two seconds."""

    names: tuple[str, ...] = ("anna", "ben")
    dumb: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()

    def voices(self):
        return list(self.names)

    def say(self, text, speaker):
        if speaker.voice in self.dumb:
            raise EngineFailed(f"{speaker.voice}: has lost its voice")
        wave = 0.5 * np.sin(2 * np.pi * 150 * np.arange(8000) / 16000)
        if speaker.voice in self.slow:
            wave = np.tile(wave, 4)
        return (0 * wave if speaker.voice in self.mute else wave), 16000

    def credit(self, voice):
        return Credit(engine="humming (CC0)", voice=voice)


def peak_hertz(sound, rate):
    return np.abs(np.fft.rfft(sound)).argmax() * rate / len(sound)


def test_natural_voices_are_drawn_more_often_and_each_of_an_engine_as_often():
    mixture = Mixture(engines={"hibari": Tone(), "festival": Tone(names=("ked", "slt", "kal"))})
    voices = mixture.voices()
    shares = dict(zip(voices, mixture.shares(voices), strict=True))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["hibari:anna"] == shares["hibari:ben"] > 3 * shares["festival:ked"]
    drawn = make_speakers(voices, settings=SpeakSettings(clips=3000), shares=list(shares.values()))
    natural = sum(speaker.voice.startswith("hibari:") for speaker in drawn)
    assert natural / len(drawn) == pytest.approx(0.25 / 0.35, abs=0.05)


def test_one_person_is_in_one_cast_whatever_engine_it_speaks_through():
    assert person_of("flite:slt") == person_of("festival:cmu_us_slt_arctic_hts") == "slt"
    assert person_of("flite:kal16") == person_of("festival:kal_diphone") == "kal"
    assert person_of("espeak:en-us+f3") == person_of("espeak:en-gb+f3") == "+f3"
    voices = ["flite:rms", "flite:awb", "flite:slt", "festival:ked_diphone", "espeak:en-gb+f3"]
    assert [cast_of(voice, voices) for voice in voices] == ["test", "tune", "train", "test", "test"]


def test_of_a_model_with_many_speakers_some_are_kept_back():
    voices = [f"piper:/v/libri.onnx#{number}" for number in range(100)]
    casts = [cast_of(voice, voices) for voice in voices]
    assert {cast: casts.count(cast) for cast in ("tune", "test")}.keys() == {"tune", "test"}
    assert casts.count("train") > 60 and min(casts.count("tune"), casts.count("test")) > 3
    assert cast_of("piper:/v/joe.onnx#0", ["piper:/v/joe.onnx#0"]) == "train"


def test_casts_share_no_voice_and_are_all_voices():
    engines = {"flite": Tone(names=("awb", "kal16", "rms", "slt"))}
    by_cast = {
        cast: Mixture(engines=engines, cast=cast).voices() for cast in ("train", "tune", "test")
    }
    assert by_cast == {
        "train": ["flite:kal16", "flite:slt"],
        "tune": ["flite:awb"],
        "test": ["flite:rms"],
    }


def hertz_of_speakers(pitches):
    """How high the voice "anna" of 150 Hz is for speakers of some pitches."""
    mixture = Mixture(engines={"flite": Tone()})
    heard = {}
    for pitch in pitches:
        speaker = Speaker(voice="flite:anna", pitch=pitch, words_per_minute=160)
        hurried = replace(speaker, words_per_minute=220)
        sounds = [mixture.say("yes", one)[0] for one in (speaker, hurried)]
        assert np.array_equal(*sounds), "at any tempo a speaker is the same person"
        heard[pitch] = peak_hertz(sounds[0], 16000)
    return heard


def test_half_of_the_speakers_have_the_pitch_of_other_people():
    heard = hertz_of_speakers(range(100))
    own = [
        pitch
        for pitch, hertz in heard.items()
        if hertz == pytest.approx(150 * 2 ** (4 / 12 * (pitch / 49.5 - 1)), rel=0.015)
    ]
    assert 30 < len(own) < 70, "these are the voice itself, a little higher or lower"
    moved = heard.keys() - set(own)
    for pitch in moved:
        target = 75 * (400 / 75) ** (pitch / 99)
        nearest = min(target, 150 * 2 ** (14 / 12))  # farther would be no voice any more
        assert heard[pitch] == pytest.approx(nearest, rel=0.04), pitch
    assert min(moved) < 10 and max(moved) > 90


def test_resonances_rise_with_the_pitch_but_less():
    rate = 16000
    time = np.arange(rate) / rate
    harmonics = range(1, 40)
    # A resonance at 1,200 Hz.
    weights = [np.exp(-(((110 * k - 1200) / 250) ** 2)) for k in harmonics]
    voice = sum(
        w * np.sin(2 * np.pi * 110 * k * time) for w, k in zip(weights, harmonics, strict=True)
    )

    @dataclass(frozen=True)
    class Man(Tone):
        def say(self, text, speaker):
            return 0.5 * voice / np.abs(voice).max(), rate

    mixture = Mixture(engines={"flite": Man()})
    speakers = [Speaker(voice="flite:anna", pitch=p, words_per_minute=160) for p in range(70, 99)]
    said = [mixture.say("yes", speaker)[0] for speaker in speakers]
    heights = [median_pitch(sound, sample_rate=rate) for sound in said]
    sound, height = max(zip(said, heights, strict=True), key=lambda pair: pair[1])
    assert height > 220
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    centre = (spectrum * np.arange(len(spectrum))).sum() * rate / len(sound) / spectrum.sum()
    assert centre == pytest.approx(1200 * (height / 110) ** 0.27, rel=0.12)


def test_a_voice_without_pitch_is_heard_as_well():
    @dataclass(frozen=True)
    class Whisper(Tone):
        def say(self, text, speaker):
            return 0.1 * np.random.default_rng(1).standard_normal(16000), 16000

    mixture = Mixture(engines={"flite": Whisper()})
    for pitch in range(20):
        sound, _ = mixture.say("yes", Speaker(voice="flite:a", pitch=pitch, words_per_minute=160))
        assert np.isfinite(sound).all() and 0.05 < sound.std() < 0.2


# ---- what fails


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (Tone(dumb=("ben",)), "ben: has lost its voice"),
        (Tone(slow=("ben",)), "takes (1999|2000) ms to say, expected at most 1000"),
    ],
)
def test_a_voice_that_fails_leaves_the_word_to_the_others(tmp_path, engine, reason):
    mixture = Mixture(engines={"flite": engine})
    done = []
    speak_corpus(["yes"], tmp_path, settings=SMALL, synthesizer=mixture, finished=done.append)
    word = done[0]
    assert 0 < word.failed < 10 and re.search(reason, word.reason)
    assert word.clips == len(list((tmp_path / "yes").iterdir())) == 30 - 3 * word.failed
    said = (tmp_path / "ATTRIBUTION.txt").read_text()
    assert said == "Synthetic speech by humming (CC0): anna.\n", "ben said nothing"


@dataclass(frozen=True)
class Tiring(Tone):
    """Says a few texts, notes them in a file, and breaks at all others."""

    said: str = ""
    breaks_by: type[Exception] = EngineFailed

    def say(self, text, speaker):
        with Path(self.said).open("a+") as said:
            said.write("x")
            if said.tell() > 5:
                raise self.breaks_by("is worn out")
        return super().say(text, speaker)


@pytest.mark.parametrize("breaks_by", [EngineFailed, RuntimeError])
def test_an_engine_that_fails_in_the_middle_leaves_its_clips_and_the_rest_to_the_others(
    tmp_path, breaks_by
):
    tired = Tiring(said=str(tmp_path / "said"), breaks_by=breaks_by)
    mixture = Mixture(engines={"hibari": Tone(), "flite": tired})
    alone = Mixture(engines={"hibari": Tone(), "flite": Tone()})
    done = []
    speak_corpus(["yes"], tmp_path / "a", settings=SMALL, synthesizer=mixture, finished=done.append)
    speak_corpus(["yes"], tmp_path / "b", settings=SMALL, synthesizer=alone)
    word = done[0]
    assert 0 < word.failed < 10 and "is worn out" in word.reason
    whole = {path.name: path.read_bytes() for path in (tmp_path / "b" / "yes").iterdir()}
    clips = {path.name: path.read_bytes() for path in (tmp_path / "a" / "yes").iterdir()}
    assert 30 - 3 * word.failed < len(clips) == word.clips < 30, "two of a speaker, not the third"
    assert clips.items() < whole.items(), "the bytes are those of a run in which nothing fails"


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (Tone(dumb=("anna", "ben")), "no voice can say it .*has lost its voice"),
        (Tone(mute=("anna", "ben")), "no voice can say it .*is silent at 'yes'"),
    ],
)
def test_a_word_that_no_voice_can_say_is_refused(tmp_path, engine, message):
    mixture = Mixture(engines={"flite": engine})
    with pytest.raises(StapesError, match=message):
        speak_corpus(["yes"], tmp_path / "corpus", settings=SMALL, synthesizer=mixture)
    assert not list(tmp_path.glob("corpus/*"))


def test_without_an_engine_it_is_said_how_to_get_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    command = ["data", "speak", "yes", "--engine", "all", "--output_dir", str(tmp_path / "corpus")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "found no speech engine" in error and "apt-get install espeak-ng flite" in error
    assert not (tmp_path / "corpus").exists()


def test_a_cast_without_voices_is_refused():
    mixture = Mixture(engines={"hibari": Tone()}, cast="test")
    with pytest.raises(StapesError, match=r"--cast test: found only hibari:anna, hibari:ben"):
        mixture.voices()


def test_a_voice_file_without_its_settings_is_named(tmp_path):
    pytest.importorskip("piper")
    with pytest.raises(StapesError, match=r"none\.onnx\.json: cannot be read"):
        find_mixture(piper_files=[str(tmp_path / "none.onnx")])


def test_a_damaged_voice_file_fails_as_an_engine(tmp_path):
    pytest.importorskip("piper")
    voice = tmp_path / "broken.onnx"
    voice.write_bytes(b"no model")
    (tmp_path / "broken.onnx.json").write_text('{"num_speakers": 1}')
    mixture = find_mixture(piper_files=[str(voice)])
    speaker = Speaker(voice=f"piper:{voice}#0", pitch=50, words_per_minute=160)
    with pytest.raises(EngineFailed, match=r"broken\.onnx: cannot be loaded"):
        mixture.say("yes", speaker)


# ---- the engines that are here


@needs_espeak
def test_every_engine_that_is_here_speaks():
    mixture = find_mixture()
    assert "espeak:en-us+f2" in mixture.voices()
    for name in mixture.engines:
        voice = next(voice for voice in mixture.voices() if voice.startswith(f"{name}:"))
        sound, rate = mixture.say(
            "hello there", Speaker(voice=voice, pitch=60, words_per_minute=150, tract=1.1)
        )
        assert 0.3 < len(sound) / rate < 3 and 0.05 < np.abs(sound).max() <= 1.5, voice


@needs_espeak
def test_other_languages_are_left_to_the_engines_that_speak_them():
    assert set(find_mixture(language="de").engines) <= {"espeak", "piper"}


@needs_espeak
@pytest.mark.parametrize("flag", ["--neighbours_percent", "--emphasis_percent", "--tract_percent"])
def test_every_variation_changes_every_clip(tmp_path, flag):
    say = ["data", "speak", "seven", "--clips", "3", "--processes", "1"]
    say += ["--clip_duration_ms", "1500"]
    assert main([*say, "--output_dir", str(tmp_path / "plain")]) == 0
    amount = "20" if flag == "--tract_percent" else "100"
    assert main([*say, flag, amount, "--output_dir", str(tmp_path / "varied")]) == 0
    plain, varied = (
        [path.read_bytes() for path in sorted((tmp_path / name / "seven").iterdir())]
        for name in ("plain", "varied")
    )
    assert len(plain) == len(varied) == 3
    assert not set(plain) & set(varied)
