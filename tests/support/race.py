"""Many at once: everybody waits at a line and starts together."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def together(deeds: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """What each deed returned, or the exception it ended with, in order."""
    line = threading.Barrier(len(deeds))

    def run(deed: Callable[[], T]) -> T | Exception:
        line.wait()
        try:
            return deed()
        except Exception as fault:
            return fault

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))
