# SPDX-License-Identifier: Apache-2.0
"""models/room.py: every source of sound lies in one part alone."""

from __future__ import annotations

import numpy as np
import pytest
from room import PARTS, lay_out, part_of, source

from stapes.audio.wav import read_wav, write_wav
from stapes.corpus.attribution import attribution_of
from stapes.corpus.partition import which_set
from stapes.errors import StapesError

NAMES = {
    "noise": [f"noisekun_place{number}" for number in range(12)]
    + [f"esc10_dog_bark_1-{number}-{take}" for number in range(100, 112) for take in "AB"],
    "speech": [f"libri{number}_{number}-{part}-0000" for number in range(30) for part in (1, 2)]
    + [f"precise_{number}" for number in range(12)],
}
VOICES = "Synthetic speech by humming (CC0): anna."
SPOKEN = [f"voice{number}_nohash_0.wav" for number in range(20)]


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    top = tmp_path_factory.mktemp("room")
    for kind, names in NAMES.items():
        for name in names:
            (top / "room" / kind).mkdir(parents=True, exist_ok=True)
            write_wav(top / "room" / kind / f"{name}.wav", np.ones(80, np.int16), sample_rate=16000)
    for folder in ("yes", "_background_noise_"):
        (top / "words" / folder).mkdir(parents=True)
        write_wav(top / "words" / folder / "a.wav", np.ones(80, np.int16), sample_rate=16000)
    for folder in ("yes", "_background_noise_"):
        for name in SPOKEN:
            (top / "spoken" / folder).mkdir(parents=True, exist_ok=True)
            write_wav(top / "spoken" / folder / name, np.ones(80, np.int16), sample_rate=16000)
    (top / "spoken" / "ATTRIBUTION.txt").write_text(VOICES + "\n")
    lay_out(top / "words", top / "room", top / "parts", spoken=top / "spoken")
    return top / "parts"


def test_every_recording_is_in_one_part_and_sources_stay_whole(laid_out):
    parts = {}
    for part in PARTS:
        links = [*(laid_out / part).rglob("*.wav")]
        for link in links:
            if link.name not in ("a.wav", *SPOKEN):
                assert link.name not in parts
                parts[link.name] = part
    assert len(parts) == sum(map(len, NAMES.values()))
    assert parts["libri7_7-1-0000.wav"] == parts["libri7_7-2-0000.wav"]
    assert parts["esc10_dog_bark_1-103-A.wav"] == parts["esc10_dog_bark_1-103-B.wav"]
    assert set(parts.values()) == set(PARTS)


def test_words_are_in_all_parts_and_their_background_is_trained_with_alone(laid_out):
    assert all((laid_out / part / "yes" / "a.wav").exists() for part in PARTS)
    has = [part for part in PARTS if (laid_out / part / "_background_noise_" / "a.wav").exists()]
    assert has == ["train"]


def test_synthetic_speech_is_trained_with_and_never_measured_on(laid_out):
    trained = {path.name for path in (laid_out / "train" / "yes").iterdir()} - {"a.wav"}
    assert trained == {name for name in SPOKEN if which_set(name, 10, 10) == "training"}
    assert 0 < len(trained) < len(SPOKEN)
    for part in ("tune", "test"):
        assert [path.name for path in (laid_out / part / "yes").iterdir()] == ["a.wav"]
    background = laid_out / "train" / "_background_noise_"
    assert not {path.name for path in background.iterdir()} & set(SPOKEN)


def test_what_is_laid_out_says_whose_it_is(laid_out):
    told = {part: attribution_of(laid_out / part) for part in PARTS}
    assert all(text.startswith("Speech Commands (Pete Warden") for text in told.values())
    assert [part for part, text in told.items() if text.endswith("\n" + VOICES)] == ["train"]


def test_all_of_a_kind_lies_in_a_row(laid_out):
    for part in PARTS:
        folder = laid_out / part / "_speech_"
        count = sum(1 for _ in folder.rglob("*.wav"))
        assert len(read_wav(laid_out / f"{part}_speech.wav")) == 80 * count


def test_a_source_is_a_speaker_or_a_recording(tmp_path):
    assert source(tmp_path / "libri12_12-3-0004.wav") == "libri12"
    assert source(tmp_path / "esc10_rain_4-181563-B.wav") == "181563"
    assert source(tmp_path / "noisekun_wind.wav") == "noisekun_wind"
    assert part_of(tmp_path / "libri12_a.wav") == part_of(tmp_path / "libri12_b.wav")


def test_a_room_without_recordings_is_told(tmp_path):
    (tmp_path / "noise").mkdir()
    with pytest.raises(StapesError, match=r"noise: found no recordings"):
        lay_out(tmp_path, tmp_path, tmp_path / "parts")
