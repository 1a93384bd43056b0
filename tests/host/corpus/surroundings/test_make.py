# SPDX-License-Identifier: Apache-2.0
"""A folder of surroundings: every kind is reproducible, heard and not clipped, and another sound in
each recording; the folder appears whole, and grows."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.corpus.surroundings.make import KINDS, NoiseSettings, finished, write_noise
from stapes.corpus.surroundings.parts import RATE
from stapes.errors import StapesError

SHORT = {"minutes": 0.1, "seconds": 1}  # six recordings


def drawn(kind, seed, seconds=3):
    random = np.random.default_rng(seed)
    return finished(KINDS[kind](seconds * RATE, random), random)


def contents(folder):
    found = sorted((folder / "_background_noise_").iterdir())
    return {path.name: path.read_bytes() for path in found}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_the_same_for_equal_seeds_and_another_sound_for_others(kind):
    first, again, other = drawn(kind, 1), drawn(kind, 1), drawn(kind, 2)
    assert first.dtype == np.int16 and first.shape == (3 * RATE,)
    assert np.array_equal(first, again)
    likeness = np.corrcoef(first, other)[0, 1]
    assert abs(likeness) < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_heard_and_leaves_headroom(kind):
    for seed in range(6):
        sound = drawn(kind, seed) / 32768
        assert 0.1 < np.abs(sound).max() <= 10 ** (-1 / 20) + 1e-4
        assert 20 * np.log10(sound.std()) > -70
        assert abs(sound.mean()) < 0.02


def test_levels_differ():
    levels = [20 * np.log10(np.abs(drawn("wind", seed)).max() / 32768) for seed in range(12)]
    assert max(levels) - min(levels) > 6


def test_silence_becomes_the_noise_of_a_device_alone():
    sound = finished(np.zeros(RATE), np.random.default_rng(0))
    assert 0 < np.abs(sound).max() < 1000


def test_a_folder_has_every_kind_in_turn_and_all_are_as_long_as_asked_for(tmp_path):
    settings = NoiseSettings(minutes=(len(KINDS) + 2) / 60, seconds=1)
    made = write_noise(tmp_path, settings=settings)
    assert (made.recordings, made.kinds) == (len(KINDS) + 2, tuple(KINDS))
    names = list(contents(tmp_path))
    first, second, *_ = KINDS
    assert sorted([*(f"{kind}_000.wav" for kind in KINDS), f"{first}_001.wav",
                   f"{second}_001.wav"]) == names  # fmt: skip
    for name in names:
        path = tmp_path / "_background_noise_" / name
        assert len(read_wav(path, sample_rate=16000)) == 16000
    assert [path.name for path in tmp_path.iterdir()] == ["_background_noise_"]


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_noise(tmp_path / name, settings=NoiseSettings(**SHORT, seed=seed))
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b and a.keys() == c.keys() and not set(a.values()) & set(c.values())


def test_more_minutes_add_to_what_is_there(tmp_path):
    write_noise(tmp_path / "few", settings=NoiseSettings(**SHORT))
    few = contents(tmp_path / "few")
    stays = tmp_path / "few" / "_background_noise_" / "kitchen.wav"
    write_wav(stays, np.ones(16000, np.int16), sample_rate=16000)
    more = NoiseSettings(minutes=0.2, seconds=1, extend=True)
    shown = []
    made = write_noise(
        tmp_path / "few", settings=more, progress=lambda done, total: shown.append((done, total))
    )
    assert made.recordings == 6 and shown == [(number, 6) for number in range(1, 7)]
    assert stays.exists()
    stays.unlink()
    write_noise(tmp_path / "many", settings=more)
    assert contents(tmp_path / "few") == contents(tmp_path / "many")
    assert few.items() <= contents(tmp_path / "few").items()


def interrupting(done, total):
    if done == 3:
        raise KeyboardInterrupt


def test_a_new_folder_that_was_interrupted_is_not_there(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_noise(tmp_path / "new", settings=NoiseSettings(**SHORT), progress=interrupting)
    assert list(tmp_path.iterdir()) == []


def test_what_was_added_before_an_interruption_stays_and_is_not_made_again(tmp_path):
    (tmp_path / "_background_noise_").mkdir()
    settings = NoiseSettings(**SHORT, extend=True)
    with pytest.raises(KeyboardInterrupt):
        write_noise(tmp_path, settings=settings, progress=interrupting)
    assert len(contents(tmp_path)) == 3
    assert write_noise(tmp_path, settings=settings).recordings == 3
    assert write_noise(tmp_path, settings=settings).recordings == 0
    assert [path.name for path in tmp_path.iterdir()] == ["_background_noise_"]


def test_a_folder_is_not_written_over_unless_asked_for(tmp_path):
    (tmp_path / "_background_noise_").mkdir()
    with pytest.raises(StapesError, match=r"_background_noise_: exists already.*pass --extend"):
        write_noise(tmp_path, settings=NoiseSettings(**SHORT))


def test_many_voices_at_once_are_a_kind_where_there_is_talk(tmp_path):
    for number in range(3):
        (tmp_path / "_speech_" / f"s{number}").mkdir(parents=True)
        speech = np.random.default_rng(number).normal(0, 1000, 8000).astype(np.int16)
        write_wav(tmp_path / "_speech_" / f"s{number}" / "0.wav", speech, sample_rate=16000)
    made = write_noise(tmp_path, settings=NoiseSettings(**SHORT))
    assert "babble" in made.kinds and "babble_000.wav" in contents(tmp_path)
    alone = write_noise(tmp_path / "alone", settings=NoiseSettings(**SHORT))
    assert "babble" not in alone.kinds


def test_the_command_says_what_it_made(tmp_path, capsys):
    words = ["data", "noise", "--minutes", "0.05", "--seconds", "1", "--output_dir", str(tmp_path)]
    assert main(words) == 0
    assert "3 new recordings, 0.1 minutes: music, barks, dishes" in capsys.readouterr().out
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err


def test_names_of_kinds_draw_from_generators_of_their_own():
    assert len({zlib.crc32(kind.encode()) for kind in [*KINDS, "babble"]}) == len(KINDS) + 1
