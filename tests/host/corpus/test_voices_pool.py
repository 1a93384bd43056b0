# SPDX-License-Identifier: Apache-2.0
"""After an error in their pool, voices that still wait for their turn do not begin."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from stapes.corpus.voices_pool import VoicesPool, check_going_on
from stapes.errors import StapesError

TASKS = 4
PATIENCE_SECONDS = 60


def speak(folder: Path, number: int) -> None:
    """Leaves a file."""
    check_going_on()
    (folder / str(number)).touch()


def speak_until_stopped(folder: Path, number: int) -> None:
    started = time.monotonic()
    speak(folder, number)
    with contextlib.suppress(StapesError):
        while time.monotonic() < started + PATIENCE_SECONDS:
            check_going_on()
            time.sleep(0.01)


def test_tasks_that_wait_end_when_an_error_leaves_the_block(tmp_path):
    with pytest.raises(KeyboardInterrupt), VoicesPool(1) as pool:
        tasks = [pool.submit(speak_until_stopped, tmp_path, number) for number in range(TASKS)]
        while not (tmp_path / "0").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert tasks[0].exception() is None
    assert all(isinstance(task.exception(), StapesError) for task in tasks[1:])
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_without_an_error_every_task_runs(tmp_path):
    with VoicesPool(2) as pool:
        for number in range(TASKS):
            pool.submit(speak, tmp_path, number)
    assert len(list(tmp_path.iterdir())) == TASKS


def test_outside_of_a_pool_nothing_is_stopped():
    check_going_on()
