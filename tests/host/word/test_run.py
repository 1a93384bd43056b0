# SPDX-License-Identifier: Apache-2.0
"""A plan that was cut goes on where it was: by Ctrl-C, by kill -9, by a stage that fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.word.plan import Stage
from stapes.word.run import pending, run_plan, stage_seconds, working

# Runs a plan whose stages are programs of this test, in place of `python -m stapes`.
RUNNER = """
import sys
from pathlib import Path
from stapes.word import run
from stapes.word.plan import Stage
run._STAPES = (sys.executable, "-c", Path(sys.argv[2]).read_text())
folder = Path(sys.argv[1])
stages = [
    Stage(name="one", about="", command=("one", str(folder)), writes=("one.txt",)),
    Stage(name="two", about="", command=("two", str(folder)), writes=("two.txt",), needs=("one",)),
    Stage(name="three", about="", command=("three", str(folder)), needs=("two",)),
]
with run.working(folder) as lock:
    run.run_plan(stages, folder, inputs={}, lock=lock, progress=lambda at: None)
"""
# Each stage adds a line to the list of what ran; `slow` names one that sleeps before it is done.
STAGE = """
import sys, time
from pathlib import Path
name, folder = sys.argv[1], Path(sys.argv[2])
with (folder / "ran").open("a") as ran:
    ran.write(name + "\\n")
if (folder / "slow").exists() and (folder / "slow").read_text() == name:
    (folder / f"{name}.txt").write_text("half")
    time.sleep(60)
assert not (folder / f"{name}.txt").exists() or name == "three"
(folder / f"{name}.txt").write_text("whole")
"""


def stage(name, *, needs=(), command=None):
    return Stage(name=name, about="", command=command or (name,), needs=needs)


def done(folder, name, command, value=""):
    (folder / "done").mkdir(exist_ok=True)
    record = {"command": list(command), "input": value, "seconds": 2.5}
    (folder / "done" / f"{name}.json").write_text(json.dumps(record))


def names(stages):
    return [stage.name for stage in stages]


PLAN = [stage("a"), stage("b", needs=("a",)), stage("c"), stage("d", needs=("b", "c"))]


def test_what_is_done_is_not_pending(tmp_path):
    assert names(pending(PLAN, tmp_path, {})) == ["a", "b", "c", "d"]
    for one in PLAN:
        done(tmp_path, one.name, one.command)
    assert pending(PLAN, tmp_path, {}) == []
    assert stage_seconds(PLAN, tmp_path) == dict.fromkeys("abcd", 2.5)


def test_a_stage_with_other_settings_runs_again_with_all_that_needs_it(tmp_path):
    for one in PLAN:
        done(tmp_path, one.name, one.command)
    changed = [PLAN[0], stage("b", needs=("a",), command=("b", "--more")), *PLAN[2:]]
    assert names(pending(changed, tmp_path, {})) == ["b", "d"]


def test_other_recordings_run_the_stage_that_reads_them_again(tmp_path):
    for one in PLAN:
        done(tmp_path, one.name, one.command)
    assert names(pending(PLAN, tmp_path, {"c": "another digest"})) == ["c", "d"]


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"command": 1'])
def test_a_damaged_marker_is_none(tmp_path, damage):
    for one in PLAN:
        done(tmp_path, one.name, one.command)
    (tmp_path / "done" / "c.json").write_text(damage)
    assert names(pending(PLAN, tmp_path, {})) == ["c", "d"]


# ---- runs that are cut


def start(folder):
    folder.mkdir(exist_ok=True)
    program = folder.parent / "stage.py"
    program.write_text(STAGE)
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder), str(program)],
        start_new_session=True,
        stderr=subprocess.PIPE,
    )


def ran(folder):
    path = folder / "ran"
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("was_done", [True, False])
def test_what_is_outdated_goes_when_a_done_stage_runs_again_and_stays_after_a_stop(
    tmp_path, monkeypatch, was_done
):
    monkeypatch.setattr("stapes.word.run._STAPES", (sys.executable, "-c", "pass"))
    training = Stage(name="train", about="", command=("train", "new"), outdated=("weights",))
    (tmp_path / "weights").mkdir()
    if was_done:
        done(tmp_path, "train", ("train", "old"))
    with working(tmp_path) as lock:
        run_plan([training], tmp_path, inputs={}, lock=lock, progress=lambda at: None)
    assert (tmp_path / "weights").exists() is not was_done


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("cut", ["one", "two", "three"])
def test_a_run_that_was_cut_goes_on_with_the_stage_that_was_cut(tmp_path, cut, how):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "slow").write_text(cut)
    first = start(folder)
    half = folder / f"{cut}.txt"
    deadline = time.monotonic() + 120
    while not (half.exists() and half.read_text() == "half") and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(first.pid, how)
    assert first.communicate(timeout=120)[1] is not None and first.returncode != 0

    (folder / "slow").unlink()
    again = start(folder)
    assert again.communicate(timeout=120) == (None, b"") and again.returncode == 0
    before = ["one", "two", "three"][: ["one", "two", "three"].index(cut) + 1]
    after = ["one", "two", "three"][["one", "two", "three"].index(cut) :]
    assert ran(folder) == before + after
    assert all((folder / f"{name}.txt").read_text() == "whole" for name in ("one", "two", "three"))


def test_two_runs_in_one_folder_are_refused(tmp_path):
    with (
        working(tmp_path / "work"),
        pytest.raises(StapesError, match="found another stapes word at work"),
        working(tmp_path / "work"),
    ):
        pass


def test_a_stage_that_fails_is_named_and_runs_first_the_next_time(tmp_path, monkeypatch):
    monkeypatch.setattr("stapes.word.run._STAPES", (sys.executable, "-c", "raise SystemExit(3)"))
    plan = [stage("a"), stage("b", needs=("a",))]
    done(tmp_path, "a", ("a",))
    with (
        working(tmp_path) as lock,
        pytest.raises(StapesError, match=r"stage b: ended with status 3.*goes on from here"),
    ):
        run_plan(plan, tmp_path, inputs={}, lock=lock, progress=lambda at: None)
    assert names(pending(plan, tmp_path, {})) == ["b"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_and_nothing_counts_as_done(tmp_path, monkeypatch):
    monkeypatch.setattr("stapes.word.run._STAPES", (sys.executable, "-c", ""))
    with (
        working(tmp_path / "work") as lock,
        pytest.raises(OSError, match="No space left"),
    ):
        (tmp_path / "work" / "log.txt").symlink_to("/dev/full")
        run_plan([stage("a")], tmp_path / "work", inputs={}, lock=lock, progress=lambda at: None)
    assert names(pending([stage("a")], tmp_path / "work", {})) == ["a"]


def test_progress_says_which_stage_of_how_many_and_from_the_second_on_how_long(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("stapes.word.run._STAPES", (sys.executable, "-c", ""))
    seen = []
    with working(tmp_path) as lock:
        run_plan(PLAN, tmp_path, inputs={}, lock=lock, progress=seen.append)
    assert [(at.number, at.total, at.stage.name) for at in seen] == [
        (1, 4, "a"), (2, 4, "b"), (3, 4, "c"), (4, 4, "d")
    ]  # fmt: skip
    assert seen[0].seconds_left is None and all(at.seconds_left > 0 for at in seen[1:])
