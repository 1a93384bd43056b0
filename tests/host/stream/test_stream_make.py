# SPDX-License-Identifier: Apache-2.0
"""Streaming test audio: the tutorial's mixture, reproducible, with a correct ground truth."""

import json
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.corpus.partition import which_set
from stapes.errors import StapesError
from stapes.stream.labels import read_labels
from stapes.stream.make import StreamSettings, WordClip, mix_stream, plan_words

RATE = 16000


@pytest.fixture
def corpus(tmp_path) -> Path:
    """Three words at levels of their own, 60 speakers each, and one background."""
    root = tmp_path / "corpus"
    for word, level in (("yes", 1000), ("no", 2000), ("cat", 3000)):
        (root / word).mkdir(parents=True)
        for speaker in range(60):
            samples = np.full(RATE, level, np.int16)
            write_wav(root / word / f"{speaker:08x}_nohash_0.wav", samples, sample_rate=RATE)
    (root / "_background_noise_").mkdir()
    noise = np.random.default_rng(0).integers(-9000, 9000, 3 * RATE).astype(np.int16)
    write_wav(root / "_background_noise_" / "noise.wav", noise, sample_rate=RATE)
    return root


def make(corpus: Path, out: Path, *options: str) -> int:
    arguments = {
        "--data_dir": corpus,
        "--wanted_words": "yes,no",
        "--output_audio_file": out.with_suffix(".wav"),
        "--output_labels_file": out.with_suffix(".txt"),
    }
    flags = [str(word) for pair in arguments.items() for word in pair]
    return main(["stream", "make", *flags, *options])


def test_each_word_of_the_ground_truth_starts_where_it_says(corpus, tmp_path):
    options = ["--test_duration_seconds", "60", "--background_volume", "0"]
    assert make(corpus, tmp_path / "a", *options) == 0
    audio = read_wav(tmp_path / "a.wav", sample_rate=RATE).astype(int)
    truth = read_labels(tmp_path / "a.txt", what="a ground truth")
    assert len(audio) == 60 * RATE
    assert len(truth) == 60 // 3
    level = {"yes": 1000, "no": 2000, "_unknown_": 3000}
    expected = np.zeros(len(audio))
    for word in truth:
        start = int(word.time_ms * RATE / 1000)
        ramp = np.clip(np.minimum(np.arange(RATE), RATE - np.arange(RATE)) / 500, 0, 1)
        expected[start : start + RATE] = level[word.label] * ramp
    np.testing.assert_allclose(audio, expected, atol=0.5001)


def test_equal_seeds_give_equal_files_and_others_do_not(corpus, tmp_path):
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        assert make(corpus, tmp_path / name, "--test_duration_seconds", "30", "--seed", seed) == 0
    files = {
        name: (tmp_path / f"{name}.wav").read_bytes() + (tmp_path / f"{name}.txt").read_bytes()
        for name in "abc"
    }
    assert files["a"] == files["b"] != files["c"]


def test_only_clips_of_the_testing_partition_are_heard(corpus):
    clips = {word: sorted((corpus / word).iterdir()) for word in ("yes", "no")}
    testing = {
        word: [path for path in paths if which_set(path.name, 10, 10) == "testing"]
        for word, paths in clips.items()
    }
    assert 0 < len(testing["yes"]) < len(clips["yes"])
    # Clips of the other partitions have full scale, so the audio would show them.
    for paths in clips.values():
        for path in paths:
            if which_set(path.name, 10, 10) != "testing":
                write_wav(path, np.full(RATE, 32000, np.int16), sample_rate=RATE)
    out = corpus.parent / "a"
    options = ["--test_duration_seconds", "60", "--unknown_percentage", "0"]
    assert make(corpus, out, *options, "--background_volume", "0") == 0
    assert read_wav(out.with_suffix(".wav")).max() == 2000


def test_about_as_many_unknown_words_as_asked_for_and_all_wanted_words_alike():
    settings = StreamSettings(test_duration_seconds=9000, unknown_percentage=30)
    plan = plan_words({"yes": [Path("y")], "no": [Path("n")]}, [Path("u")], settings=settings)
    share = {
        label: sum(word.label == label for word in plan) / len(plan)
        for label in ("_unknown_", "yes", "no")
    }
    assert len(plan) == 3000
    assert share["_unknown_"] == pytest.approx(0.30, abs=0.03)
    assert share["yes"] == pytest.approx(share["no"], abs=0.05)


def test_words_never_overlap_and_the_last_one_is_whole():
    settings = StreamSettings(test_duration_seconds=3000, word_gap_ms=200)
    starts = [
        word.start for word in plan_words({"yes": [Path("y")]}, [Path("u")], settings=settings)
    ]
    assert np.diff(starts).min() >= settings.clip_samples
    assert starts[-1] + settings.clip_samples <= settings.total_samples


def test_background_never_falls_silent_and_keeps_its_volume():
    constant = np.full(10 * RATE, 10000, np.int16)
    settings = StreamSettings(test_duration_seconds=20, background_volume=0.5, seed=3)
    audio = np.concatenate(list(mix_stream([], [constant], settings=settings)))
    assert len(audio) == 20 * RATE
    # After the first rise, two segments' ramps add up to one: levels stay between their volumes.
    inside = audio[RATE // 2 :]
    assert 0 < inside.min() < inside.max() <= 5000
    assert np.abs(np.diff(inside.astype(int))).max() <= 2


def test_a_short_clip_and_one_that_is_too_loud_are_mixed_without_wrapping(tmp_path):
    write_wav(tmp_path / "w.wav", np.full(4000, 32767, np.int16), sample_rate=RATE)
    noise = np.full(2 * RATE, 32767, np.int16)
    settings = StreamSettings(test_duration_seconds=3, background_volume=1.0)
    word = WordClip(start=RATE, label="yes", path=tmp_path / "w.wav")
    audio = np.concatenate(list(mix_stream([word], [noise], settings=settings)))
    assert audio.max() == 32767
    assert audio.min() >= 0


def test_long_audio_is_written_in_the_memory_of_a_clip(corpus, tmp_path):
    tracemalloc.start()
    assert make(corpus, tmp_path / "a", "--test_duration_seconds", "1200") == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with wave.open(str(tmp_path / "a.wav")) as audio:
        assert audio.getnframes() == 1200 * RATE
    assert peak < 8e6, "the audio itself would take 38 MB"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--test_duration_seconds", "0"], "--test_duration_seconds"),
        (["--unknown_percentage", "101"], "--unknown_percentage"),
        (["--testing_percentage", "0"], "testing"),
        (["--sample_rate", "8000"], "8000"),
        (["--background_dir", "nowhere"], "nowhere"),
        (["--sample_rate", "0"], "--sample_rate=0"),
        (["--clip_duration_ms", "0"], "--clip_duration_ms=0"),
        (["--wanted_words", ""], "--wanted_words='': expected one or more words"),
        (["--output_labels_file", "."], "found a folder"),
    ],
)
def test_a_mistake_is_named_and_leaves_no_file(corpus, tmp_path, capsys, options, message):
    assert make(corpus, tmp_path / "a", *options) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_one_file_for_audio_and_labels_is_refused(corpus, tmp_path, capsys):
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.wav")
    assert make(corpus, tmp_path / "a", "--output_labels_file", str(tmp_path / "link.txt")) == 2
    assert "link.txt: found the same file for two outputs" in capsys.readouterr().err
    assert not (tmp_path / "a.wav").exists()


def test_a_damaged_clip_leaves_neither_file(corpus, tmp_path, capsys):
    for path in corpus.glob("*/*.wav"):
        if path.parent.name != "_background_noise_":
            path.write_bytes(path.read_bytes()[:-1000])
    assert make(corpus, tmp_path / "a", "--test_duration_seconds", "30") == 2
    assert "cut short" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_unknown_words_without_other_words_are_refused():
    with pytest.raises(StapesError, match="--unknown_percentage 0"):
        plan_words({"yes": [Path("y")]}, [], settings=StreamSettings())


def words_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_details_name_each_words_clip_and_the_end_of_its_speech(corpus, tmp_path):
    tone = np.zeros(RATE, np.int16)
    tone[3200:9600] = 8000 * np.sin(np.arange(6400) * 0.3)  # 200 ms to 600 ms
    for path in (corpus / "yes").iterdir():
        write_wav(path, tone, sample_rate=RATE)
    assert make(corpus, tmp_path / "a", "--test_duration_seconds", "60") == 0
    truth = read_labels(tmp_path / "a.txt", what="a ground truth")
    details = words_of(tmp_path / "a.jsonl")
    assert [(word["label"], word["time_ms"]) for word in details] == [
        (entry.label, entry.time_ms) for entry in truth
    ]
    spoken = [word for word in details if word["label"] == "yes"]
    assert spoken
    for word in spoken:
        assert word["start_ms"] - word["time_ms"] == pytest.approx(200, abs=10)
        assert word["end_ms"] - word["time_ms"] == pytest.approx(600, abs=10)
        assert (corpus / word["clip"]).parent.name == "yes"
    read = read_labels(tmp_path / "a.jsonl", what="details")
    assert read == truth
    assert [entry.end_ms for entry in read] == [word["end_ms"] for word in details]


def test_words_stand_out_of_their_background_by_the_ratio_asked_for(corpus, tmp_path):
    options = ["--test_duration_seconds", "60", "--snr_db", "6", "--background_volume", "0.5"]
    silence = {path: read_wav(path) for path in corpus.glob("*/*.wav")}
    assert make(corpus, tmp_path / "a", *options) == 0
    for path in silence:
        if path.parent.name != "_background_noise_":
            write_wav(path, np.zeros(RATE, np.int16), sample_rate=RATE)
    assert make(corpus, tmp_path / "b", *options) == 0  # the same background without words
    mixed, background = (read_wav(tmp_path / f"{name}.wav").astype(float) for name in "ab")
    for word in words_of(tmp_path / "a.jsonl"):
        place = int(word["time_ms"] * RATE / 1000)
        noise = background[place : place + RATE]
        # Without the ramps at both ends.
        speech = (mixed[place : place + RATE] - noise)[600:-600]
        ratio = 20 * np.log10(np.sqrt(np.mean(speech**2)) / np.sqrt(np.mean(noise**2)))
        assert ratio == pytest.approx(6, abs=0.1)
        assert word["snr_db"] == 6


def test_ratios_are_drawn_from_the_range_and_never_beyond_full_scale(corpus, tmp_path):
    options = ["--test_duration_seconds", "120", "--snr_db", "-5,60"]
    assert make(corpus, tmp_path / "a", *options) == 0
    ratios = [word["snr_db"] for word in words_of(tmp_path / "a.jsonl")]
    assert min(ratios) >= -5
    assert max(ratios) <= 60
    assert np.ptp(ratios) > 30
    # A clip's peak reaches full scale at most; a background of 900 may come on top.
    assert read_wav(tmp_path / "a.wav").max() <= 32767
    assert max(word["gain"] for word in words_of(tmp_path / "a.jsonl")) <= 32767 / 1000 + 0.01


def test_how_many_recordings_the_words_are_is_said_and_warned_of(corpus, tmp_path, capsys):
    assert make(corpus, tmp_path / "s.wav") == 0
    output = capsys.readouterr()
    clips = {
        json.loads(text)["clip"]
        for text in (tmp_path / "s.jsonl").read_text().splitlines()
        if json.loads(text)["label"] != "_unknown_"
    }
    assert f"wanted words from {len(clips)} recordings" in output.out
    assert ("expected 30 or more" in output.err) == (len(clips) < 30)


def test_another_partition_has_other_clips(corpus, tmp_path):
    for partition in ("testing", "validation"):
        options = ["--test_duration_seconds", "60", "--partition", partition]
        assert make(corpus, tmp_path / partition, *options) == 0
        clips = {word["clip"] for word in words_of(tmp_path / f"{partition}.jsonl")}
        assert {which_set(clip.split("/")[1], 10, 10) for clip in clips} == {partition}


def test_nothing_that_is_heard_is_written_over(corpus, tmp_path, capsys):
    options = ["--test_duration_seconds", "60", "--unknown_percentage", "0"]
    background = next((corpus / "_background_noise_").iterdir())
    before = {path: path.read_bytes() for path in corpus.rglob("*.wav")}
    for flag in ("--output_audio_file", "--output_labels_file", "--output_details_file"):
        assert make(corpus, tmp_path / "out", *options, flag, str(background)) == 2
        assert "found an input of this command" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before
