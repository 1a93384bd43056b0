# SPDX-License-Identifier: Apache-2.0
"""Waits for what another process does, for minutes where a machine is busy."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


def wait_for(true: Callable[[], object]) -> None:
    """Returns once `true` gives something true; fails the test after two minutes."""
    for _ in range(1200):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it never came true")
