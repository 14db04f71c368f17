"""Where and when a process is to be killed, and how it comes to that: SIGKILL, from outside or by its own hand."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from select import select
from typing import Any, Final

from energy_swap_hub.chain.client import Node
from sqlalchemy import Engine, event

_PR_SET_PDEATHSIG: Final = 1
_START_SECONDS: Final = 0.5
_DOWN_SLOTS: Final = 200  # more than a blockhash lives


class Place(StrEnum):
    """What the process is doing when it is killed."""

    START = "while it starts, by the clock"
    CLOCK = "anywhere, by the clock"
    STATEMENT = "within a transaction"
    COMMIT = "before a commit"
    COMMITTED = "between a commit and its acknowledgement"
    SENDING = "before a transaction is sent to the chain"
    SENT = "after a transaction was sent to the chain, before its answer"


@dataclass(frozen=True, slots=True)
class Doom:
    """One kill: armed in a phase of ``tick``, done at the ``count``-th time at ``place``, or ``seconds`` later.

    The next process begins ``slots_away`` slots later, as one does that was down for so long.
    """

    tick: int
    phase: int
    place: Place
    count: int
    seconds: float
    slots_away: int


def draw_dooms(
    random: Random, kills: int, ticks: int, *, phases: int, per_tick: Mapping[Place, float], seconds: float
) -> list[Doom]:
    """Spread ``kills`` over the phases of all but the last ``ticks``; each strikes within about a tick.

    ``per_tick`` is how often an undisturbed run came by each place in a tick, and ``seconds`` how long that took.
    """
    places = list(Place)
    dooms = []
    for tick, phase in sorted((random.randrange(ticks - 6), random.randrange(phases)) for _ in range(kills)):
        place = random.choices(places, weights=[2, 4, 5, 2, 3, 1, 1])[0]
        # Few times more often than many: most of what is counted in a tick are its readings.
        count = max(round(per_tick[place] * random.random() ** 3), 1)
        wait = random.uniform(0, _START_SECONDS if place is Place.START else 1.5 * seconds)
        is_long = random.random() < (0.5 if place in (Place.SENDING, Place.SENT) else 0.1)
        slots_away = _DOWN_SLOTS if is_long else 0
        dooms.append(Doom(tick, phase, place, count, wait, slots_away))
    return dooms


class Mortality:
    """Counts what a process comes by, and ends it at its ``doom``; without one it only counts."""

    def __init__(self, doom: Doom | None, armed: Callable[[], object] = lambda: None) -> None:
        self.counts: dict[Place, int] = dict.fromkeys(Place, 0)
        self._doom = doom
        self._armed = armed
        self._is_armed = False
        self._left = doom.count if doom is not None else 0

    def reach(self, tick: int, phase: int) -> None:
        """Say that a phase of ``tick`` begins, perhaps again after a restart."""
        if self._doom is not None and (tick, phase) >= (self._doom.tick, self._doom.phase) and not self._is_armed:
            self._is_armed = True
            self._armed()

    def at(self, place: Place) -> None:
        """Come by ``place``, perhaps for the last time."""
        self.counts[place] += 1
        if self._is_armed and self._doom is not None and self._doom.place is place:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Come by every statement and commit of a database's writer and by every sending, in this process."""

        def is_writer() -> bool:
            return threading.current_thread().name == "database-writer"

        @event.listens_for(Engine, "before_cursor_execute")
        def _statement(*_: Any) -> None:
            if is_writer():
                self.at(Place.STATEMENT)

        @event.listens_for(Engine, "commit")
        def _commit(_: Any) -> None:
            if is_writer():
                self.at(Place.COMMIT)

        send = Node.send

        async def watched(node: Node, raw: bytes, *, preflight: bool) -> None:
            self.at(Place.SENDING)
            await send(node, raw, preflight=preflight)
            self.at(Place.SENT)

        Node.send = watched  # type: ignore[method-assign,assignment]


def live(life: Callable[[Mortality], None], doom: Doom | None) -> bool:
    """Run ``life`` in a fork of this process, which must have one thread; return whether it lived to its end.

    A fork has everything imported and nothing open, so that starting is cheap. Raises `RuntimeError` when it
    ended by anything else than its doom.
    """
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(told)
        _die_with_parent()
        mortality = Mortality(doom, lambda: os.write(tell, b"."))
        code = 1
        try:
            mortality.watch()
            life(mortality)
            code = 0
        except BaseException:  # noqa: BLE001 - the process's edge
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(tell)
    try:
        if doom is not None:
            _strike(pid, doom, told)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(told)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and doom is not None:
        return False
    if status:
        raise RuntimeError(f"the process ended with status {os.waitstatus_to_exitcode(status)}")
    return True


def _strike(pid: int, doom: Doom, told: int) -> None:
    """Kill ``pid`` when a doom by the clock has come; its pipe ends when it has ended by itself."""
    if doom.place is Place.CLOCK:
        if not os.read(told, 1):
            return
    elif doom.place is not Place.START:
        return
    until = time.monotonic() + doom.seconds
    while (left := until - time.monotonic()) > 0:
        if select([told], [], [], left)[0] and not os.read(told, 1):
            return
    os.kill(pid, signal.SIGKILL)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
