# SPDX-License-Identifier: Apache-2.0
"""Sounds of the user: recordings by people, other words, noise and speech."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.audio.wav import read_wav, write_wav
from stapes.corpus.attribution import attribution_of
from stapes.corpus.partition import which_set
from stapes.errors import StapesError
from stapes.word.plan import Job
from stapes.word.steps import gather, join, kept_noise, takes


def record(path, seconds=0.5, rate=16000, level=3000):
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = level * np.sin(np.arange(int(seconds * rate)) / 9)
    write_wav(path, wave.astype(np.int16), sample_rate=rate)


@pytest.fixture
def job(tmp_path):
    def make(**values):
        defaults = {
            "words": ("jarvis",),
            "near": (),
            "clip_duration_ms": 1000,
            "work_dir": tmp_path / "work",
            "output": tmp_path / "jarvis.tflite",
        }
        return Job(**{**defaults, **values})

    for number in range(20):
        record(tmp_path / "work" / "corpus" / "jarvis" / f"v{number}_nohash_0.wav")
    return make


def below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_whose_sounds_and_recordings_they_are_joins_the_corpus_and_goes_with_them(tmp_path, job):
    record(tmp_path / "sounds" / "bed" / "x.wav")
    record(tmp_path / "mine" / "a_nohash_0.wav")
    for name, said in (("sounds", "Of Ada"), ("mine", "Of Bob")):
        (tmp_path / name / "ATTRIBUTION.txt").write_text(said)
    corpus = tmp_path / "work" / "corpus"
    gather(job(sounds=tmp_path / "sounds", recordings=(tmp_path / "mine",)))
    assert attribution_of(corpus) == "Of Ada Of Bob"
    gather(job(sounds=tmp_path / "sounds"))
    assert attribution_of(corpus) == "Of Ada"
    gather(job())
    assert attribution_of(corpus) == ""


# ---- recordings


def test_recordings_of_one_word_lie_flat_or_in_its_folder(tmp_path):
    record(tmp_path / "flat" / "anna_nohash_0.wav")
    record(tmp_path / "deep" / "Jarvis" / "ben.wav")
    record(tmp_path / "deep" / "other" / "carl.wav")
    found = takes([tmp_path / "flat", tmp_path / "deep"], ["jarvis"])
    assert [(take.word, take.speaker) for take in found] == [("jarvis", "anna"), ("jarvis", "ben")]


@pytest.mark.parametrize("words", [["jarvis", "alexa"], ["alexa"]])
def test_recordings_of_no_wanted_word_are_refused(tmp_path, words):
    record(tmp_path / "x" / "mine" / "a.wav")
    with pytest.raises(StapesError, match="found no recordings of"):
        takes([tmp_path / "x"], words)


def test_no_speaker_is_trained_and_tested_with(tmp_path, job):
    for speaker in range(20):
        for number in range(2):
            record(tmp_path / "mine" / f"s{speaker}_nohash_{number}.wav", seconds=2)
    (said,) = gather(job(recordings=(tmp_path / "mine",)))
    corpus, kept = tmp_path / "work" / "corpus", tmp_path / "work" / "recordings"
    trained = {path.name.split("_")[0].rstrip("x") for path in corpus.rglob("*_real_*")}
    tested = {path.name.split("_")[0] for path in kept.rglob("*.wav")}
    assert trained and tested and not trained & tested and len(trained | tested) == 20
    assert f"of {len(trained)} speakers to train with" in said
    assert f"of {len(tested)} to test with" in said
    for path in corpus.rglob("*_real_*"):
        assert which_set(path, 10, 10) == "training"
        assert len(read_wav(path, sample_rate=16000)) == 16000
    assert all(len(read_wav(path, sample_rate=16000)) == 32000 for path in kept.rglob("*.wav"))


def test_recordings_that_name_no_speaker_are_said_and_keep_no_speakers_name(tmp_path, job):
    for number in range(20):
        record(tmp_path / "mine" / f"{number}.wav")
    (said,) = gather(job(recordings=(tmp_path / "mine",)))
    assert said.endswith("; 20 names tell no speaker, each counts as one")
    kept = list((tmp_path / "work" / "recordings").rglob("*.wav"))
    assert kept and not any("_nohash_" in path.name for path in kept)


def test_recordings_of_another_rate_are_converted(tmp_path, job):
    pytest.importorskip("soxr")
    for speaker in range(10):
        record(tmp_path / "mine" / f"s{speaker}.wav", rate=44100)
    gather(job(recordings=(tmp_path / "mine",)))
    kept = list((tmp_path / "work" / "recordings").rglob("*.wav"))
    assert kept and all(len(read_wav(path, sample_rate=16000)) == 8000 for path in kept)


def test_gathering_again_leaves_nothing_of_the_first_time(tmp_path, job):
    record(tmp_path / "mine" / "a.wav")
    record(tmp_path / "mine" / "b.wav")
    record(tmp_path / "sounds" / "bed" / "x.wav")
    before = below(tmp_path / "work")
    gather(job(recordings=(tmp_path / "mine",), sounds=tmp_path / "sounds"))
    assert below(tmp_path / "work") != before
    gather(job())
    assert below(tmp_path / "work") == before


# ---- sounds


def test_sounds_become_other_words_noise_and_speech(tmp_path, job):
    for place in ("bed/x.wav", "_background_noise_/rain.wav", "_speech_/anna/a.wav"):
        record(tmp_path / "sounds" / place)
    said = gather(job(sounds=tmp_path / "sounds"))
    corpus = tmp_path / "work" / "corpus"
    assert (corpus / "bed" / "x.wav").resolve() == tmp_path / "sounds" / "bed" / "x.wav"
    assert (corpus / "_speech_" / "anna" / "a.wav").is_symlink()
    assert len(said) == 3 and said[-1].endswith("1 recordings of words")


def test_noise_of_the_user_is_trained_with_beside_synthetic_noise_of_the_same_name(tmp_path, job):
    ours = tmp_path / "work" / "corpus" / "_background_noise_" / "rain_000.wav"
    theirs = tmp_path / "sounds" / "_background_noise_" / "rain_000.wav"
    record(ours, level=1000)
    record(theirs, level=2000)
    gather(job(sounds=tmp_path / "sounds"))
    assert ours.is_file() and not ours.is_symlink()
    assert ours.with_name("sounds_rain_000.wav").resolve() == theirs


def test_a_tenth_of_the_noises_is_kept_for_the_card_if_there_are_ten(tmp_path, job):
    for number in range(40):
        record(tmp_path / "sounds" / "_background_noise_" / f"n{number}.wav", seconds=0.1)
    testing = {f"n{n}.wav" for n in range(40) if which_set(f"n{n}.wav", 10, 10) == "testing"}
    assert 0 < len(testing) < 15
    mine = job(sounds=tmp_path / "sounds")
    gather(mine)
    trained = below(tmp_path / "work" / "corpus" / "_background_noise_")
    assert set(trained) == {f"n{number}.wav" for number in range(40)} - testing
    assert len(kept_noise(mine)) == 1600 * len(testing)


def test_few_noises_are_all_trained_with(tmp_path, job):
    names = [name for n in range(200) if which_set(name := f"n{n}.wav", 10, 10) == "testing"][:9]
    for name in names:
        record(tmp_path / "sounds" / "_background_noise_" / name, seconds=0.1)
    mine = job(sounds=tmp_path / "sounds")
    gather(mine)
    assert len(below(tmp_path / "work" / "corpus" / "_background_noise_")) == 9
    assert not len(kept_noise(mine)) and not len(kept_noise(job()))


def test_a_wanted_word_among_the_unknown_ones_is_left_out_and_said(tmp_path, job):
    record(tmp_path / "sounds" / "Jarvis" / "x.wav")
    record(tmp_path / "sounds" / "bed" / "x.wav")
    said = gather(job(sounds=tmp_path / "sounds"))
    assert not list((tmp_path / "work" / "corpus").rglob("x.wav")) or below(
        tmp_path / "work" / "corpus" / "bed"
    ) == ["x.wav"]
    assert not (tmp_path / "work" / "corpus" / "Jarvis").exists()
    assert "left out, as it is the wanted word; give it to --recordings" in said[-1]


def test_talk_of_people_that_was_trained_with_is_no_part_of_the_test(tmp_path, job):
    record(tmp_path / "work" / "test" / "_speech_" / "v" / "000.wav", seconds=1)
    for name in ("rain_000.wav", "wind_000.wav"):
        record(tmp_path / "work" / "test" / "_background_noise_" / name, seconds=0.25)
    for number in range(40):
        record(tmp_path / "sounds" / "_speech_" / f"p{number}" / "a.wav", seconds=1)
    testing = sum(which_set(f"p{number}", 10, 10) == "testing" for number in range(40))
    mine = job(sounds=tmp_path / "sounds")
    assert 0 < testing < 20
    talk, noise = (read_wav(path, sample_rate=16000) for path in join(mine, "test"))
    assert len(talk) == 16000 * (1 + testing) and len(noise) == 8000
    assert below(tmp_path / "work")[-2:] == ["test_noise.wav", "test_talk.wav"]
