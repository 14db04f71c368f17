"""What edges ask most often: read by the hub, or by a process beside it once many ask at a time.

What comes while one look at the database is under way waits and is one look: the states of many households take as
many statements as that of one.
"""

import asyncio
import pickle
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from energy_swap_hub.beside import Beside, ProcessLost, answer_hub
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership import households
from energy_swap_hub.membership.households import Household, NotAdmitted
from energy_swap_hub.settlement.notifications import notifications_after
from energy_swap_hub.storage import Database, answer_together, reading_engine

from .guidance_view import RememberedAdvice
from .household_view import household_states

_MANY: Final = 8  # questions at a time
_TOGETHER: Final = 64  # questions in one look
_APART_SECONDS: Final = 0.02  # looks begin, unless so many wait: each costs as much as a dozen more households


@dataclass(frozen=True, slots=True)
class StateAsked:
    """The household whose key signed asks for its state (docs/api.md)."""

    signer: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class NewsAsked:
    """The household whose key signed asks what it was told after notification number ``after``."""

    signer: bytes
    after: int


type Asked = StateAsked | NewsAsked
type Answer = bytes | NotAdmitted
"""JSON, made where it was read: of a state an object, of news a list; or why there is none."""


class EdgeViews:
    """Answers questions, all of them from one snapshot."""

    def __init__(self, community: CommunityConfig) -> None:
        self._community = community
        self._advise = RememberedAdvice()

    def answers(self, connection: Connection, asked: Sequence[Asked]) -> list[Answer]:
        """Return the answer to each question, in their order."""
        members = households.by_keys(connection, {one.signer for one in asked})
        states = self._states(connection, members, [one for one in asked if isinstance(one, StateAsked)])
        answers: list[Answer] = []
        for one in asked:
            member = members.get(one.signer)
            if member is None:
                answers.append(_stranger(connection, one.signer))
            elif isinstance(one, StateAsked):
                answers.append(msgspec.json.encode(states[member.id]))
            else:
                told = notifications_after(connection, self._community.id, member.id, one.after)
                answers.append(msgspec.json.encode(told))
        return answers

    def _states(
        self, connection: Connection, members: dict[bytes, Household], asked: Sequence[StateAsked]
    ) -> dict[str, dict[str, Any]]:
        shown = {one.signer: members[one.signer] for one in asked if one.signer in members}
        if not shown:
            return {}
        now = max(one.now for one in asked)  # they wait for one another for moments only
        return household_states(connection, self._community, shown.values(), now, self._advise)


class ReadingEdgeViews:
    """Asks `EdgeViews`: here until many ask at a time, from then on of a process that reads the same database.

    A look begins after all questions that it answers came: what was committed before is seen, either way.
    """

    def __init__(self, database: Database, where: Path | str, views: EdgeViews) -> None:
        """``where`` is the database's file or URL."""
        self._database = database
        self._views = views
        self.process: Final = Beside(__name__, pickle.dumps((where, views)), "reads for edges")
        self._waiting: list[tuple[Asked, asyncio.Future[bytes]]] = []
        self._under_way = 0  # questions
        self._begun = 0.0  # when the last look did, by the loop's clock
        self._work: asyncio.Task[None] | None = None
        self._are_many = False

    async def read(self, asked: Asked) -> bytes:
        """Return the answer to a question as JSON; raises `NotAdmitted`."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        self._are_many |= len(self._waiting) + self._under_way >= _MANY
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._answer_all())
        return await future

    async def _answer_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            if len(self._waiting) < _TOGETHER and (early := self._begun + _APART_SECONDS - loop.time()) > 0:
                await asyncio.sleep(early)
            self._begun = loop.time()
            group, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
            self._under_way = len(group)
            for (_, future), answer in zip(group, await self._answers([one for one, _ in group]), strict=True):
                if future.done():  # who asked has gone
                    continue
                if isinstance(answer, bytes):
                    future.set_result(answer)
                else:
                    future.set_exception(answer)
            self._under_way = 0

    async def _answers(self, asked: Sequence[Asked]) -> Sequence[bytes | Exception]:
        """Return the answers, or what went wrong: for each by itself, where it does for all."""
        try:
            return await self._look(asked)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            if len(asked) == 1:
                return [error]
        return [(await self._answers([one]))[0] for one in asked]

    async def _look(self, asked: Sequence[Asked]) -> list[Answer]:
        if self._are_many and self.process.is_ready():
            with suppress(ProcessLost):
                answer = await self.process.ask(pickle.dumps(asked))
                found, error = pickle.loads(answer)  # noqa: S301 - of our own process, through its pipe
                if error is not None:
                    raise error
                answers: list[Answer] = found
                return answers
        return await self._database.read(lambda connection: self._views.answers(connection, asked))


def known(connection: Connection, signer: bytes) -> Household:
    """Return the household whose key signed; raises `NotAdmitted`."""
    household = households.by_key(connection, signer)
    if household is None:
        raise _stranger(connection, signer)
    return household


def _stranger(connection: Connection, signer: bytes) -> NotAdmitted:
    if (claimed := households.claimed_by(connection, signer)) is not None:
        text = f"this device has asked to be that of {claimed}; the community's approvers decide"
        return NotAdmitted(text, "not_admitted_applied")
    return households.stranger()


def main() -> None:
    """Be the process."""

    def begin(first: bytes) -> Callable[[Sequence[bytes]], Iterable[bytes]]:
        where, views = pickle.loads(first)  # noqa: S301 - of the hub, through its pipe
        engine = reading_engine(where)

        def query(question: bytes) -> Callable[[Connection], list[Answer]]:
            asked = pickle.loads(question)  # noqa: S301
            return lambda connection: views.answers(connection, asked)

        def answers(questions: Sequence[bytes]) -> Iterable[bytes]:
            return map(pickle.dumps, answer_together(engine, [query(one) for one in questions]))

        return answers

    answer_hub(begin)


if __name__ == "__main__":
    main()
