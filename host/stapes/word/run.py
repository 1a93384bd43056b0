# SPDX-License-Identifier: Apache-2.0
"""Runs a plan: stage by stage, each in its own process, from where an earlier run stopped.

A stage leaves WORK_DIR/done/<stage>.json, which says what it was asked for and, when it is done,
how long it took. Whatever ends a run, even a power failure, the next run only does what was not
done.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import kept_folder, visible_files, write_text, writing
from stapes.installed import OWN_PYTHON
from stapes.word.plan import Stage

_DONE, _LOCK, _LOG = "done", "lock", "log.txt"
_PROCESSES = "--processes"
# The command of a stage, before its words.
STAPES = (*OWN_PYTHON, "-m", "stapes")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What is shown before a stage: its number, the number of all stages, and about how many
    seconds are left (None if this is not known yet)."""

    number: int
    total: int
    stage: Stage
    seconds_left: float | None


@contextmanager
def working(folder: Path) -> Iterator[int]:
    """Locks the working folder for this run and the stages that it starts; yields the handle of the
    lock.

    Raises:
        StapesError: another run, or a stage of a run that was ended, is still at work there.
    """
    with kept_folder(folder), writing(folder), (folder / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StapesError(
                f"{folder}: found another stapes word at work, or a stage of one that was ended; "
                "wait for it, or choose another --work_dir"
            ) from None
        yield lock.fileno()


def pending(stages: Sequence[Stage], folder: Path, inputs: dict[str, str]) -> list[Stage]:
    """The stages that are not done, that were done for something else, or that need such a stage.

    Args:
        inputs: digests of what stages read from outside of the working folder, by the names of the
            stages.
    """
    again: list[Stage] = []
    for stage in stages:
        record = _recorded(folder, stage)
        is_done = "seconds" in record and _matches(record, _request(stage, inputs))
        if not is_done or _is_stale(stage, again):
            again.append(stage)
    return again


def run_plan(
    stages: Sequence[Stage],
    folder: Path,
    *,
    inputs: dict[str, str],
    lock: int,
    progress: Callable[[Progress], None],
) -> float:
    """Runs the pending stages; returns how many seconds they took.

    Raises:
        StapesError: a stage failed; the stage has said why.
    """
    started = time.monotonic()
    todo = pending(stages, folder, inputs)
    _sweep(folder, todo, inputs)
    for number, stage in enumerate(stages, start=1):
        if stage not in todo:
            continue
        progress(
            Progress(
                number=number,
                total=len(stages),
                stage=stage,
                seconds_left=_left(stage, todo, time.monotonic() - started),
            )
        )
        begun = time.monotonic()
        _clear(stage, folder)
        _record(folder, stage, _request(stage, inputs))
        _run(stage, folder, lock)
        seconds = round(time.monotonic() - begun, 1)
        _record(folder, stage, {**_request(stage, inputs), "seconds": seconds})
    return time.monotonic() - started


def stage_seconds(stages: Sequence[Stage], folder: Path) -> dict[str, float]:
    """How long each stage that is done took."""
    records = {stage.name: _recorded(folder, stage) for stage in stages}
    return {name: record["seconds"] for name, record in records.items() if "seconds" in record}


def _marker(folder: Path, stage: Stage) -> Path:
    return folder / _DONE / f"{stage.name}.json"


def _request(stage: Stage, inputs: dict[str, str]) -> dict:
    """What the results of a stage depend on; the number of processes is not a part of this."""
    command = list(stage.command)
    if _PROCESSES in command:
        place = command.index(_PROCESSES)
        del command[place : place + 2]
    return {"command": command, "input": inputs.get(stage.name, "")}


def _record(folder: Path, stage: Stage, record: dict) -> None:
    (folder / _DONE).mkdir(exist_ok=True)
    write_text(_marker(folder, stage), json.dumps(record) + "\n")


def _recorded(folder: Path, stage: Stage) -> dict:
    """What is recorded about a stage that was begun or is done; empty if there is no record."""
    try:
        record = json.loads(_marker(folder, stage).read_text(encoding="utf-8"))
        return dict(record) if {"command", "input"} <= record.keys() else {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _matches(record: dict, request: dict) -> bool:
    return all(record.get(name) == value for name, value in request.items())


def _is_stale(stage: Stage, again: Sequence[Stage]) -> bool:
    return any(other.name in stage.needs for other in again)


def _sweep(folder: Path, todo: Sequence[Stage], inputs: dict[str, str]) -> None:
    """Removes the markers of stages that start from nothing, and half-written files of a run that
    was ended."""
    for stage in todo:
        was_begun = _matches(_recorded(folder, stage), _request(stage, inputs))
        if not was_begun or _is_stale(stage, todo):
            _marker(folder, stage).unlink(missing_ok=True)
    for left in [*folder.glob(".stapes.*"), *folder.glob("*/.stapes.*")]:
        _remove(left)


def _clear(stage: Stage, folder: Path) -> None:
    """Removes what the stage is about to write, except files with which the stage goes on."""
    goes_on = _marker(folder, stage).exists()
    for name in (*stage.writes, *(() if goes_on else stage.continues)):
        _remove(folder / name)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _run(stage: Stage, folder: Path, lock: int) -> None:
    command = [*STAPES, *_without_nothing(stage.command)]
    with (folder / _LOG).open("a", encoding="utf-8") as log:
        log.write(f"$ {stage.line()}\n")
        log.flush()
        process = subprocess.Popen(command, stdout=log, pass_fds=(lock,))
        try:
            status = process.wait()
        except BaseException:  # Ctrl-C reaches the stage as well: wait for its end
            process.terminate()
            process.wait()
            raise
    if status:
        raise StapesError(
            f"stage {stage.name}: ended with status {status}, expected 0; its reason stands above, "
            f"its words in {folder / _LOG}. The same command goes on from here"
        )


def _without_nothing(command: Sequence[str]) -> list[str]:
    """The command without --hard_dir if mining found nothing."""
    words = list(command)
    if "--hard_dir" in words:
        place = words.index("--hard_dir")
        if not visible_files(Path(words[place + 1]), "*"):
            del words[place : place + 2]
    return words


def _left(stage: Stage, todo: Sequence[Stage], elapsed: float) -> float | None:
    """About how many seconds are left, from the stages' shares of the time and the pace of this
    run; None before the first stage is done."""
    place = todo.index(stage)
    made = sum(one.share for one in todo[:place])
    if not made:
        return None
    return elapsed / made * sum(one.share for one in todo[place:])
