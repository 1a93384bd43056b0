# SPDX-License-Identifier: Apache-2.0
"""Mining: words hidden in noise are found, cut out, ranked, and trained against."""

from __future__ import annotations

import numpy as np
import pytest
from tones import SAMPLE_RATE, WANTED, sweep, trained_tones

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.corpus.hard_examples import hard_recordings
from stapes.errors import StapesError
from stapes.model.metadata import load_model
from stapes.stream.mining import MARGIN_MS, MiningSettings, mine

UP, DOWN = sweep(400, 1600, seed=11), sweep(1600, 400, seed=12)


@pytest.fixture
def recording(tmp_path):
    """Half a minute of hiss with `up` at 5 s and 15 s, `down` at 20 s; and the recording of it."""
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


def test_a_find_is_cut_out_with_a_margin_around_it(recording):
    _, settings = load_model(trained_tones().model)
    down = next(find for find in found_in(recording) if find.label == "down")
    length = (settings.clip_duration_ms + 2 * MARGIN_MS) * SAMPLE_RATE // 1000
    samples = read_wav(recording)
    end = int((down.time_ms + MARGIN_MS) * SAMPLE_RATE / 1000)
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
    last = int((up.time_ms + MARGIN_MS) * SAMPLE_RATE / 1000)
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
    assert [path.suffix for path in clips] == [".wav", ".wav"]
    page = (folder / "index.html").read_text()
    for clip in clips:
        assert f'src="clips/{clip.name}"' in page
        picture = folder / "pictures" / f"{clip.stem}.png"
        assert picture.read_bytes()[1:4] == b"PNG"
        assert f'src="pictures/{picture.name}"' in page


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


def test_a_folder_without_recordings_is_told(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert command(tmp_path / "empty" / "x.wav", tmp_path / "hard") == 2
    assert "empty: found no recordings" in capsys.readouterr().err


@pytest.mark.parametrize(
    "setting", [{"threshold": 2}, {"threshold": float("nan")}, {"same_above": -1}, {"most": 0}]
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(StapesError, match=f"--{next(iter(setting))}=.*expected"):
        MiningSettings(**setting)
