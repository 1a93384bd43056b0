# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in a training: it stops between two steps, and several workers stop after the same step.

The reason: an exception in the middle of TensorFlow's code has ended the process with a
segmentation fault.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedTogether(KeyboardInterrupt):
    """All workers have stopped, after the same whole step."""


class StopNote:
    """Notes a signal to stop, instead of obeying it; a second signal is obeyed at once."""

    def __init__(self) -> None:
        self._number = 0  # of the noted signal; 0: none

    @property
    def asked(self) -> bool:
        return self._number != 0

    def obey(self) -> None:
        """Does what the noted signal would have done; nothing if there was none."""
        if self.asked:
            signal.raise_signal(self._number)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Takes the signals that are not ignored, until the end of the block. It does nothing in
        other threads: Python allows signal handlers only in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.getsignal(number) for number in _SIGNALS}
        earlier = {number: act for number, act in earlier.items() if act is not signal.SIG_IGN}

        def give_back() -> None:
            for number, act in earlier.items():
                signal.signal(number, act)

        def note(number: int, frame: FrameType | None) -> None:
            self._number = number
            give_back()

        for number in earlier:
            signal.signal(number, note)
        try:
            yield
        finally:
            give_back()
