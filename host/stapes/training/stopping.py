# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C for several workers: one is told, all stop after the same step."""

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
    """A signal to stop is noted instead of obeyed; a second one is obeyed at once."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Takes the signals that are not ignored, until the end of the block; elsewhere than in
        the main thread Python allows none."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.getsignal(number) for number in _SIGNALS}
        earlier = {number: act for number, act in earlier.items() if act is not signal.SIG_IGN}

        def give_back() -> None:
            for number, act in earlier.items():
                signal.signal(number, act)

        def note(number: int, frame: FrameType | None) -> None:
            self.asked = True
            give_back()

        for number in earlier:
            signal.signal(number, note)
        try:
            yield
        finally:
            give_back()
