"""What edges ask most often: read by the hub, or by a process beside it once many ask at a time."""

import pickle
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, Final

from sqlalchemy import Connection

from energy_swap_hub.beside import Beside, ProcessLost, answer_hub
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership import households
from energy_swap_hub.membership.households import Household, NotAdmitted
from energy_swap_hub.settlement.notifications import notifications_after
from energy_swap_hub.storage import Database, answer_together, reading_engine

from .guidance_view import RememberedAdvice
from .household_view import household_state

_MANY: Final = 8  # questions at a time


class EdgeViews:
    """The questions; each is answered from one snapshot, to the household whose key signed."""

    def __init__(self, community: CommunityConfig) -> None:
        self._community = community
        self._advise = RememberedAdvice()

    def state(self, connection: Connection, signer: bytes, now: datetime) -> dict[str, Any]:
        """Return the household's state (docs/api.md)."""
        household = known(connection, signer)
        return household_state(connection, self._community, household, now, self._advise)

    def notifications(self, connection: Connection, signer: bytes, after: int) -> list[dict[str, Any]]:
        """Return what the household was told after notification number ``after``."""
        return notifications_after(connection, self._community.id, known(connection, signer).id, after)


class ReadingEdgeViews:
    """Asks `EdgeViews`: here until many ask at a time, from then on of a process that reads the same database.

    What an edge is told of was committed before it asked, either way.
    """

    def __init__(self, database: Database, where: Path | str, views: EdgeViews) -> None:
        """``where`` is the database's file or URL."""
        self._database = database
        self.views: Final = views
        self.process: Final = Beside(__name__, pickle.dumps((where, views)), "reads for edges")
        self._asked = 0
        self._are_many = False

    async def read[**P, T](
        self, view: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what ``view``, a method of `views`, returns; raises what it raises."""
        self._asked += 1
        try:
            self._are_many |= self._asked >= _MANY
            if self._are_many and self.process.is_ready():
                try:
                    answer = await self.process.ask(pickle.dumps((view.__name__, args, kwargs)))
                except ProcessLost:
                    pass
                else:
                    result, error = pickle.loads(answer)  # noqa: S301 - of our own process, through its pipe
                    if error is not None:
                        raise error
                    found: T = result
                    return found
            return await self._database.read(lambda connection: view(connection, *args, **kwargs))
        finally:
            self._asked -= 1


def known(connection: Connection, signer: bytes) -> Household:
    """Return the household whose key signed; raises `NotAdmitted`."""
    household = households.by_key(connection, signer)
    if household is None and (claimed := households.claimed_by(connection, signer)) is not None:
        text = f"this device has asked to be that of {claimed}; the community's approvers decide"
        raise NotAdmitted(text, "not_admitted_applied")
    if household is None:
        raise households.stranger()
    return household


def main() -> None:
    """Be the process."""

    def begin(first: bytes) -> Callable[[Sequence[bytes]], Iterable[bytes]]:
        where, views = pickle.loads(first)  # noqa: S301 - of the hub, through its pipe
        engine = reading_engine(where)

        def query(question: bytes) -> Callable[[Connection], Any]:
            name, args, kwargs = pickle.loads(question)  # noqa: S301
            view = getattr(views, name)
            return lambda connection: view(connection, *args, **kwargs)

        def answers(questions: Sequence[bytes]) -> Iterable[bytes]:
            return map(pickle.dumps, answer_together(engine, [query(one) for one in questions]))

        return answers

    answer_hub(begin)


if __name__ == "__main__":
    main()
