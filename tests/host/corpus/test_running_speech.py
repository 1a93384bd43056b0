# SPDX-License-Identifier: Apache-2.0
"""Running speech: which recordings, of which partition, and the clips made of them."""

from __future__ import annotations

import numpy as np
import pytest
from tones import SAMPLE_RATE, WANTED, write_tones

from stapes.audio.wav import write_wav
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.clips import TrainingClips, evaluation_clips
from stapes.corpus.index import UNKNOWN_INDEX, CorpusSettings, scan_corpus
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.corpus.running_speech import speech_recordings
from stapes.errors import StapesError

FORM = {"sample_rate": SAMPLE_RATE, "samples": SAMPLE_RATE}
SHARES = {"validation_percentage": 30, "testing_percentage": 30}
SPEAKERS = [f"speaker{number}" for number in range(12)]
LEVEL = 5000  # level of the first speaker's recording; each next speaker is a step louder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_tones(tmp_path_factory.mktemp("corpus"))
    for number, speaker in enumerate(SPEAKERS):
        home = folder / "_speech_" / speaker
        home.mkdir(parents=True)
        samples = np.full(3 * SAMPLE_RATE, LEVEL + number, np.int16)
        write_wav(home / "talk.wav", samples, sample_rate=SAMPLE_RATE)
    return folder


def index_of(folder, **settings):
    return scan_corpus(folder, CorpusSettings(wanted_words=WANTED, **SHARES, **settings))


def training(index, **augmentation):
    variations = AugmentSettings(time_shift_ms=0, background_volume=0, **augmentation)
    form = {"noises": [], "augmentation": variations, "batch_size": 50, "seed": 1}
    return TrainingClips(index, **FORM, **form)


def test_all_recordings_of_a_speaker_fall_into_the_speakers_partition(folder):
    found = speech_recordings(folder, **SHARES)
    for partition in PARTITIONS:
        expected = [name for name in SPEAKERS if which_set(name, 30, 30) == partition]
        assert sorted(path.parent.name for path in found[partition]) == sorted(expected)


def test_recordings_may_name_their_speaker_themselves(tmp_path):
    (tmp_path / "_speech_").mkdir()
    for number in range(4):
        path = tmp_path / "_speech_" / f"anna_nohash_{number}.wav"
        write_wav(path, np.zeros(10, np.int16), sample_rate=SAMPLE_RATE)
    counts = [len(paths) for paths in speech_recordings(tmp_path, **SHARES).values()]
    assert sorted(counts) == [0, 0, 4]


def test_speech_is_no_word_of_the_corpus(folder):
    index = index_of(folder, unknown_percentage=1000)
    assert not [path for paths in index.unknown.values() for path in paths if "speech" in str(path)]


def test_training_clips_of_speech_are_unknown_and_of_training_speakers_alone(folder):
    clips = training(index_of(folder, speech_percentage=100, silence_percentage=0))
    speakers = set()
    for number in range(-(-clips.epoch_size // 50)):
        batch = clips.batch(number)
        talk = (batch.samples[:, :1] == batch.samples).all(axis=1) & (batch.samples[:, 0] >= LEVEL)
        assert set(batch.labels[talk]) <= {UNKNOWN_INDEX}
        speakers |= set(batch.samples[talk, 0] - LEVEL)
    names = {SPEAKERS[number] for number in speakers}
    assert names == {name for name in SPEAKERS if which_set(name, 30, 30) == "training"}


def test_evaluation_clips_hold_speech_of_their_partition_that_never_changes(folder):
    index = index_of(folder, speech_percentage=50)
    first, second = (evaluation_clips(index, "testing", **FORM, noises=[]) for _ in range(2))
    np.testing.assert_array_equal(first.samples, second.samples)
    talk = first.samples[(first.samples == first.samples[:, :1]).all(axis=1)]
    speakers = {SPEAKERS[level - LEVEL] for level in talk[:, 0] if level >= LEVEL}
    assert speakers and {which_set(name, 30, 30) for name in speakers} == {"testing"}


def test_chatter_lies_under_words_at_the_given_ratio(folder):
    index = index_of(folder, silence_percentage=0, unknown_percentage=0)
    plain, talked = (
        training(index, augment_frequency=1, **chatter).batch(0).samples.astype(np.float64)
        for chatter in ({}, {"chatter_snr_db": (20.0, 20.0)})
    )
    added = talked - plain
    ratio_db = 10 * np.log10((plain**2).mean(axis=1) / (added**2).mean(axis=1))
    np.testing.assert_allclose(ratio_db, 20, atol=0.2)


def test_speech_that_is_asked_for_but_not_there_is_an_error(tmp_path):
    write_tones(tmp_path)
    with pytest.raises(StapesError, match=r"_speech_: found 0 recordings, .*speech_percentage"):
        training(index_of(tmp_path, speech_percentage=10))
    with pytest.raises(StapesError, match=r"_speech_: found no recordings .*chatter_snr_db"):
        training(index_of(tmp_path), chatter_snr_db=(0.0, 20.0))
