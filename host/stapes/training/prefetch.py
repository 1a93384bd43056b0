"""A background thread that keeps the next batches ready."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
_POLL_SECONDS = 0.1


def prefetch(make: Callable[[int], T], numbers: range, *, depth: int = 8) -> Iterator[T]:
    """Yields make(n) for each of `numbers`, computed up to `depth` ahead in one thread.

    An exception in `make` is raised here. Closing the iterator ends the thread.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: tuple[T | None, BaseException | None]) -> None:
        while not stop.is_set():
            try:
                return ready.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue

    def work() -> None:
        for number in numbers:
            if stop.is_set():
                return
            try:
                put((make(number), None))
            except BaseException as error:  # handed to the consumer, who decides
                return put((None, error))

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        for _ in numbers:
            item, error = ready.get()
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
        thread.join()
