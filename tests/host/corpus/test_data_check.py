# SPDX-License-Identifier: Apache-2.0
"""The report on a folder of clips names every kind of fault that the tests put there."""

from __future__ import annotations

import json
import shutil
import unicodedata
import wave

import numpy as np
import pytest
import soundfile
from tones import SAMPLE_RATE, WANTED, write_tones

from stapes.audio.wav import write_wav
from stapes.cli.commands.data_check import report_lines
from stapes.cli.main import main
from stapes.corpus.check import CheckSettings, check_corpus
from stapes.corpus.index import CorpusSettings, scan_corpus
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.errors import StapesError

SETTINGS = CheckSettings(sample_rate=SAMPLE_RATE, wanted_words=WANTED)
FLAGS = ["--sample_rate", str(SAMPLE_RATE), "--wanted_words", ",".join(WANTED)]


@pytest.fixture
def folder(tmp_path):
    """A corpus in which nothing is wrong."""
    return write_tones(tmp_path / "corpus", clips=110)


def found(folder, settings=SETTINGS) -> dict[str, list[str]]:
    """Kind of every finding, and its files."""
    return {finding.kind: finding.files for finding in check_corpus(folder, settings).findings}


def name_in(partition: str, *, unlike: str = "") -> str:
    """A file name that belongs to a partition."""
    names = (f"new{number}_nohash_0.wav" for number in range(1000))
    return next(name for name in names if which_set(name, 10, 10) == partition and name != unlike)


def loud(samples: int = SAMPLE_RATE, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3000, samples).astype(np.int16)


def test_a_sound_corpus_has_no_findings_and_its_figures_are_right(folder):
    report = check_corpus(folder, SETTINGS)
    assert report.findings == []
    assert report.clips == 330 and report.speakers == 110
    assert sum(report.words["up"].values()) == 110 and set(report.words) == {"up", "down", "flat"}
    assert report.seconds == (1.0, 1.0, 1.0)
    assert report.hours == pytest.approx(330 / 3600, abs=1e-3)
    assert report.background_minutes == pytest.approx(3 / 60, abs=1e-2)
    index = scan_corpus(folder, CorpusSettings(wanted_words=WANTED))
    for partition in PARTITIONS:
        training = sum(label == 2 for _, label in index.wanted[partition])
        assert report.words["up"][partition] == training, "the partitions are those of training"


def test_clips_that_do_not_fit_the_ear_are_named(folder):
    clip = loud()
    write_wav(folder / "up" / "short_nohash_0.wav", clip[:3000], sample_rate=SAMPLE_RATE)
    write_wav(folder / "up" / "long_nohash_0.wav", loud(9000), sample_rate=SAMPLE_RATE)
    driven = np.clip(clip.astype(int) * 30, -32768, 32767).astype(np.int16)
    write_wav(folder / "up" / "driven_nohash_0.wav", driven, sample_rate=SAMPLE_RATE)
    write_wav(folder / "up" / "quiet_nohash_0.wav", clip // 200, sample_rate=SAMPLE_RATE)
    assert found(folder) == {
        "short": ["up/short_nohash_0.wav"],
        "long": ["up/long_nohash_0.wav"],
        "clipped": ["up/driven_nohash_0.wav"],
        "silent": ["up/quiet_nohash_0.wav"],
    }


def test_files_of_another_form_are_named(folder):
    write_wav(folder / "up" / "rate_nohash_0.wav", loud(16000), sample_rate=16000)
    both = np.stack([loud(), loud(seed=8)], axis=1)
    soundfile.write(folder / "up" / "two_nohash_0.flac", both, SAMPLE_RATE)
    soundfile.write(folder / "up" / "bits_nohash_0.wav", loud(seed=9) / 32768, SAMPLE_RATE, "FLOAT")
    (folder / "up" / "a.m4a").touch()
    (folder / "up" / "a.png").touch()
    write_wav(folder / "_background_noise_" / "a.wav", loud(10), sample_rate=SAMPLE_RATE)
    assert found(folder) == {
        "sample_rate": ["up/rate_nohash_0.wav"],
        "channels": ["up/two_nohash_0.flac"],
        "format": ["up/bits_nohash_0.wav"],
        "other_audio": ["up/a.m4a"],
        "other_files": ["up/a.png"],
        "short_background": ["_background_noise_/a.wav"],
    }


def test_running_speech_is_looked_at_in_the_folders_of_its_speakers_too(folder):
    speech = folder / "_speech_"
    (speech / "anna").mkdir(parents=True)
    write_wav(speech / "ben_nohash_0.wav", loud(30 * SAMPLE_RATE), sample_rate=SAMPLE_RATE)
    write_wav(speech / "anna" / "story.wav", loud(60 * SAMPLE_RATE), sample_rate=SAMPLE_RATE)
    write_wav(speech / "anna" / "fast.wav", loud(), sample_rate=44100)
    (speech / "anna" / "text.wav").write_bytes(b"hello")
    report = check_corpus(folder, SETTINGS)
    assert report.speech_minutes == pytest.approx(1.5, abs=0.02) and len(report.words) == 3
    files = {finding.kind: finding.files for finding in report.findings}
    assert files["sample_rate"] == ["_speech_/anna/fast.wav"]
    (unreadable,) = files["unreadable"]
    assert unreadable.startswith("_speech_/anna/text.wav: found b'hell' at its start")
    assert "0.1 minutes of background, 1.5 of running speech" in report_lines(report)[0]


def test_the_level_of_background_is_looked_at(folder):
    noises = folder / "_background_noise_"
    driven = np.clip(loud().astype(int) * 30, -32768, 32767).astype(np.int16)
    write_wav(noises / "driven.wav", driven, sample_rate=SAMPLE_RATE)
    write_wav(noises / "off.wav", np.full(SAMPLE_RATE, 20, np.int16), sample_rate=SAMPLE_RATE)
    write_wav(noises / "quiet_room.wav", loud() // 200, sample_rate=SAMPLE_RATE)
    soundfile.write(noises / "scaled.wav", loud().astype(float), SAMPLE_RATE, "FLOAT")
    kinds = found(folder)
    assert kinds.pop("unreadable")[0].startswith(
        "_background_noise_/scaled.wav: found samples up to 1"
    )
    assert kinds == {
        "clipped_background": ["_background_noise_/driven.wav"],
        "silent_background": ["_background_noise_/off.wav"],
    }


def test_clips_of_recorders_that_never_finished_their_header_are_named(folder):
    path = folder / "up" / "0000_nohash_0.wav"
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = bytes(4)
    path.write_bytes(data)
    assert found(folder) == {"unfinished": ["up/0000_nohash_0.wav"]}


def test_a_header_that_lies_is_named_with_what_was_found(folder):
    path = folder / "up" / "0000_nohash_0.wav"
    path.write_bytes(path.read_bytes()[:-1000])
    (files,) = found(folder).values()
    assert files[0].startswith(
        "up/0000_nohash_0.wav: cut short, or its header is wrong: found 15044"
    )


def test_equal_sounds_are_found_whatever_their_file_says(folder):
    training, testing = name_in("training"), name_in("testing")
    write_wav(folder / "up" / training, loud(), sample_rate=SAMPLE_RATE)
    flac = folder / "up" / testing.replace(".wav", ".flac")
    soundfile.write(flac, loud(), SAMPLE_RATE, subtype="PCM_16")
    shutil.copy(folder / "up" / "0001_nohash_0.wav", folder / "down" / "0001_nohash_1.wav")
    shutil.copy(folder / "up" / "0002_nohash_0.wav", folder / "up" / "0002_nohash_1.wav")
    assert found(folder) == {
        "duplicate_partitions": [" = ".join(sorted([f"up/{training}", f"up/{flac.name}"]))],
        "duplicate_words": ["down/0001_nohash_1.wav = up/0001_nohash_0.wav"],
        "duplicate_twice": ["up/0002_nohash_0.wav = up/0002_nohash_1.wav"],
    }


def test_words_that_are_rare_or_missing_in_a_partition_are_named(folder):
    for path in sorted((folder / "down").iterdir())[20:]:
        path.unlink()
    kinds = found(folder)
    assert kinds["few"] == ["down: 20"] and kinds["unbalanced"] == []
    rows = check_corpus(folder, SETTINGS).words["down"]
    for partition in PARTITIONS:
        assert (kinds.get(f"empty_{partition}") == ["down"]) == (rows[partition] == 0)


def test_without_background_it_says_what_that_means(tmp_path):
    report = check_corpus(write_tones(tmp_path / "c", clips=110, background=False), SETTINGS)
    assert [finding.kind for finding in report.findings] == ["no_background"]


def test_a_corpus_of_one_clip_has_two_empty_partitions(tmp_path):
    (tmp_path / "up").mkdir()
    write_wav(tmp_path / "up" / "a_nohash_0.wav", loud(), sample_rate=SAMPLE_RATE)
    settings = CheckSettings(sample_rate=SAMPLE_RATE, wanted_words=("up",))
    kinds = found(tmp_path, settings)
    assert sum(kind.startswith("empty_") for kind in kinds) == 2
    assert found(tmp_path, CheckSettings(sample_rate=SAMPLE_RATE)).keys() == kinds.keys()
    assert kinds["few"] == ["up: 1"]


def test_a_folder_with_a_comma_can_be_no_wanted_word(folder):
    (folder / "flat").rename(folder / "a,b")
    report = check_corpus(folder, SETTINGS)
    assert [finding.files for finding in report.findings] == [["a,b"]]
    assert "without comma" in report.findings[0].text and report.errors == 0
    index = scan_corpus(folder, CorpusSettings(wanted_words=WANTED))
    assert sum(map(len, index.unknown.values())) == 110, "as an unknown word it is as good as any"
    with pytest.raises(StapesError, match=r"label 'a,b': expected .* without comma"):
        CorpusSettings(wanted_words=("a,b",))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_word_may_have_umlauts_however_its_folder_spells_them(folder, form):
    """Keyboards write one character, macOS's file system two."""
    (folder / "flat").rename(folder / unicodedata.normalize(form, "größe"))
    wanted = unicodedata.normalize("NFC", "Größe")
    index = scan_corpus(folder, CorpusSettings(wanted_words=(wanted,)))
    assert sum(map(len, index.wanted.values())) == 110
    settings = CheckSettings(sample_rate=SAMPLE_RATE, wanted_words=(wanted,))
    assert found(folder, settings) == {}


def test_the_partitions_are_held_to_the_lists_that_come_with_speech_commands(folder):
    names = [f"{path.parent.name}/{path.name}" for path in folder.glob("[!_]*/*.wav")]
    for partition in ("validation", "testing"):
        listed = [name for name in names if which_set(name, 10, 10) == partition]
        (folder / f"{partition}_list.txt").write_text("\n".join(listed) + "\n")
    assert found(folder) == {}
    moved = next(name for name in names if which_set(name, 10, 10) == "training")
    with (folder / "testing_list.txt").open("a") as out:
        out.write(f"{moved}\n")
    assert found(folder) == {"official_lists": [f"{moved}: listed under testing"]}


def test_the_command_says_all_that_in_lines_or_json(folder, capsys):
    command = ["data", "check", "--data_dir", str(folder), *FLAGS]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "330 clips of 3 words, 110 speakers" in text
    assert text.partition("nothing wrong was found\nNext: stapes train")[1]
    for number in range(7):
        path = folder / "up" / f"{number:04x}_nohash_0.wav"
        path.write_bytes(b"RIFF")
    assert main(command) == 1
    text = capsys.readouterr().out
    assert "error: cannot be read: 7 files" in text and "and 2 more (--all)" in text
    assert main([*command, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert len(document["findings"][0]["files"]) == 7
    assert document["words"]["up"].keys() == set(PARTITIONS)


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StapesError, match="found no clips"):
            check_corpus(folder, SETTINGS)


def test_a_stereo_wav_is_counted_as_such(folder):
    with wave.open(str(folder / "up" / "two_nohash_0.wav"), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(loud(2 * SAMPLE_RATE).tobytes())
    assert found(folder) == {"channels": ["up/two_nohash_0.wav"]}
