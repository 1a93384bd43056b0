# SPDX-License-Identifier: Apache-2.0
"""A signal to stop is noted, and obeyed at a place that the training chooses."""

from __future__ import annotations

import signal

import pytest

from stapes.training.stopping import StopNote


def test_a_signal_to_stop_is_noted_and_the_second_one_obeyed():
    note = StopNote()
    with pytest.raises(KeyboardInterrupt), note.taken():
        assert not note.asked
        signal.raise_signal(signal.SIGINT)
        assert note.asked
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_noted_signal_does_later_what_it_does_elsewhere():
    note = StopNote()
    earlier = signal.signal(signal.SIGTERM, lambda number, frame: exit(128 + number))
    try:
        with note.taken():
            note.obey()
            signal.raise_signal(signal.SIGTERM)
            with pytest.raises(SystemExit, match="143"):
                note.obey()
    finally:
        signal.signal(signal.SIGTERM, earlier)
