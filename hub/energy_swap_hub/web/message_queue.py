"""Messages that arrive together are carried out together: one commit for all, and an answer for each after it."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from energy_swap_protocol.message import Envelope, MessageError
from energy_swap_protocol.transaction import TransactionError
from sqlalchemy import Connection

from energy_swap_hub.beside import ProcessLost
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.directory import find_community
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.groups import Outcome
from energy_swap_hub.settlement.messages import receive_group
from energy_swap_hub.settlement.opening import Opened, open_checked, open_message
from energy_swap_hub.storage import Database

from .checker import Checker, Place, Verdict

_GROUP: Final = 512
_MANY: Final = 64  # messages at a time
_AT_WORK: Final = 2  # groups: one that is written, and one that is ready when the writer is free again

type _Waiting = tuple[Envelope, bool, asyncio.Future[dict[str, Any]]]  # whether it came from a paired phone


class MessageQueue:
    """Takes messages in the order in which they come.

    While one group is written, the signatures of the next are checked and its locks completed: of few messages by
    another thread, of many by another process (`Checker`), as two threads would take turns. What comes while both
    are at work waits and is one group.
    """

    def __init__(
        self, database: Database, desk: Desk, clock: Callable[[], datetime], on_done: Callable[[], None]
    ) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._on_done = on_done
        self._waiting: deque[_Waiting] = deque()
        self._checker = Checker(desk.tokens.hub)
        self._chain: CommunityChain | None = None  # as the last group found it; its escrow may become another
        self._work: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_AT_WORK)

    async def receive(self, envelope: Envelope, *, by_phone: bool = False) -> dict[str, Any]:
        """Carry a message out and return its answer once that is durable; raises what its rules raise.

        ``by_phone``: it came by the session of the paired phone whose key is the signer's. A caller that gives up
        waiting does not undo what was sent.
        """
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((envelope, by_phone, future))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._take_all())
        return await future

    async def start_checker(self) -> None:
        """Have the process that checks many messages' signatures there, which else starts when many come."""
        await self._checker.process.start()

    async def _take_all(self) -> None:
        while self._waiting:
            await self._places.acquire()
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _GROUP))]
            chain = self._chain
            opened = [
                replace(one, by_phone=True) if by_phone and isinstance(one, Opened) else one
                for one, (_, by_phone, _) in zip(
                    await self._open([envelope for envelope, _, _ in group], chain), group, strict=True
                )
            ]
            self._begin(self._write(opened, [future for _, _, future in group], chain))

    def _begin(self, write: Coroutine[Any, Any, None]) -> None:
        writing = asyncio.create_task(write)
        self._writing.add(writing)  # the loop itself does not keep it
        writing.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """End what was started beside the hub; messages that wait are still carried out."""
        await self._checker.process.close()

    async def _open(self, envelopes: Sequence[Envelope], chain: CommunityChain | None) -> list[Opened | Exception]:
        if len(envelopes) >= _MANY and self._checker.process.is_ready():
            # The process has the hub's key of its start; with another one, locks are completed here.
            is_its_hub = chain is not None and chain.hub == self._desk.tokens.hub.pubkey()
            place = (
                Place(bytes(chain.mint), bytes(chain.escrow), bytes(chain.hub))
                if chain is not None and is_its_hub
                else None
            )
            try:
                verdicts = await self._checker.check(envelopes, place)
            except ProcessLost:
                pass
            else:
                return [_checked(self._desk, *one) for one in zip(envelopes, verdicts, strict=True)]
        return await asyncio.to_thread(_open_all, self._desk, envelopes, chain)

    async def _write(
        self,
        opened: Sequence[Opened | Exception],
        futures: Sequence[asyncio.Future[dict[str, Any]]],
        opened_with: CommunityChain | None,
    ) -> None:
        true = [one for one in opened if isinstance(one, Opened)]
        now = self._clock()
        outcomes: list[Outcome] = []

        def change(connection: Connection) -> tuple[list[Outcome], CommunityChain | None]:
            chain = find_community(connection, self._desk.community.id)
            is_elsewhere = chain is not None and opened_with is not None and chain.escrow != opened_with.escrow
            # Minting has gone to other keys meanwhile: what was completed would lock into the escrow of before.
            group = [replace(one, lock=None) for one in true] if is_elsewhere else true
            return receive_group(connection, self._desk, group, now), chain

        try:
            if true:
                outcomes, self._chain = await self._database.write(change)
        except Exception as error:  # noqa: BLE001 - every caller of the group is told
            outcomes = [error] * len(true)
        self._places.release()
        carried_out = iter(outcomes)
        for one, future in zip(opened, futures, strict=True):
            outcome = next(carried_out) if isinstance(one, Opened) else one
            if future.done():  # its caller has gone
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._on_done()


def _checked(desk: Desk, envelope: Envelope, verdict: Verdict) -> Opened | Exception:
    if verdict.refusal is not None:
        return MessageError(verdict.refusal)
    refusal = verdict.lock_refusal
    return open_checked(desk, envelope, verdict.lock if refusal is None else TransactionError(refusal))


def _open_all(desk: Desk, envelopes: Sequence[Envelope], chain: CommunityChain | None) -> list[Opened | Exception]:
    opened: list[Opened | Exception] = []
    for envelope in envelopes:
        try:
            opened.append(open_message(desk, envelope, chain))
        except Exception as error:  # noqa: BLE001 - it is this message's alone
            opened.append(error)
    return opened
