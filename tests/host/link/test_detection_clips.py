# SPDX-License-Identifier: Apache-2.0
"""The seconds around each detection, kept for training."""

from __future__ import annotations

import base64
import tracemalloc

import numpy as np
import pytest
from disk import room_for

from stapes.audio.wav import read_wav_with_rate
from stapes.corpus.hard_examples import LIST_NAME, hard_recordings, list_text
from stapes.errors import StapesError
from stapes.link.detection_clips import AFTER_MS, BEFORE_MS, DetectionClips
from stapes.link.protocol import Event

RATE = 1000  # so that samples are milliseconds


def audio(first, samples):
    pcm = base64.b64encode(np.asarray(samples, "<i2").tobytes()).decode().rstrip("=")
    return Event(name="audio", sequence=0, fields={"sample": str(first), "pcm": pcm})


def detection(time_ms, label="yes", score="0.900"):
    fields = {"label": label, "time_ms": str(time_ms), "score": score}
    return Event(name="detection", sequence=0, fields=fields)


def numbered(first, count):
    """Samples whose values are their places."""
    return audio(first, (np.arange(first, first + count) % 30_000 + 1).astype(np.int16))


@pytest.fixture
def clips(tmp_path):
    clips = DetectionClips(tmp_path / "hard")
    clips.start(RATE)
    return clips


def kept(clips):
    return [read_wav_with_rate(path) for path in hard_recordings(clips.folder)]


def test_a_clip_holds_what_was_heard_before_and_after_its_detection(clips):
    for first in range(0, 4000, 100):
        clips.hear(numbered(first, 100))
    clips.detect(detection(3900))
    assert clips.kept == 0  # the rest comes later
    for first in range(4000, 5000, 100):
        clips.hear(numbered(first, 100))
    ((samples, rate),) = kept(clips)
    assert rate == RATE
    expected = np.arange(3900 - BEFORE_MS, 3900 + AFTER_MS) + 1
    np.testing.assert_array_equal(samples, expected)


def test_detections_in_quick_succession_have_a_clip_each(clips):
    for first in range(0, 8000, 100):
        clips.hear(numbered(first, 100))
        if first in (3000, 3300):
            clips.detect(detection(first))
    assert [samples[0] for samples, _ in kept(clips)] == [1501, 1801]


def test_lost_audio_is_silence_and_the_start_of_a_stream_is_padded(clips):
    clips.hear(numbered(0, 200))
    clips.hear(numbered(300, 1000))
    clips.detect(detection(500))
    clips.hear(numbered(1300, 100))
    ((samples, _),) = kept(clips)
    places = np.arange(500 - BEFORE_MS, 500 + AFTER_MS)
    heard = (places >= 0) & ((places < 200) | (places >= 300))
    np.testing.assert_array_equal(samples, np.where(heard, places + 1, 0))


def test_the_list_names_each_clip_with_label_and_score(clips):
    clips.hear(numbered(0, 2000))
    clips.detect(detection(500, score="0.875"))
    clips.detect(detection(900, label="no", score="high"))
    clips.close()
    lines = (clips.folder / LIST_NAME).read_text().splitlines()
    rows = [line for line in lines if line.startswith("clips/")]
    assert [line.split("\t")[1].split(",")[0] for line in rows] == ["yes 0.88", "no 0.00"]
    assert lines[: -len(rows)] == list_text([]).splitlines()


def test_audio_of_another_rate_belongs_to_no_clip(clips):
    clips.hear(numbered(0, 2000))
    clips.detect(detection(1900))
    clips.start(2 * RATE)
    assert clips.left_out == 1, "its audio will not come any more"
    clips.detect(detection(500))
    clips.close()
    assert (clips.kept, clips.left_out) == (0, 2)


def test_what_is_due_at_the_end_is_written_then(clips):
    clips.hear(numbered(0, 2000))
    clips.detect(detection(1900))
    clips.close()
    assert clips.kept == 1


@pytest.mark.parametrize("label", ["_silence_", "_unknown_"])
def test_labels_that_are_no_words_are_not_kept(clips, label):
    clips.hear(numbered(0, 2000))
    clips.detect(detection(1000, label=label))
    clips.close()
    assert (clips.kept, clips.left_out) == (0, 0)


def test_a_detection_without_audio_is_counted(clips):
    clips.detect(detection(5000))
    clips.close()
    assert (clips.kept, clips.left_out) == (0, 1)


def test_after_a_restart_old_audio_belongs_to_no_clip(clips):
    clips.hear(numbered(0, 2000))
    clips.forget_place()
    clips.hear(numbered(0, 100))
    clips.detect(detection(100))
    clips.close()
    ((samples, _),) = kept(clips)
    assert np.count_nonzero(samples) == 100


def test_a_label_of_a_board_names_no_file_elsewhere(clips):
    clips.hear(numbered(0, 2000))
    clips.detect(detection(1000, label="../../x\ty\n"))
    clips.close()
    (path,) = hard_recordings(clips.folder)
    assert path.parent == clips.folder / "clips"
    assert "______x_y_" in path.name


def test_numbers_that_cannot_be_are_not_believed(clips):
    unknown = DetectionClips(clips.folder)
    unknown.detect(detection(1000))
    unknown.close()
    assert (unknown.kept, unknown.left_out) == (0, 0), "no rate is known yet"
    clips.hear(numbered(0, 2000))
    for time_ms in (12_001, 10**19):
        clips.detect(detection(time_ms))
    assert clips.left_out == 2, "no audio is near"
    for _ in range(1000):
        clips.detect(detection(9000))
    assert clips.left_out == 902, "as many wait as a board can have under way"
    clips.close()
    assert (clips.kept, clips.left_out) == (0, 1002)


def test_detections_are_kept_after_49_days_too_when_the_times_of_a_board_start_at_0_again(clips):
    turn_ms = 1 << 32
    for first in range(turn_ms - 3000, turn_ms + 3000, 100):
        clips.hear(numbered(first, 100))
        if first in (turn_ms - 700, turn_ms, turn_ms + 900):
            clips.detect(detection(first % turn_ms))
    assert (clips.kept, clips.left_out) == (3, 0)
    firsts = [(turn_ms + shift - BEFORE_MS) % 30_000 + 1 for shift in (-700, 0, 900)]
    assert [samples[0] for samples, _ in kept(clips)] == firsts


def test_a_board_that_says_one_piece_for_ever_fills_no_memory(clips):
    piece = numbered(5, 1000)
    tracemalloc.start()
    for _ in range(1000):
        clips.hear(piece)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000


def test_a_full_disk_leaves_whole_lines_that_later_ones_follow(clips):
    path = clips.folder / LIST_NAME
    for first in range(0, 100_000, 1000):
        clips.hear(numbered(first, 1000))
        clips.detect(detection(first + 400))
    before = path.read_text()
    assert len(before) > 5000  # more than a clip has
    with room_for(len(before) + 20), pytest.raises(StapesError, match=r"list\.txt"):
        clips.hear(numbered(100_000, 1000))
    assert path.read_text() == before
    clips.detect(detection(100_900))
    clips.close()
    assert len(hard_recordings(clips.folder)) == clips.kept > 90


def test_numbers_that_go_back_are_those_of_a_board_that_counts_anew(clips):
    clips.hear(numbered(50, 100))
    clips.hear(numbered(0, 100))
    clips.detect(detection(90))
    clips.close()
    ((samples, _),) = kept(clips)
    np.testing.assert_array_equal(samples[np.flatnonzero(samples)], np.arange(1, 101))


def test_no_more_clips_than_asked_for(tmp_path):
    clips = DetectionClips(tmp_path / "hard", most=2)
    clips.start(RATE)
    clips.hear(numbered(0, 3000))
    for time_ms in (500, 1000, 1500):
        clips.detect(detection(time_ms))
    clips.close()
    assert (clips.kept, clips.left_out) == (2, 1)
    assert len(hard_recordings(clips.folder)) == 2


def test_a_list_that_cannot_be_written_is_told_at_the_start(tmp_path):
    (tmp_path / "hard" / LIST_NAME).mkdir(parents=True)
    with pytest.raises(StapesError, match=r"list\.txt: found a folder"):
        DetectionClips(tmp_path / "hard")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StapesError, match="file"):
        DetectionClips(tmp_path / "file" / "hard")
