# SPDX-License-Identifier: Apache-2.0
"""Trimming to the loudest section, against the plain definition of it."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.corpus.attribution import attribution_of
from stapes.corpus.trim import TrimSettings, loudest_section, trim_corpus
from stapes.errors import StapesError

SETTINGS = TrimSettings(sample_rate=8000)


def spoken_at(start: int, *, samples: int = 24000, level: float = 6000) -> np.ndarray:
    """Three seconds with half a second of loud noise in them. int16."""
    generator = np.random.default_rng(start)
    clip = generator.normal(0, 10, samples)
    clip[start : start + 4000] += generator.normal(0, level, 4000)
    return np.clip(clip, -32768, 32767).astype(np.int16)


def test_the_section_is_the_one_with_the_largest_sum_of_absolute_values():
    samples = np.random.default_rng(0).integers(-32768, 32767, 300).astype(np.int16)
    sums = [np.abs(samples[at : at + 100].astype(int)).sum() for at in range(201)]
    start = int(np.argmax(sums))
    assert loudest_section(samples, 100).tolist() == samples[start : start + 100].tolist()


def test_the_most_negative_sample_is_the_loudest():
    samples = np.array([0, 32767, 0, -32768, 0], np.int16)
    assert loudest_section(samples, 1).tolist() == [-32768]


def test_of_equal_sections_the_first_is_taken_and_short_clips_stay():
    assert loudest_section(np.zeros(5, np.int16), 2).tolist() == [0, 0]
    assert loudest_section(np.array([3, 0, 3, 0], np.int16), 2).tolist() == [3, 0]
    assert loudest_section(np.array([1, 2], np.int16), 9).tolist() == [1, 2]


def test_words_come_to_lie_in_one_second_at_their_old_places(tmp_path):
    for number, start in enumerate((1000, 12000, 19000)):
        path = tmp_path / "in" / "yes" / f"{number}_nohash_0.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, spoken_at(start), sample_rate=8000)
    (tmp_path / "in" / "ATTRIBUTION.txt").write_text("Of Ada\n")
    done = trim_corpus(tmp_path / "in", tmp_path / "out", SETTINGS)
    assert (done.written, done.quiet) == (3, [])
    assert attribution_of(tmp_path / "out") == "Of Ada"
    for number, start in enumerate((1000, 12000, 19000)):
        clip = read_wav(tmp_path / "out" / "yes" / f"{number}_nohash_0.wav", sample_rate=8000)
        assert len(clip) == 8000
        whole = np.abs(spoken_at(start).astype(int))
        assert np.abs(clip.astype(int)).sum() >= whole[start : start + 4000].sum()


def test_quiet_recordings_are_left_out_and_background_stays_whole(tmp_path):
    (tmp_path / "in" / "_background_noise_").mkdir(parents=True)
    quiet = spoken_at(1000, level=20)
    write_wav(tmp_path / "in" / "quiet.wav", quiet, sample_rate=8000)
    write_wav(tmp_path / "in" / "_background_noise_" / "hum.wav", quiet, sample_rate=8000)
    done = trim_corpus(tmp_path / "in", tmp_path / "out", SETTINGS)
    assert (done.written, done.quiet) == (1, ["quiet.wav"])
    kept = read_wav(tmp_path / "out" / "_background_noise_" / "hum.wav")
    assert kept.tolist() == quiet.tolist()


def test_the_command_converts_and_names_what_it_left_out(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.flac", spoken_at(9000), 8000, subtype="PCM_16")
    write_wav(tmp_path / "in" / "b.wav", np.zeros(30000, np.int16), sample_rate=8000)
    command = ["data", "trim", "--data_dir", str(tmp_path / "in"), "--output_dir"]
    assert main([*command, str(tmp_path / "out")]) == 2
    assert "or pass --resample" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert main([*command, str(tmp_path / "out"), "--resample"]) == 0
    assert capsys.readouterr().out.startswith("b.wav: too quiet, left out\n")
    assert len(read_wav(tmp_path / "out" / "a.wav", sample_rate=16000)) == 16000
    assert main([*command, str(tmp_path / "out")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_two_files_that_would_get_one_name_are_refused(tmp_path):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.flac", spoken_at(1), 8000, subtype="PCM_16")
    write_wav(tmp_path / "in" / "a.wav", spoken_at(1), sample_rate=8000)
    with pytest.raises(StapesError, match=r"a\.wav: found the same name with another suffix"):
        trim_corpus(tmp_path / "in", tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["corpus/trimmed", "corpus/yes", "corpus/../corpus/a"])
def test_clips_are_not_put_among_the_recordings(tmp_path, place):
    (tmp_path / "corpus").mkdir()
    write_wav(tmp_path / "corpus" / "a.wav", spoken_at(0), sample_rate=16000)
    with pytest.raises(StapesError, match=r"found a place inside .*, where the next run"):
        trim_corpus(tmp_path / "corpus", tmp_path / place, TrimSettings())
    assert [path.name for path in tmp_path.rglob("*")] == ["corpus", "a.wav"]


def test_nothing_to_trim_is_said(tmp_path):
    with pytest.raises(StapesError, match="found no recordings"):
        trim_corpus(tmp_path, tmp_path / "out", SETTINGS)
