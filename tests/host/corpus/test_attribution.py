# SPDX-License-Identifier: Apache-2.0
"""Whose data a model is trained on."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from stapes.corpus.attribution import (
    add_credits,
    attribution_around,
    attribution_of,
    check_credits,
    copy_attribution,
    together,
)
from stapes.corpus.credits import Credit
from stapes.errors import StapesError


def note(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ATTRIBUTION.txt").write_text(text, encoding="utf-8")


def test_every_folder_of_data_says_whose_it_is(tmp_path):
    note(tmp_path / "clips", "Of Ada,\n  CC BY 4.0\n")
    note(tmp_path / "clips" / "_background_noise_", "Of Bob, CC0")
    note(tmp_path / "clips" / "yes", "no folder of sounds by others")
    note(tmp_path / "hard", "Of Ada, CC BY 4.0")
    (tmp_path / "plain").mkdir()
    told = attribution_of(tmp_path / "clips", tmp_path / "hard", tmp_path / "plain")
    assert told == "Of Ada, CC BY 4.0\nOf Bob, CC0"


def test_recordings_inside_a_folder_of_data_owe_what_it_says(tmp_path):
    note(tmp_path / "corpus", "Of Ada,\n  CC BY 4.0")
    note(tmp_path / "corpus" / "_speech_", "Of Bob, CC0")
    (tmp_path / "corpus" / "_speech_" / "talk.wav").touch()
    for place in ("corpus/_speech_", "corpus/_speech_/talk.wav"):
        assert "Of Bob, CC0" in attribution_around(tmp_path / place).splitlines()
    told = attribution_around(tmp_path / "corpus" / "_speech_", tmp_path / "corpus")
    assert told == "Of Ada, CC BY 4.0\nOf Bob, CC0"


def test_folders_that_say_nothing_say_nothing(tmp_path):
    note(tmp_path, " \n")
    assert attribution_of(tmp_path) == ""


def test_a_text_that_is_too_long_for_a_model_is_refused(tmp_path):
    note(tmp_path, "x" * 2001)
    with pytest.raises(StapesError, match="found 2001 characters, expected 2000 at most"):
        attribution_of(tmp_path)


def test_texts_of_two_sources_are_one_with_no_line_twice():
    assert together("", "Of Ada\nOf Bob", "Of Bob\nOf Eve") == "Of Ada\nOf Bob\nOf Eve"
    assert together("", "") == ""


# ---- synthetic voices

ANNA = Credit(engine="humming (CC0)", voice="anna", terms="licence CC0")
BEN = Credit(engine="humming (CC0)", voice="ben")
BOTH = "Synthetic speech by humming (CC0): anna (licence CC0); ben.\n"


def read(folder):
    return (folder / "ATTRIBUTION.txt").read_text(encoding="utf-8")


def test_voices_join_what_a_folder_says_and_none_twice(tmp_path):
    note(tmp_path, "Of Ada,\n  CC BY 4.0")
    for credit in (BEN, ANNA, BEN):
        add_credits(tmp_path, [credit])
    assert read(tmp_path) == "Of Ada,\n  CC BY 4.0\n" + BOTH
    assert [path.name for path in tmp_path.iterdir()] == ["ATTRIBUTION.txt"]
    assert attribution_of(tmp_path) == "Of Ada, CC BY 4.0\n" + BOTH.strip()


def test_the_text_of_a_corpus_that_this_one_links_to_stays(tmp_path):
    note(tmp_path / "shared", "Of Ada\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "ATTRIBUTION.txt").symlink_to(tmp_path / "shared" / "ATTRIBUTION.txt")
    add_credits(tmp_path / "own", [ANNA, BEN])
    assert read(tmp_path / "own") == "Of Ada\n" + BOTH
    assert read(tmp_path / "shared") == "Of Ada\n"


def test_no_voices_leave_nothing(tmp_path):
    add_credits(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_voices_of_several_folders_and_of_an_earlier_training_are_named_once(tmp_path):
    add_credits(tmp_path, [ANNA])
    (tmp_path / "_speech_").mkdir()
    add_credits(tmp_path / "_speech_", [BEN])
    assert attribution_of(tmp_path) == BOTH.strip()
    assert together("Of Ada\n" + BOTH, attribution_of(tmp_path)) == "Of Ada\n" + BOTH.strip()


@pytest.mark.parametrize(("voices", "kept"), [(20, "(licence"), (60, "v59"), (600, "than fit")])
def test_many_voices_are_named_in_less_detail_and_never_stop_a_training(tmp_path, voices, kept):
    terms = "licence CC BY 4.0, as its card says"
    some = [Credit(engine="Piper", voice=f"voice-v{n}", terms=terms) for n in range(voices)]
    for _ in range(2):
        add_credits(tmp_path, some)
        assert kept in read(tmp_path) and len(attribution_of(tmp_path)) <= 2000


def test_a_text_that_leaves_no_room_for_voices_is_refused_before_the_work(tmp_path):
    note(tmp_path, "x" * 1990)
    with pytest.raises(StapesError, match=r"ATTRIBUTION\.txt: found 20\d\d characters"):
        check_credits(tmp_path, [ANNA])
    with pytest.raises(StapesError, match="expected 2000 at most"):
        add_credits(tmp_path, [ANNA])
    assert read(tmp_path) == "x" * 1990


def add_some(folder, first, begin):
    begin.wait()
    for number in range(first, 30, 3):
        add_credits(folder, [Credit(engine="humming (CC0)", voice=f"v{number:02}")])


def test_processes_that_write_at_the_same_time_lose_no_voice(tmp_path):
    begin = multiprocessing.Event()
    writers = [
        multiprocessing.Process(target=add_some, args=(tmp_path, first, begin))
        for first in range(3)
    ]
    for writer in writers:
        writer.start()
    begin.set()
    for writer in writers:
        writer.join()
    names = "; ".join(f"v{number:02}" for number in range(30))
    assert read(tmp_path) == f"Synthetic speech by humming (CC0): {names}.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["ATTRIBUTION.txt"]


@pytest.mark.parametrize("step", ["read_text", "write_text"])
def test_ctrl_c_leaves_the_old_text_whole(tmp_path, monkeypatch, step):
    note(tmp_path, "Of Ada\n")
    monkeypatch.setattr(
        f"stapes.corpus.attribution.{step}", lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)
    )
    with pytest.raises(KeyboardInterrupt):
        add_credits(tmp_path, [ANNA])
    assert read(tmp_path) == "Of Ada\n"
    assert [path.name for path in tmp_path.iterdir()] == ["ATTRIBUTION.txt"]


def test_texts_go_along_with_what_is_made_of_data(tmp_path):
    note(tmp_path / "raw", "Of Ada")
    note(tmp_path / "raw" / "_background_noise_", "Of Bob")
    copy_attribution(tmp_path / "raw", tmp_path / "made")
    assert attribution_of(tmp_path / "made") == "Of Ada\nOf Bob"
