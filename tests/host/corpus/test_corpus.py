# SPDX-License-Identifier: Apache-2.0
"""The folder of clips: partitions, labels, and what is said about a folder that does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tones import SAMPLE_RATE, WANTED, write_tones

from stapes.audio.wav import write_wav
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.clips import (
    TrainingClips,
    about_long,
    balanced,
    evaluation_clips,
    load_background,
    load_clips,
)
from stapes.corpus.index import CorpusSettings, scan_corpus
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.errors import StapesError

SETTINGS = CorpusSettings(wanted_words=WANTED, silence_percentage=30, unknown_percentage=50)
FORM = {"sample_rate": SAMPLE_RATE, "samples": SAMPLE_RATE}

# Speakers in the validation and testing lists that come with the Speech Commands corpus.
OFFICIAL = {
    "validation": "fde2dee7 099d52ad 66cff190 541120c7 364c0853 0ab3b47d 4abefdf5 65ec06e5",
    "testing": "0c40e715 0ea0e2f4 42beb5eb 44260689 022cd682 096456f9 0d53e045 ffa76c4a",
    "training": "eb67fcbc f953e1af 3bc21161 da1d320c 74551073 3d53244b a996cf66 80f056c0",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def index(folder):
    return scan_corpus(folder, SETTINGS)


@pytest.fixture(scope="module")
def noises(index):
    return load_background(index, **FORM)


def training_clips(index, noises, *, seed=1, batch_size=20, **augmentation):
    return TrainingClips(
        index,
        **FORM,
        noises=noises,
        augmentation=AugmentSettings(**augmentation),
        batch_size=batch_size,
        seed=seed,
    )


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_partition_rule_agrees_with_the_official_lists(partition):
    for speaker in OFFICIAL[partition].split():
        assert which_set(f"some/word/{speaker}_nohash_0.wav", 10, 10) == partition


def test_all_clips_of_a_speaker_stay_together():
    assert len({which_set(f"{word}/a1_nohash_{n}.wav", 10, 10) for word in "xy" for n in "12"}) == 1


def test_percentages_are_kept_over_many_names():
    sets = [which_set(f"{number:08x}.wav", 20, 30) for number in range(4000)]
    assert abs(sets.count("validation") / 4000 - 0.20) < 0.02
    assert abs(sets.count("testing") / 4000 - 0.30) < 0.02


def test_silence_and_unknown_come_first_among_the_labels():
    assert SETTINGS.labels == ("_silence_", "_unknown_", "up", "down")


def test_every_clip_is_in_one_partition_and_background_in_none(index):
    wanted = [path for clips in index.wanted.values() for path, _ in clips]
    unknown = [path for clips in index.unknown.values() for path in clips]
    assert len(wanted) == len(set(wanted)) == 120
    assert len(unknown) == len(set(unknown)) == 60
    assert [path.name for path in index.background] == ["hiss.wav"]


def test_counts_of_silence_and_unknown_follow_the_wanted_clips(index):
    wanted = len(index.wanted["training"])
    assert index.silence_count("training") == -(-wanted * 30 // 100)
    assert index.unknown_count("training") == -(-wanted * 50 // 100)


def test_a_word_is_its_folder_in_lower_case(tmp_path):
    write_tones(tmp_path, clips=20)
    (tmp_path / "up").rename(tmp_path / "UP")
    assert len(scan_corpus(tmp_path, SETTINGS).wanted["training"]) > 0


def test_evaluation_clips_never_change(index, noises):
    first, second = (evaluation_clips(index, "testing", **FORM, noises=noises) for _ in range(2))
    np.testing.assert_array_equal(first.samples, second.samples)
    counts = np.bincount(first.labels).tolist()
    assert counts[:2] == [index.silence_count("testing"), index.unknown_count("testing")]
    assert counts[2] == sum(label == 2 for _, label in index.wanted["testing"])


def test_a_limit_takes_clips_of_every_label(index, noises):
    some = evaluation_clips(index, "training", **FORM, noises=noises, limit=20)
    assert 20 <= len(some) - index.silence_count("training") < 40
    assert set(some.labels) == {0, 1, 2, 3}


def test_clips_are_cut_or_padded_at_their_end(tmp_path):
    write_wav(tmp_path / "short.wav", np.array([5, 6], np.int16), sample_rate=SAMPLE_RATE)
    write_wav(tmp_path / "long.wav", np.arange(9, dtype=np.int16), sample_rate=SAMPLE_RATE)
    paths = [tmp_path / "short.wav", tmp_path / "long.wav"]
    clips = load_clips(paths, sample_rate=SAMPLE_RATE, samples=4)
    assert clips.tolist() == [[5, 6, 0, 0], [0, 1, 2, 3]]


def test_a_batch_depends_on_its_number_and_the_seed_alone(index, noises):
    one, other = training_clips(index, noises), training_clips(index, noises)
    for number in (7, 0, 3):  # in any order
        one.batch(number)
    np.testing.assert_array_equal(one.batch(5).samples, other.batch(5).samples)
    different = training_clips(index, noises, seed=2)
    assert not np.array_equal(one.batch(5).labels, different.batch(5).labels)


def test_so_it_does_with_every_variation_in_many_threads(index, noises):
    everything = {
        "noise_snr_db": (0.0, 20.0),
        "time_stretch_percent": 10,
        "pitch_shift_semitones": 2,
        "reverb_ms": 300,
        "equalizer_db": 6,
        "band_limit_hertz": 2000,
        "clipping_db": 6,
    }
    one, other = (training_clips(index, noises, **everything) for _ in range(2))
    expected = [one.batch(number) for number in (0, 1, 2)]
    for number in (2, 0, 1):
        np.testing.assert_array_equal(other.batch(number).samples, expected[number].samples)
    plain = training_clips(index, noises).batch(0)
    np.testing.assert_array_equal(plain.labels, expected[0].labels)
    assert not np.array_equal(plain.samples, expected[0].samples)


def test_an_epoch_holds_every_wanted_clip_once(index, noises):
    clips = training_clips(index, noises, batch_size=1)
    labels = [int(clips.batch(number).labels[0]) for number in range(clips.epoch_size)]
    expected = np.bincount([label for _, label in index.wanted["training"]])
    assert np.bincount(labels)[2:].tolist() == expected[2:].tolist()
    assert labels.count(0) == index.silence_count("training")


@pytest.mark.parametrize(
    ("balance", "expected"), [(0, [12, 3, 48]), (0.5, [18, 9, 36]), (1, [21, 21, 21])]
)
def test_balance_evens_out_how_often_words_are_trained(balance, expected):
    labels = np.repeat([2, 3, 4], [12, 3, 48])
    drawn = balanced(labels, balance, np.random.default_rng(1))
    assert np.bincount(labels[drawn])[2:].tolist() == expected
    for label in (2, 3, 4):  # all clips of a word are drawn equally often
        times = np.bincount(drawn, minlength=len(labels))[labels == label]
        assert times.max() - times.min() <= 1


def test_a_balanced_epoch_is_as_long_and_draws_other_clips_than_the_next(tmp_path, noises):
    folder = write_tones(tmp_path, background=False)
    for clip in sorted((folder / "up").iterdir())[10:]:
        clip.unlink()
    plain, even = (
        training_clips(
            scan_corpus(folder, CorpusSettings(wanted_words=WANTED, balance=balance)),
            noises,
            batch_size=1,
            time_shift_ms=0,
            background_frequency=0,
        )
        for balance in (0, 1)
    )
    assert even.epoch_size == plain.epoch_size

    def epoch(clips, number):
        numbers = range(number * clips.epoch_size, (number + 1) * clips.epoch_size)
        return [clips.batch(number) for number in numbers]

    first, second = epoch(even, 0), epoch(even, 1)
    counts = np.bincount([batch.labels[0] for batch in first])
    assert abs(counts[2] - counts[3]) <= 1
    down = [{clip.samples.tobytes() for clip in batches if clip.labels[0] == 3}
            for batches in (first, second)]  # fmt: skip
    assert down[0] != down[1]


def test_every_epoch_draws_other_unknown_clips(folder, noises):
    index = scan_corpus(folder, CorpusSettings(wanted_words=WANTED, unknown_percentage=20))
    off = {"time_shift_ms": 0, "background_volume": 0, "background_frequency": 0}
    clips = training_clips(index, noises, batch_size=1, **off)

    def unknown(epoch):
        numbers = range(epoch * clips.epoch_size, (epoch + 1) * clips.epoch_size)
        batches = [clips.batch(number) for number in numbers]
        return {batch.samples.tobytes() for batch in batches if batch.labels[0] == 1}

    assert len(unknown(0)) == len(unknown(1)) == index.unknown_count("training")
    assert unknown(0) != unknown(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "found no such folder"),
        (lambda folder: folder.mkdir(), "found no clips, expected <word>/*.wav"),
        (lambda folder: (folder / "up").mkdir(parents=True), "found no clips"),
        (lambda folder: write_tones(folder, clips=0), "found no clips"),
    ],
)
def test_a_folder_without_clips_is_refused(tmp_path, make, message):
    make(tmp_path / "data")
    with pytest.raises(StapesError, match=r"data: .*check --data_dir") as caught:
        scan_corpus(tmp_path / "data", SETTINGS)
    assert message in str(caught.value)


def test_a_wanted_word_without_clips_is_named(folder):
    with pytest.raises(StapesError, match=r"no clips of the wanted word 'left'.*down, flat, up"):
        scan_corpus(folder, CorpusSettings(wanted_words=("up", "left")))


def test_a_corpus_with_one_clip_says_which_partition_is_empty(tmp_path):
    write_tones(tmp_path, clips=1)
    index = scan_corpus(tmp_path, SETTINGS)
    empty = next(name for name in PARTITIONS if not index.wanted[name])
    with pytest.raises(StapesError, match=f"found 1 clips, none of them in the {empty} partition"):
        index.require(empty)


def test_a_background_shorter_than_a_clip_is_refused(folder, index):
    with pytest.raises(StapesError, match=r"hiss\.wav: found 24000 samples, expected at least"):
        load_background(index, sample_rate=SAMPLE_RATE, samples=24001)


def test_without_background_silence_is_digital(tmp_path):
    index = scan_corpus(write_tones(tmp_path, background=False), SETTINGS)
    clips = evaluation_clips(index, "training", **FORM, noises=load_background(index, **FORM))
    assert not clips.samples[clips.labels == 0].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wanted_words": ()}, "expected one or more words"),
        ({"wanted_words": ("up", "up")}, "all different"),
        ({"wanted_words": ("_silence_",)}, "_silence_ is always there"),
        ({"wanted_words": ("a/b",)}, "without comma, quote or slash"),
        ({"silence_percentage": -1}, "--silence_percentage=-1: expected 0 to 1000"),
        ({"balance": 1.5}, "--balance=1.5: expected 0 to 1"),
        ({"validation_percentage": 60, "testing_percentage": 50}, "found 110 together"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(change, message):
    with pytest.raises(StapesError, match=message):
        CorpusSettings(**{"wanted_words": ("up",), **change})


def test_hidden_folders_and_files_are_no_words_and_no_clips(tmp_path):
    write_tones(tmp_path, clips=40)
    (tmp_path / "flat").rename(tmp_path / ".stapes.half")
    (tmp_path / "up" / "0000_nohash_0.wav").rename(tmp_path / "up" / "._0000_nohash_0.wav")
    index = scan_corpus(tmp_path, SETTINGS)
    assert sum(map(len, index.unknown.values())) == 0
    assert sum(map(len, index.wanted.values())) == 79


@pytest.mark.parametrize("name", ["_silence_", "_unknown_"])
def test_folders_with_the_names_of_our_own_labels_hold_no_words(tmp_path, name):
    write_tones(tmp_path, clips=40)
    (tmp_path / "flat").rename(tmp_path / name)
    index = scan_corpus(tmp_path, SETTINGS)
    assert sum(map(len, index.unknown.values())) == 0
    assert {label for clips in index.wanted.values() for _, label in clips} == {2, 3}


def test_a_name_that_is_not_utf_8_has_a_partition_too():
    assert which_set("up/\udcff0.wav", 10, 10) in PARTITIONS


def test_a_word_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    write_tones(tmp_path, clips=1)
    monkeypatch.setattr("os.access", lambda path, mode: path.name != "up")
    with pytest.raises(StapesError, match=r"up: cannot be read \(Permission denied\)"):
        scan_corpus(tmp_path, SETTINGS)


def test_words_that_share_a_folder_are_refused():
    with pytest.raises(StapesError, match="all different"):
        CorpusSettings(wanted_words=("yes", "Yes"))


def test_clips_that_are_cut_are_counted_and_the_remedy_is_said(tmp_path):
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    for path, count in zip(paths, (1000, 1040, 3000), strict=True):
        write_wav(path, np.ones(count, np.int16), sample_rate=SAMPLE_RATE)
    long: list[Path] = []
    clips = load_clips(paths, sample_rate=SAMPLE_RATE, samples=1000, long=long)
    assert clips.shape == (3, 1000) and long == [paths[2]]
    text = about_long(long, milliseconds=125)
    assert text.startswith(f"1 clip longer than 125 ms, such as {paths[2]}: only the beginning")
    assert "stapes data trim" in text
