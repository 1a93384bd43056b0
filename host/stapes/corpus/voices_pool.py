# SPDX-License-Identifier: Apache-2.0
"""Processes in which voices speak; they end soon after Ctrl-C."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Event
from typing import Any

from stapes.errors import StapesError

_stopping: Event | None = None  # set by the process that this process works for


class VoicesPool(ProcessPoolExecutor):
    """A pool whose waiting tasks end at once when an error or Ctrl-C leaves its block. The executor
    hands some tasks to its processes ahead of time; such tasks cannot be cancelled any more."""

    def __init__(self, processes: int | None) -> None:
        self._stopping = multiprocessing.Event()
        super().__init__(processes, initializer=_work_for, initargs=(self._stopping, os.getpid()))

    def stop(self) -> None:
        """Lets tasks that have not begun end with an error."""
        self._stopping.set()

    def __exit__(self, *error: Any) -> bool | None:
        if error[0]:
            self.stop()
        return super().__exit__(*error)


def check_going_on() -> None:
    """To be called first in each task.

    Raises:
        StapesError: the pool was stopped.
    """
    if _stopping and _stopping.is_set():
        raise StapesError("stopped before it began")


def _work_for(stopping: Event, parent: int) -> None:
    global _stopping
    _stopping = stopping
    if sys.platform == "linux":
        _end_with(parent)


_PR_SET_PDEATHSIG = 1  # prctl(2)


def _end_with(parent: int) -> None:
    """Ends this process when `parent` is killed: a killed process cannot tell its children."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # `parent` was killed before this
        os.kill(os.getpid(), signal.SIGKILL)
