# SPDX-License-Identifier: Apache-2.0
"""Background threads that keep the next batches ready."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
_MOST_THREADS = 8


def prefetch(
    make: Callable[[int], T], numbers: range, *, depth: int = 0, threads: int = 0
) -> Generator[T]:
    """Yields make(n) for each of `numbers` in their order, computed up to `depth` ahead.

    Each thread makes whole batches; there are as many threads as cores (8 at most). So no core
    waits for another, even if a batch takes longer than the step that uses it. An exception in
    `make` is raised here. Closing the iterator ends the threads.

    Args:
        depth: 0: two for each thread.
        threads: 0: one for each core.
    """
    threads = threads or min(os.cpu_count() or 1, _MOST_THREADS)
    upcoming, ready = iter(numbers), deque[Future[T]]()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="prefetch")
    try:
        for number in islice(upcoming, depth or 2 * threads):
            ready.append(pool.submit(make, number))
        while ready:
            made = ready.popleft().result()
            for number in islice(upcoming, 1):
                ready.append(pool.submit(make, number))
            yield made
    finally:
        pool.shutdown(cancel_futures=True)
