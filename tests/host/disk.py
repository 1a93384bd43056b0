# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, for tests: a limit on the size of files gives the same errors."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def room_for(file_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond `file_bytes`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
