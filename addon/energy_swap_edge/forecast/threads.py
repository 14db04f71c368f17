"""Keep native libraries to one thread: threads that wait for each other on a busy machine cost many times more."""

from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Final

_SETTINGS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which the native libraries that are loaded use one thread."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def keep_to_one_thread(environment: MutableMapping[str, str]) -> None:
    """Keep this process to one thread for good: what is loaded now, and by ``environment`` what will be."""
    for name in _SETTINGS:
        environment[name] = "1"
    one_thread()
