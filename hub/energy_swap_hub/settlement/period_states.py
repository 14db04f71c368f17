"""How far a booked period has come on the chain: it waits for its intents, is settled, or a person decides."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from energy_swap_hub.chain.intent import State, find

from . import tables


def intent_final(
    connection: Connection, community_id: str, start: datetime, intent_id: str, now: datetime
) -> None:
    """Tick off a confirmed intent of a period; with the last one the period is settled."""
    if not replace_intent(connection, community_id, start, intent_id, ()):
        _change_period(connection, community_id, start, state="settled", settled_at=now)


def replace_intent(
    connection: Connection, community_id: str, start: datetime, intent_id: str, others: Sequence[str]
) -> list[str]:
    """Let a period wait for ``others`` in place of ``intent_id``; return all that it waits for now."""
    row = tables.period.c
    query = select(row.intents).where(row.community_id == community_id, row.start == start)
    left = [i for i in connection.execute(query).scalar_one() if i != intent_id] + list(others)
    _change_period(connection, community_id, start, intents=left)
    return left


def await_again(connection: Connection, community_id: str, start: datetime, failed_id: str, again_id: str) -> None:
    """Let a period in review wait for ``again_id``; it stays in review while another of its intents has failed."""
    left = replace_intent(connection, community_id, start, failed_id, (again_id,))
    waiting = [find(connection, community_id, intent_id) for intent_id in left]
    if all(intent is None or intent.state is not State.FAILED for intent in waiting):
        _change_period(connection, community_id, start, state="booked")


def put_in_review(connection: Connection, community_id: str, start: datetime) -> None:
    """A person has to decide about this period."""
    _change_period(connection, community_id, start, state="review")


def _change_period(connection: Connection, community_id: str, start: datetime, **values: object) -> None:
    row = tables.period
    connection.execute(
        update(row).where(row.c.community_id == community_id, row.c.start == start).values(**values)
    )
