# SPDX-License-Identifier: Apache-2.0
"""Mining: words hidden in noise are found, cut out, ranked, and trained against."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from tones import SAMPLE_RATE, WANTED, sweep, trained_tones

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.corpus.hard_examples import hard_recordings
from stapes.device.front_end import FrontEnd
from stapes.errors import StapesError
from stapes.files import held_alone
from stapes.model.metadata import load_model
from stapes.stream.mining import MiningSettings, mine

UP, DOWN = sweep(400, 1600, seed=11), sweep(1600, 400, seed=12)
MARGIN = SAMPLE_RATE // 5  # 200 ms


@pytest.fixture
def recording(tmp_path):
    """The recording of half a minute of hiss, with `up` at 5 s and 15 s, and `down` at 20 s."""
    samples = np.random.default_rng(3).normal(0, 3, 30 * SAMPLE_RATE).astype(np.int16)
    for second, word in ((5, UP), (15, UP), (20, DOWN)):
        samples[second * SAMPLE_RATE :][: len(word)] += word
    (tmp_path / "audio").mkdir()
    write_wav(tmp_path / "audio" / "hiss.wav", samples, sample_rate=SAMPLE_RATE)
    return tmp_path / "audio" / "hiss.wav"


def found_in(recording, *, threshold=0.9, **settings):
    model, known = load_model(trained_tones().model)
    return mine(model, known, [recording], mining=MiningSettings(threshold=threshold, **settings))


def test_what_is_taken_for_a_word_is_found_once_with_its_time(recording):
    finds = found_in(recording)
    assert sorted(find.label for find in finds) == sorted(WANTED)
    for find in finds:
        places = (5, 15) if find.label == "up" else (20,)
        assert min(abs(find.time_ms / 1000 - place - 1) for place in places) < 0.6
    scores = [find.score for find in finds]
    assert scores == sorted(scores, reverse=True)


def test_finds_that_differ_are_all_kept(recording):
    assert len(found_in(recording, same_above=1)) == 3
    assert len(found_in(recording, same_above=1, most=1)) == 2


def test_a_label_of_which_enough_was_found_leaves_room_for_the_others(tmp_path):
    """The rising words have higher scores than the falling ones, so they come first."""
    words = [sweep(400, last, seed=11) for last in (1600, 1400, 1000)]
    write_words(tmp_path / "a.wav", *(word for rising in words for word in (rising, DOWN // 16)))
    labels = [find.label for find in found_in(tmp_path / "a.wav", threshold=0.5, same_above=1)]
    assert labels.index("down") >= 2
    few = found_in(tmp_path / "a.wav", threshold=0.5, same_above=1, most=1)
    assert [find.label for find in few] == ["up", "down"]


def test_equal_finds_are_told_apart_by_nothing_but_their_recording(tmp_path):
    paths = [tmp_path / name for name in ("b.wav", "a.wav", "c.wav")]
    for path in paths:
        write_words(path, UP)
    model, known = load_model(trained_tones().model)
    settings = MiningSettings(threshold=0.9, same_above=1)
    finds = mine(model, known, paths, mining=settings)
    assert [find.recording for find in finds] == sorted(paths)
    (one,) = mine(model, known, paths, mining=MiningSettings(threshold=0.9, same_above=0.999))
    assert one.recording == tmp_path / "a.wav"


def test_no_find_is_kept_that_sounds_like_a_surer_one(tmp_path):
    """A word with more and more noise, with its end cut off, and with other tones at its end."""
    noise = np.random.default_rng(5).normal(0, 1, len(UP))
    place = np.arange(len(UP)) / len(UP)
    words = [(UP + noise * loud).astype(np.int16) for loud in (0, 100, 300, 600, 1000)]
    words += [np.where(place < end, UP, 0).astype(np.int16) for end in (0.7, 0.6, 0.55)]
    words += [sweep(400, last, seed=11) for last in (1400, 1200, 1000)]
    write_words(tmp_path / "a.wav", *words)
    found = found_in(tmp_path / "a.wav", threshold=0.5, same_above=1)
    kept = found_in(tmp_path / "a.wav", threshold=0.5, same_above=0.8)
    assert len(kept) > 3 and len(found) > len(kept) + 3
    for find in found:
        surer = [other for other in kept if is_surer(other, find)]
        is_same = any(correlation(find, other) > 0.8 for other in surer)
        assert is_same != any(find.time_ms == other.time_ms for other in kept)


def is_surer(one, other):
    return one.label == other.label and (-one.score, one.time_ms) < (-other.score, other.time_ms)


def correlation(one, other):
    """The correlation of the features of two finds."""
    _, settings = load_model(trained_tones().model)
    extractor = FrontEnd(settings.front_end, scale=0.1, zero_point=0)
    clips = np.stack([one.samples, other.samples])
    return np.corrcoef(extractor.compute_features(clips, threads=1).reshape(2, -1))[0, 1]


def test_a_find_is_cut_out_with_a_margin_around_it(recording):
    _, settings = load_model(trained_tones().model)
    down = next(find for find in found_in(recording) if find.label == "down")
    length = settings.clip_duration_ms * SAMPLE_RATE // 1000 + 2 * MARGIN
    samples = read_wav(recording)
    end = int(down.time_ms * SAMPLE_RATE / 1000) + MARGIN
    np.testing.assert_array_equal(down.samples, samples[end - length : end])


def write_words(path, *words):
    """A second of hiss after each word."""
    hiss = np.random.default_rng(4).normal(0, 3, SAMPLE_RATE).astype(np.int16)
    samples = np.concatenate([part for word in words for part in (word, hiss)])
    write_wav(path, samples, sample_rate=SAMPLE_RATE)
    return samples


def test_a_find_at_the_start_of_a_recording_is_padded_in_front(tmp_path):
    samples = write_words(tmp_path / "a.wav", UP)
    (up,) = found_in(tmp_path / "a.wav")
    last = int(up.time_ms * SAMPLE_RATE / 1000) + MARGIN
    missing = len(up.samples) - last
    assert missing > 0 and not up.samples[:missing].any()
    np.testing.assert_array_equal(up.samples[missing:], samples[:last])


def test_every_recording_is_mined_and_counted(recording, tmp_path):
    write_words(tmp_path / "b.wav", DOWN)
    model, known = load_model(trained_tones().model)
    paths, done = [recording, tmp_path / "b.wav"], []
    settings = MiningSettings(threshold=0.9, same_above=1)
    finds = mine(model, known, paths, mining=settings, progress=done.append)
    assert done == [1, 2]
    assert {find.recording for find in finds} == set(paths)


def test_recordings_of_another_rate_are_resampled_on_request(tmp_path):
    pytest.importorskip("soxr")
    write_wav(tmp_path / "a.wav", np.zeros(40_000, np.int16), sample_rate=2 * SAMPLE_RATE)
    model, known = load_model(trained_tones().model)
    with pytest.raises(StapesError, match="resample"):
        mine(model, known, [tmp_path / "a.wav"], mining=MiningSettings())
    assert mine(model, known, [tmp_path / "a.wav"], mining=MiningSettings(), resample=True) == []
    assert command(tmp_path / "a.wav", tmp_path / "hard", "--resample", "--allow_none") == 0


def command(recording, folder, *flags):
    model = str(trained_tones().model)
    audio = ["--audio", str(recording.parent)]
    return main(
        ["data", "mine", model, *audio, "--output_dir", str(folder), "--threshold", "0.9", *flags]
    )


def test_the_command_writes_clips_a_list_and_a_page(recording, tmp_path, capsys):
    folder = tmp_path / "hard"
    assert command(recording, folder) == 0
    assert f"stapes train --hard_dir {folder}" in capsys.readouterr().out
    clips = hard_recordings(folder)
    finds = found_in(recording)
    page = (folder / "index.html").read_text()
    listed = (folder / "list.txt").read_text()
    for number, (clip, find) in enumerate(zip(clips, finds, strict=True), start=1):
        assert clip.name == f"{number:04}_{find.label}.wav"
        np.testing.assert_array_equal(read_wav(clip, sample_rate=SAMPLE_RATE), find.samples)
        at = f"0:00:{find.time_ms / 1000:06.3f}"
        about = f"{find.label} {find.score:.2f}, hiss.wav at {at}"
        assert f"clips/{clip.name}\t{about}" in listed and about in page
        assert f'src="clips/{clip.name}"' in page
        assert f'src="pictures/{clip.stem}.png"' in page
    pictures = [(folder / "pictures" / f"{clip.stem}.png").read_bytes() for clip in clips]
    assert {picture[1:4] for picture in pictures} == {b"PNG"} and len(set(pictures)) == len(clips)


def test_all_that_audio_names_is_mined(recording, tmp_path):
    write_words(tmp_path / "b.wav", DOWN)
    folder = tmp_path / "hard"
    assert command(recording, folder, "--audio", str(tmp_path / "b.wav"), str(recording)) == 0
    listed = (folder / "list.txt").read_text()
    assert "b.wav at" in listed and "hiss.wav at" in listed


def test_clips_owe_what_the_recordings_owe_that_they_are_cut_from(recording, tmp_path):
    (recording.parent / "ATTRIBUTION.txt").write_text("Of Ada, CC0")
    command(recording, tmp_path / "hard")
    assert (tmp_path / "hard" / "ATTRIBUTION.txt").read_text() == "Of Ada, CC0\n"


def test_a_struck_line_leaves_its_clip_out(recording, tmp_path):
    folder = tmp_path / "hard"
    command(recording, folder)
    kept = [line for line in (folder / "list.txt").read_text().splitlines() if "down" not in line]
    (folder / "list.txt").write_text("\n".join(kept))
    assert [path.name for path in hard_recordings(folder)] == [
        path.name for path in sorted((folder / "clips").glob("*up*"))
    ]


def test_audio_without_finds_is_told_and_leaves_no_folder(tmp_path, capsys):
    write_wav(tmp_path / "quiet.wav", np.zeros(80_000, np.int16), sample_rate=SAMPLE_RATE)
    assert command(tmp_path / "quiet.wav", tmp_path / "hard") == 2
    assert "found nothing that the model takes for a word" in capsys.readouterr().err
    assert not (tmp_path / "hard").exists()
    assert command(tmp_path / "quiet.wav", tmp_path / "hard", "--allow_none") == 0
    assert "found nothing that the model takes for a word" in capsys.readouterr().out
    assert list((tmp_path / "hard").iterdir()) == []


def test_of_two_that_mine_into_one_folder_the_second_is_refused(tmp_path, recording, capsys):
    with held_alone(tmp_path / ".hard.lock", what="a test"):
        mining = [sys.executable, "-m", "stapes", "data", "mine", str(trained_tones().model)]
        flags = ["--audio", str(recording), "--output_dir", str(tmp_path / "hard")]
        done = subprocess.run([*mining, *flags], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"found the mining into hard under way here, process {os.getpid()}," in done.stderr
    assert not (tmp_path / "hard").exists()


def test_a_folder_without_recordings_is_told(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert command(tmp_path / "empty" / "x.wav", tmp_path / "hard") == 2
    assert "empty: found no recordings" in capsys.readouterr().err
    nowhere = str(tmp_path / "nowhere.wav")
    assert command(tmp_path / "empty" / "x.wav", tmp_path / "hard", "--audio", nowhere) == 2
    assert "nowhere.wav: found no recordings" in capsys.readouterr().err


def test_a_model_that_is_refused_is_named(recording):
    _, known = load_model(trained_tones().model)
    with pytest.raises(StapesError, match=r"^broken\.tflite: "):
        mine(b"nothing", known, [recording], mining=MiningSettings(), source="broken.tflite")


@pytest.mark.parametrize(
    "setting", [{"threshold": 2}, {"threshold": float("nan")}, {"same_above": -1}, {"most": 0}]
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(StapesError, match=f"--{next(iter(setting))}=.*expected"):
        MiningSettings(**setting)
