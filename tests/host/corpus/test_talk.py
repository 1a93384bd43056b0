# SPDX-License-Identifier: Apache-2.0
"""Synthetic talk has the length that was asked for and speakers of every partition, and appears
whole or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from waiting import wait_for

from stapes.audio.wav import read_wav
from stapes.cli.main import main
from stapes.corpus.attribution import attribution_of
from stapes.corpus.credits import Credit
from stapes.corpus.mixture import Mixture
from stapes.corpus.partition import PARTITIONS, which_set
from stapes.corpus.running_speech import speech_recordings
from stapes.corpus.synthesizers import EngineFailed
from stapes.corpus.talk import TalkSettings, write_talk
from stapes.errors import StapesError
from stapes.files import held_alone

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")


@dataclass(frozen=True)
class Hum:
    """Hums a tenth of a second for each letter; `dumb` voices fail."""

    dumb: tuple[str, ...] = ()

    def voices(self):
        return ["anna", "ben", "carl"]

    def say(self, text, speaker):
        if speaker.voice in self.dumb:
            raise EngineFailed(f"{speaker.voice}: is hoarse")
        return 0.4 * np.sin(np.arange(1600 * len(text)) / 20), 16000

    def credit(self, voice):
        return Credit(engine="humming (CC0)", voice=voice)


SHORT = TalkSettings(minutes=1, seconds_per_speaker=10, processes=1, tract_percent=0)


def samples_of(folder):
    return {path: read_wav(path, sample_rate=16000) for path in sorted(folder.rglob("*.wav"))}


def test_talk_is_as_long_as_asked_for_and_every_partition_has_speakers(tmp_path):
    talked = write_talk(tmp_path, settings=SHORT, mixture=Mixture(engines={"flite": Hum()}))
    found = samples_of(tmp_path)
    seconds = sum(map(len, found.values())) / 16000
    assert talked.seconds == pytest.approx(seconds) and seconds >= 60
    assert talked.speakers == len({path.parent for path in found}) == 6
    by_partition = speech_recordings(tmp_path, validation_percentage=10, testing_percentage=10)
    assert all(by_partition.values())
    assert {which_set(path.parent, 10, 10) for path in found} == set(PARTITIONS)
    for samples in found.values():
        assert 0.15 < np.abs(samples / 32768).max() < 1


# From 12 on, a partition is missing and one of the last speakers is the only one of another.
@pytest.mark.parametrize("seed", [0, 1, 12, 31, 38])
def test_three_speakers_are_of_three_partitions(tmp_path, seed):
    settings = TalkSettings(
        minutes=0.1, seconds_per_speaker=5, processes=1, tract_percent=0, seed=seed
    )
    write_talk(tmp_path, settings=settings, mixture=Mixture(engines={"flite": Hum()}))
    speakers = sorted((tmp_path / "_speech_").glob("*/"))
    assert sorted(which_set(speaker, 10, 10) for speaker in speakers) == sorted(PARTITIONS)


def test_a_partition_without_any_speaker_to_choose_stays_empty(tmp_path):
    settings = TalkSettings(
        minutes=0.1, seconds_per_speaker=5, processes=1, tract_percent=0, seed=267
    )
    talked = write_talk(tmp_path, settings=settings, mixture=Mixture(engines={"flite": Hum()}))
    assert talked.speakers == 3


def test_equal_seeds_read_the_same_and_others_do_not(tmp_path):
    mixture = Mixture(engines={"flite": Hum()})
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        settings = TalkSettings(
            minutes=0.1, seconds_per_speaker=5, processes=1, tract_percent=0, seed=seed
        )
        write_talk(tmp_path / name, settings=settings, mixture=mixture)
    a, b, c = (
        [samples.tobytes() for samples in samples_of(tmp_path / name).values()] for name in "abc"
    )
    assert a == b and not set(a) & set(c)


def test_a_voice_that_fails_is_named_and_the_others_read(tmp_path):
    mixture = Mixture(engines={"flite": Hum(dumb=("anna",))})
    talked = write_talk(tmp_path, settings=SHORT, mixture=mixture)
    assert talked.failures and set(talked.failures) == {"anna: is hoarse"}
    assert 0 < talked.speakers == 6 - len(talked.failures)
    told = attribution_of(tmp_path)
    assert told.startswith("Synthetic speech by humming (CC0): ") and "anna" not in told


def test_if_nobody_can_read_there_is_no_folder(tmp_path):
    mixture = Mixture(engines={"flite": Hum(dumb=("anna", "ben", "carl"))})
    with pytest.raises(StapesError, match=r"no voice can read it \(.*is hoarse\)"):
        write_talk(tmp_path / "out", settings=SHORT, mixture=mixture)
    assert not list(tmp_path.glob("out/*"))


def test_what_must_not_be_said_is_not_read(tmp_path):
    (tmp_path / "text.txt").write_text("Say computer.")
    settings = TalkSettings(text=str(tmp_path / "text.txt"), without=("computer",))
    with pytest.raises(StapesError, match=r"text\.txt: found no sentences without computer"):
        write_talk(tmp_path / "out", settings=settings, mixture=Mixture(engines={"flite": Hum()}))


def test_the_command_refuses_to_write_over_talk(tmp_path, capsys):
    pytest.importorskip("piper")
    (tmp_path / "_speech_" / "x").mkdir(parents=True)
    assert main(["data", "talk", "--minutes", "0.1", "--output_dir", str(tmp_path)]) == 2
    assert "_speech_: exists already" in capsys.readouterr().err


@needs_espeak
def test_of_two_that_make_talk_in_one_folder_the_second_is_refused(tmp_path):
    command = ["data", "talk", "--minutes", "0.1", "--output_dir", str(tmp_path)]
    with held_alone(tmp_path / ".talk.lock", what="a test"):
        done = subprocess.run(
            [sys.executable, "-m", "stapes", *command], capture_output=True, text=True
        )
    assert done.returncode == 2
    assert f"found the making of talk under way here, process {os.getpid()}," in done.stderr


@needs_espeak
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell of a parent's end")
def test_voices_end_when_the_program_that_they_speak_for_is_killed(tmp_path):
    command = [
        "data",
        "talk",
        "--minutes",
        "600",
        "--processes",
        "2",
        "--output_dir",
        str(tmp_path),
    ]
    program = subprocess.Popen(
        [sys.executable, "-m", "stapes", *command], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        wait_for(lambda: len(children(program.pid)) == 2)
        program.kill()
        wait_for(lambda: is_closed(program.stdout))
    finally:
        os.killpg(program.pid, signal.SIGKILL)  # what the kill of the program alone has left
        program.wait()


def is_closed(pipe):
    """Whether no process can write into it any more."""
    os.set_blocking(pipe.fileno(), False)
    try:
        return os.read(pipe.fileno(), 1 << 16) == b""
    except BlockingIOError:
        return False


def children(pid):
    """Processes that `pid` has started."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
