# SPDX-License-Identifier: Apache-2.0
"""The folder of hard examples, and training clips cut out of it."""

from __future__ import annotations

import numpy as np
import pytest
from tones import SAMPLE_RATE, WANTED, write_tones

from stapes.audio.wav import write_wav
from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.clips import TrainingClips
from stapes.corpus.hard_examples import hard_recordings, list_text
from stapes.corpus.index import UNKNOWN_INDEX, CorpusSettings, scan_corpus
from stapes.errors import StapesError

LEVEL = 7000


@pytest.fixture
def hard(tmp_path):
    (tmp_path / "hard" / "clips").mkdir(parents=True)
    for number in range(3):
        samples = np.full(22_400, LEVEL + number, np.int16)
        path = tmp_path / "hard" / "clips" / f"{number}.wav"
        write_wav(path, samples, sample_rate=SAMPLE_RATE)
    text = list_text((f"clips/{number}.wav", "yes 0.9") for number in range(3))
    (tmp_path / "hard" / "list.txt").write_text(text)
    return tmp_path / "hard"


def test_the_list_says_which_clips_count(hard):
    path = hard / "list.txt"
    assert [found.name for found in hard_recordings(hard)] == ["0.wav", "1.wav", "2.wav"]
    path.write_text(path.read_text().replace("clips/1.wav\tyes 0.9\n", ""))
    assert [found.name for found in hard_recordings(hard)] == ["0.wav", "2.wav"]


def test_training_takes_them_as_unknown_words(hard, tmp_path):
    corpus = write_tones(tmp_path / "corpus")
    settings = CorpusSettings(wanted_words=WANTED, unknown_percentage=0, hard_percentage=50)
    index = scan_corpus(corpus, settings, hard_dir=hard)
    quiet = AugmentSettings(time_shift_ms=0, background_volume=0)
    form = {"sample_rate": SAMPLE_RATE, "samples": SAMPLE_RATE, "noises": []}
    clips = TrainingClips(index, **form, augmentation=quiet, batch_size=20, seed=1)
    batches = [clips.batch(number) for number in range(-(-clips.epoch_size // 20))]
    samples = np.concatenate([batch.samples for batch in batches])[: clips.epoch_size]
    labels = np.concatenate([batch.labels for batch in batches])[: clips.epoch_size]
    mined = (samples >= LEVEL).all(axis=1)
    assert mined.sum() == -(-len(index.wanted["training"]) * 50 // 100)
    assert set(labels[mined]) == {UNKNOWN_INDEX}
    assert set(samples[mined, 0]) == {LEVEL, LEVEL + 1, LEVEL + 2}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "list.txt.*cannot be read .*expected the list in"),
        ("# nothing left\n", "found no clips"),
        ("clips/9.wav\tyes\n", "names clips/9.wav, which is not there"),
    ],
)
def test_a_folder_that_does_not_fit_is_told(hard, text, says):
    (hard / "list.txt").unlink()
    if text is not None:
        (hard / "list.txt").write_text(text)
    with pytest.raises(StapesError, match=says):
        hard_recordings(hard)


def test_the_name_of_a_recording_begins_no_line_of_the_list(tmp_path):
    (tmp_path / "a.wav").touch()
    about = "yes 0.90, a\nclips/b.wav\t.wav at 0:00:01.000"
    (tmp_path / "list.txt").write_text(list_text([("a.wav", about)]))
    assert hard_recordings(tmp_path) == [tmp_path / "a.wav"]
