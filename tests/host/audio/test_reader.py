# SPDX-License-Identifier: Apache-2.0
"""The reader of recordings: three formats, refusals that say what to do, conversion."""

from __future__ import annotations

import os
import struct
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
from tones import SAMPLE_RATE, WANTED, write_tones

from stapes.audio.reader import about_unread, audio_files, read_audio, read_recording
from stapes.audio.wav import write_wav
from stapes.corpus.clips import evaluation_clips, load_background, load_clips
from stapes.corpus.index import CorpusSettings, scan_corpus
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.errors import StapesError

TONE = (9000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.int16)


def write_stereo(path: Path, left: np.ndarray, right: np.ndarray, rate: int) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.stack([left, right], axis=1).astype("<i2").tobytes())
    return path


def test_flac_gives_the_very_samples_of_wav(tmp_path):
    soundfile.write(tmp_path / "a.flac", TONE, 8000, subtype="PCM_16")
    write_wav(tmp_path / "a.wav", TONE, sample_rate=8000)
    for name in ("a.wav", "a.flac"):
        assert read_audio(tmp_path / name, sample_rate=8000).tolist() == TONE.tolist()


def test_ogg_gives_nearly_the_samples_of_wav(tmp_path):
    soundfile.write(tmp_path / "a.ogg", TONE, 8000)
    found = read_audio(tmp_path / "a.ogg", sample_rate=8000)
    assert found.dtype == np.int16 and len(found) == len(TONE)
    assert np.corrcoef(found, TONE)[0, 1] > 0.99


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_another_rate_is_refused_and_both_ways_to_fix_it_are_said(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, TONE, 44100, subtype="PCM_16")
    with pytest.raises(StapesError, match=r"a\..*found 44100 Hz, expected .*8000 Hz; .*sox") as it:
        read_audio(path, sample_rate=8000, resample=False)
    assert str(it.value).endswith("or pass --resample")
    with pytest.raises(StapesError) as it:
        read_audio(path, sample_rate=8000)
    assert "--resample" not in str(it.value), "where there is no such flag"


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_stereo_is_refused_or_becomes_the_mean_of_its_channels(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.stack([TONE, 0 * TONE], axis=1), 8000, subtype="PCM_16")
    with pytest.raises(StapesError, match=r"found 2 channels, expected mono"):
        read_audio(path, sample_rate=8000, resample=False)
    mono = read_audio(path, sample_rate=8000, resample=True)
    np.testing.assert_allclose(mono, TONE / 2, atol=1)


@pytest.mark.parametrize("rate", [44100, 22050, 11025])
def test_a_converted_rate_agrees_with_another_resampler(tmp_path, rate):
    time = np.arange(rate) / rate
    sweep = 9000 * scipy.signal.chirp(time, 100, 1, 3000)
    write_wav(tmp_path / "a.wav", sweep.astype(np.int16), sample_rate=rate)
    found = read_audio(tmp_path / "a.wav", sample_rate=8000, resample=True)
    expected = 9000 * scipy.signal.chirp(np.arange(8000) / 8000, 100, 1, 3000)
    assert len(found) == 8000
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=30)


def test_samples_of_24_bits_and_floats_are_converted_on_demand_alone(tmp_path):
    for subtype in ("PCM_24", "FLOAT"):
        soundfile.write(tmp_path / "a.wav", TONE / 32768, 8000, subtype=subtype)
        with pytest.raises(StapesError, match="expected 16-bit PCM"):
            read_audio(tmp_path / "a.wav", sample_rate=8000, resample=False)
        found = read_audio(tmp_path / "a.wav", sample_rate=8000, resample=True)
        np.testing.assert_allclose(found, TONE, atol=1)


@pytest.mark.parametrize("resample", [False, True])
def test_a_header_that_lies_about_its_samples_is_found_out(tmp_path, resample):
    path = write_stereo(tmp_path / "a.wav", TONE, TONE, 44100)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[:-100])
    with pytest.raises(StapesError, match=r"a\.wav: cut short, or its header is wrong"):
        read_audio(path, sample_rate=8000, resample=resample)
    struct.pack_into("<I", data, 40, len(data))  # the data chunk alone
    path.write_bytes(data)
    with pytest.raises(StapesError, match=r"a\.wav: (cut short, or its head|found 2 ch)"):
        read_audio(path, sample_rate=8000, resample=resample)


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_damage_is_named_with_its_file(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).normal(0, 3000, 40000).astype(np.int16)
    soundfile.write(path, noise, 8000)
    whole = path.read_bytes()
    for content in (
        b"",
        b"nothing of the sort",
        whole[: len(whole) // 2] if suffix == "flac" else b"OggS",
    ):
        path.write_bytes(content)
        with pytest.raises(StapesError, match=rf"a\.{suffix}: .*(expected a whole|cut short)"):
            read_audio(path, sample_rate=8000)
    with pytest.raises(StapesError, match="cannot be read"):
        read_audio(tmp_path / f"missing.{suffix}", sample_rate=8000)


def test_a_missing_package_is_said_with_how_to_install_it(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.flac", TONE, 8000)
    write_wav(tmp_path / "b.wav", TONE, sample_rate=16000)
    for name, path in (("soundfile", "a.flac"), ("soxr", "b.wav")):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            with pytest.raises(StapesError, match=rf"{name}: not installed.*stapes\[audio\]"):
                read_audio(tmp_path / path, sample_rate=8000, resample=True)


def test_capitals_in_a_suffix_do_not_count_and_other_files_are_no_recordings(tmp_path, capsys):
    for name in (
        "a.wav",
        "b.WAV",
        "c.Flac",
        "d.ogg",
        "e.mp3",
        "f.OPUS",
        "g.m4a",
        "h.txt",
        "._i.wav",
    ):
        (tmp_path / name).touch()
    names = [path.name for path in audio_files(tmp_path, "*")]
    assert names == ["a.wav", "b.WAV", "c.Flac", "d.ogg", "e.mp3", "f.OPUS"]
    assert "1 recording skipped (.m4a, such as " in capsys.readouterr().err


@pytest.mark.parametrize(("suffix", "coding"), [("mp3", "MP3"), ("opus", "OGG")])
def test_mp3_and_opus_give_nearly_the_samples_of_wav(tmp_path, suffix, coding):
    tone = (9000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)).astype(np.int16)
    with soundfile.SoundFile(
        tmp_path / f"a.{suffix}",
        "w",
        16000,
        1,
        "OPUS" if suffix == "opus" else None,
        format=coding,
    ) as out:
        out.write(tone)
    found = read_audio(tmp_path / f"a.{suffix}", sample_rate=16000, resample=True).astype(float)
    around = range(2000)  # coders put some silence before
    same = max(np.corrcoef(found[n : n + 12000], tone[:12000])[0, 1] for n in around[::7])
    assert 16000 <= len(found) < 18500 and same > 0.98


def test_recordings_that_nothing_reads_are_named_with_the_line_that_converts_them(tmp_path, capsys):
    (tmp_path / "yes").mkdir()
    for name in ("a.m4a", "b.M4A", "c.wma"):
        (tmp_path / "yes" / name).touch()
    for _ in range(2):
        assert audio_files(tmp_path, "*/*") == []
    assert capsys.readouterr().err == (
        f"Note: 3 recordings skipped (.m4a, .wma, such as {tmp_path}/yes/a.m4a); convert each with:"
        " ffmpeg -i IN -ac 1 -ar 16000 -c:a pcm_s16le OUT.wav\n"
    )
    assert about_unread([]) == ""


def test_another_file_format_moves_no_clip_to_another_partition():
    for number in range(200):
        for name in (f"{number:x}.wav", f"{number:x}_nohash_0.wav"):
            sets = {
                which_set(name.replace(".wav", end), 20, 30)
                for end in (".wav", ".flac", ".ogg", ".opus", ".mp3")
            }
            assert len(sets) == 1
    assert {which_set(f"{n:x}.flac", 20, 30) for n in range(200)} == set(PARTITIONS)


def test_a_corpus_of_flac_at_another_rate_is_that_of_wav(tmp_path):
    """Training, evaluation and stream make read by these functions."""
    folder = write_tones(tmp_path / "wav", clips=30)
    other = tmp_path / "flac"
    for path in folder.glob("*/*.wav"):
        samples, rate = soundfile.read(path)
        target = other / path.relative_to(folder).with_suffix(".flac")
        target.parent.mkdir(parents=True, exist_ok=True)
        twice = scipy.signal.resample_poly(samples, 2, 1)
        soundfile.write(target, np.stack([twice, twice], axis=1), 2 * rate, subtype="PCM_16")
    form = {"sample_rate": SAMPLE_RATE, "samples": SAMPLE_RATE}
    read = {}
    for place, resample in ((folder, False), (other, True)):
        index = scan_corpus(place, CorpusSettings(wanted_words=WANTED, resample=resample))
        noises = load_background(index, **form)
        read[place] = evaluation_clips(index, "training", **form, noises=noises)
        assert {
            path.parent.name for paths in index.wanted_by_word("testing").values() for path in paths
        }
    np.testing.assert_array_equal(read[folder].labels, read[other].labels)
    spoken = read[folder].labels > 0
    difference = read[folder].samples[spoken].astype(float) - read[other].samples[spoken]
    assert np.sqrt(np.mean(difference[:, 100:-100] ** 2)) < 10
    with pytest.raises(StapesError, match="or pass --resample"):
        paths = sorted(other.glob("up/*.flac"))
        load_clips(paths, **form)


@pytest.mark.parametrize("sample", [float("nan"), float("-inf")])
def test_float_samples_that_are_no_sound_are_refused(tmp_path, sample):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(100, sample, np.float32), 48000, subtype="FLOAT")
    with pytest.raises(StapesError, match=r"a\.wav: found samples that are not numbers"):
        read_audio(path, sample_rate=16000, resample=True)


@pytest.mark.parametrize(
    ("peak", "said"),
    [
        (20_000, "found samples up to 20000, .* scale of 16-bit integers; divide them by 32768"),
        (-32_768, "found samples up to 32768, .* scale of 16-bit integers"),
        (5.0, "found samples up to 5, .* far too loud"),
        (8e6, "found samples up to 8e\\+06, .* scale of 24-bit integers; divide them by 8388608"),
        (2e9, "found samples up to 2e\\+09, .* scale of 32-bit integers"),
        (1e38, "found samples up to 1e\\+38, expected -1 to 1: far too loud"),
    ],
)
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floats_of_another_scale_are_refused_with_their_peak(tmp_path, peak, said, subtype):
    path = tmp_path / "a.wav"
    sound = TONE / np.abs(TONE).max() * np.sign(peak)
    soundfile.write(path, sound * abs(peak), 8000, subtype=subtype)
    for read in (
        lambda: read_audio(path, sample_rate=8000, resample=True),
        lambda: read_audio(path, sample_rate=8000),  # a conversion would cut them
        lambda: read_recording(path),
    ):
        with pytest.raises(StapesError, match=said):
            read()


def test_floats_a_little_over_full_scale_are_cut(tmp_path):
    soundfile.write(tmp_path / "a.wav", 3.9 * TONE / 9000, 8000, subtype="FLOAT")
    found = read_audio(tmp_path / "a.wav", sample_rate=8000, resample=True)
    assert (found.min(), found.max()) == (-32768, 32767)
    soft = np.abs(TONE) < 9000 / 4
    np.testing.assert_allclose(found[soft], 3.9 * TONE[soft] * 32768 / 9000, atol=1)


def test_a_pipe_among_recordings_is_refused_not_waited_for(tmp_path):
    (tmp_path / "yes").mkdir()
    os.mkfifo(tmp_path / "yes" / "a.wav")
    with pytest.raises(StapesError, match=r"yes/a\.wav: found a pipe, expected a recording"):
        audio_files(tmp_path, "*/*")
