# SPDX-License-Identifier: Apache-2.0
"""A plan continues where it was stopped: by Ctrl-C, by kill -9, by a stage that fails."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.word.plan import Job, Stage, WordSettings, make_plan
from stapes.word.run import pending, run_plan, stage_seconds, working


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


def test_what_a_stage_goes_on_with_goes_where_it_was_begun_for_something_else(
    tmp_path, monkeypatch
):
    """A stopped stage leaves a checkpoint. Only the same stage, after the same earlier stages, may
    continue from it."""
    monkeypatch.setattr("stapes.word.run.STAPES", (sys.executable, "-c", "raise SystemExit(1)"))
    before, after = stage("a"), dataclasses.replace(stage("b", needs=("a",)), continues=("b",))
    checkpoint = tmp_path / "b" / "checkpoint"

    def cut(stages, *, inputs=None):
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.touch()
        with working(tmp_path) as lock, pytest.raises(StapesError, match="ended with status 1"):
            run_plan(stages, tmp_path, inputs=inputs or {}, lock=lock, progress=lambda at: None)
        return checkpoint.exists()

    done(tmp_path, "a", before.command)
    assert not cut([before, after]), "nobody knows what it was for"
    assert cut([before, after])
    assert not cut([before, dataclasses.replace(after, command=("b", "--more"))])
    assert not cut([before, after]) and cut([before, after])
    assert not cut([before, after], inputs={"b": "other recordings"})
    assert not cut([before, after]) and cut([before, after])
    assert cut([stage("a", command=("a", "--other")), after]), "a failed, b did not begin"
    done(tmp_path, "a", before.command)
    assert not cut([before, after]), "what stands in it is for another a"


def test_another_number_of_processes_is_no_other_plan(tmp_path):
    done(tmp_path, "a", ("a", "--seed", "1"))
    command = ("a", "--processes", "7", "--seed", "1")
    assert pending([stage("a", command=command)], tmp_path, {}) == []


# ---- runs that are stopped


# Takes the place of a plan's commands. Each stage notes the bytes of the stages that it needs, in
# two steps. It appends to files that it `writes`, so that half of a stopped run shows. Files that
# it `continues` are whole pieces. It writes all other files at once. In the stage that the file
# `cut` names, it says so through a pipe between the two steps, and waits.
STAND_IN = """
name=$1 outputs=$2 continues=$3
shift 3
echo "$name" >> ran
read cut < cut
needed=$(cat "$@" < /dev/null | cksum)
mkdir -p "$(dirname "$outputs")"
step() {
  case $continues in
    yes) mkdir -p "$outputs" && [ -f "$outputs/$1" ] || echo "$name $needed" > "$outputs/$1" ;;
    no) echo "$name $1 $needed" >> "$outputs" ;;
    *) [ $1 = 2 ] && echo "$name $needed" > "$outputs" ;;
  esac
}
step 1
if [ "$cut" = "$name" ]; then echo > pipe; read nothing < nobody; fi
step 2
exit 0
"""


def output_of(one: Stage) -> str:
    return next(iter((*one.writes, *one.continues)), f"{one.name}.whole")


def stood_in(folder: Path) -> list[Stage]:
    """The plan of a word, with stand-ins for its commands."""
    job = Job(words=("jarvis",), near=("service",), clip_duration_ms=1000, work_dir=folder,
              output=folder / "jarvis.tflite")  # fmt: skip
    stages = make_plan(job, WordSettings())
    outputs = {one.name: output_of(one) + "/2" * bool(one.continues) for one in stages}
    return [
        dataclasses.replace(
            one,
            command=(
                *(one.name, output_of(one)),
                "no" if one.writes else "yes" if one.continues else "at once",
                *(outputs[name] for name in one.needs),
            ),
        )
        for one in stages
    ]


def start_plan(folder: Path, cut: str) -> int:
    """Starts the plan in its own process; returns its id when it is in the stage `cut`."""
    folder.mkdir(exist_ok=True)
    (folder / "cut").write_text(f"{cut}\n")
    for pipe in ("pipe", "nobody"):
        if not (folder / pipe).exists():
            os.mkfifo(folder / pipe)
    if (child := os.fork()) == 0:
        os.setsid()
        os.chdir(folder)
        status = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            with working(folder) as lock:
                run_plan(stood_in(folder), folder, inputs={}, lock=lock, progress=lambda at: None)
            status = 0
        finally:
            os._exit(status)
    if cut:
        (folder / "pipe").read_bytes()
    return child


def finish_plan(folder: Path) -> dict[str, bytes]:
    """Runs the plan to its end; the bytes that its stages wrote."""
    assert os.waitpid(start_plan(folder, ""), 0)[1] == 0
    places = (folder / output_of(one) for one in stood_in(folder))
    paths = [path for place in places for path in (place.iterdir() if place.is_dir() else [place])]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


STAGES = [one.name for one in stood_in(Path("work"))]


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    """The bytes of a plan that nothing stops."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stapes.word.run.STAPES", ("/bin/sh", "-c", STAND_IN, "stapes"))
        return finish_plan(tmp_path_factory.mktemp("uncut") / "work")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("cut", STAGES)
def test_a_plan_that_is_cut_in_any_stage_ends_with_the_bytes_of_one_that_is_not(
    tmp_path, monkeypatch, uncut, cut, how
):
    monkeypatch.setattr("stapes.word.run.STAPES", ("/bin/sh", "-c", STAND_IN, "stapes"))
    child = start_plan(tmp_path / "work", cut)
    os.killpg(child, how)
    assert os.waitpid(child, 0)[1] != 0
    with (tmp_path / "work" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the last of its processes has ended
    assert finish_plan(tmp_path / "work") == uncut
    place = STAGES.index(cut)
    ran = (tmp_path / "work" / "ran").read_text().split()
    assert ran == [*STAGES[: place + 1], *STAGES[place:]]


def test_two_runs_in_one_folder_are_refused(tmp_path):
    with (
        working(tmp_path / "work"),
        pytest.raises(StapesError, match="found another stapes word at work"),
        working(tmp_path / "work"),
    ):
        pass


def test_a_stage_that_fails_is_named_and_runs_first_the_next_time(tmp_path, monkeypatch):
    monkeypatch.setattr("stapes.word.run.STAPES", (sys.executable, "-c", "raise SystemExit(3)"))
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
    monkeypatch.setattr("stapes.word.run.STAPES", (sys.executable, "-c", ""))
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
    monkeypatch.setattr("stapes.word.run.STAPES", (sys.executable, "-c", ""))
    seen = []
    with working(tmp_path) as lock:
        run_plan(PLAN, tmp_path, inputs={}, lock=lock, progress=seen.append)
    assert [(at.number, at.total, at.stage.name) for at in seen] == [
        (1, 4, "a"), (2, 4, "b"), (3, 4, "c"), (4, 4, "d")
    ]  # fmt: skip
    assert seen[0].seconds_left is None and all(at.seconds_left > 0 for at in seen[1:])
