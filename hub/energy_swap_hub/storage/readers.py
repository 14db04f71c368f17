"""Reads on a few threads of their own: those that wait together share a transaction and one way back."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

_TOGETHER: Final = 8  # one that takes long delays at most so many others
_PATIENCE_SECONDS: Final = 0.05

type Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]
type _Query = tuple[Callable[[Connection], Any], asyncio.Future[Any]]


class Readers:
    """Threads that answer queries in the order in which they come.

    A transaction begins after all queries that share it came: each sees what was committed before it was asked.
    ``at_once`` threads work all the time; one more takes over while they are busy with what takes long.
    """

    def __init__(self, engine: Engine, at_once: int) -> None:
        self._engine = engine
        self._queries: queue.SimpleQueue[_Query | None] = queue.SimpleQueue()
        self._begun = 0  # how many groups; two threads may count one of them together, which does no harm
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._answer_all, name=f"database-reader-{number}", daemon=True)
            for number in range(at_once)
        ]
        self._relief = threading.Thread(target=self._stand_in, name="database-reader-relief", daemon=True)
        for thread in (*self._threads, self._relief):
            thread.start()

    async def read[T](self, query: Callable[[Connection], T]) -> T:
        """Return what ``query`` returns; raises what it raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queries.put((query, future))
        return await future

    def close(self) -> None:
        """Answer what waits, then end the threads."""
        for _ in self._threads:
            self._queries.put(None)
        for thread in self._threads:
            thread.join()
        self._closing.set()
        self._relief.join()

    def _answer_all(self) -> None:
        while (first := self._queries.get()) is not None:
            self._begun += 1
            tell(self._answers([first, *self._waiting(_TOGETHER - 1)]))

    def _stand_in(self) -> None:
        begun = 0
        while not self._closing.wait(_PATIENCE_SECONDS):
            while self._begun == begun and (group := self._waiting(_TOGETHER)):
                tell(self._answers(group))
            begun = self._begun

    def _waiting(self, most: int) -> list[_Query]:
        group: list[_Query] = []
        while len(group) < most:
            try:
                other = self._queries.get_nowait()
            except queue.Empty:
                break
            if other is None:
                self._queries.put(None)  # for the thread that it ends
                break
            group.append(other)
        return group

    def _answers(self, group: Sequence[_Query]) -> list[Outcome]:
        found = answer_together(self._engine, [query for query, _ in group])
        return [(future, *answer) for (_, future), answer in zip(group, found, strict=True)]


def answer_together(
    engine: Engine, queries: Sequence[Callable[[Connection], Any]]
) -> list[tuple[Any, BaseException | None]]:
    """Return what each query returns, or what it raises, from one snapshot as far as none raises.

    A connection that broke while nobody used it is found out here, and what was asked is asked again with another.
    """
    found: list[tuple[Any, BaseException | None]] = []
    may_be_lost = True
    while len(found) < len(queries):
        try:
            with engine.begin() as connection:
                for query in queries[len(found) :]:
                    found.append((query(connection), None))  # noqa: PERF401 - those before one that raises count
        except BaseException as error:  # noqa: BLE001 - its caller is told; the others get a new transaction
            if may_be_lost and isinstance(error, DBAPIError) and error.connection_invalidated:
                may_be_lost = False
            elif len(found) < len(queries):
                found.append((None, error))
    return found


def tell(outcomes: Iterable[Outcome]) -> None:
    """Give callers what became of what they asked, from a thread that is not theirs; who has gone is left out."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for outcome in outcomes:
        by_loop.setdefault(outcome[0].get_loop(), []).append(outcome)
    for loop, told in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(_set_all, told)


def _set_all(outcomes: Iterable[Outcome]) -> None:
    for future, result, failure in outcomes:
        if future.done():  # cancelled
            continue
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)
