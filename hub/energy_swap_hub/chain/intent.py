"""Durable intents: what shall happen on the chain exactly once, and how far each one has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, bindparam, select, update

from energy_swap_hub.storage import Lookup, insert_rows, is_in, is_one_of

from .payload import OpenAccount, Payload, decode, encode, kind_of, memo_of
from .tables import chain_intent

_NEW: Final = ("community_id", "id", "kind", "payload", "state", "created_at")
_KNOWN: Final = Lookup(
    select(chain_intent.c.id, chain_intent.c.payload).where(
        chain_intent.c.community_id == bindparam("community"), is_in(chain_intent.c.id, "ids")
    )
)


class State(StrEnum):
    """How far an intent has come; the last two are final."""

    QUEUED = "queued"
    SENT = "sent"  # signed and stored; it may be on the chain
    CONFIRMED = "confirmed"
    FAILED = "failed"


# Asked after every group of messages: made once.
_WITH_WORK: Final = Lookup(
    select(chain_intent.c.community_id).where(is_one_of(chain_intent.c.state, State.QUEUED, State.SENT)).distinct()
)


class IntentConflictError(RuntimeError):
    """An intent with this id exists and asks for something else; one id is one effect."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One intent. ``error`` says why it failed, or what holds it up while it is queued."""

    number: int
    community: str
    id: str
    payload: Payload
    state: State
    raw: bytes | None
    signature: str | None
    last_valid_block_height: int | None
    error: str | None
    fee_lamports: int | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def kind(self) -> str:
        """The name of what it asks for."""
        return kind_of(self.payload)

    @property
    def memo(self) -> str:
        """What its transaction says, to find it on the chain."""
        return memo_of(self.payload, self.community)


def enqueue(connection: Connection, community: str, intent_id: str, payload: Payload, now: datetime) -> str:
    """Store the intent once and return its id; again with the same content changes nothing.

    Raises `IntentConflictError` if the id stands for something else.
    """
    enqueue_all(connection, community, [(intent_id, payload)], now)
    return intent_id


def enqueue_all(
    connection: Connection, community: str, wishes: Sequence[tuple[str, Payload]], now: datetime
) -> tuple[str, ...]:
    """Store many intents, each an id and what it asks for, in order and as `enqueue` does each; return the ids."""
    if not wishes:
        return ()
    known: dict[str, str] = dict(_KNOWN.all(connection, community=community, ids=[wish[0] for wish in wishes]))
    rows = []
    for intent_id, payload in wishes:
        text = encode(payload)
        if intent_id not in known:
            known[intent_id] = text
            rows.append((community, intent_id, kind_of(payload), text, State.QUEUED.value, now))
        elif known[intent_id] != text:
            raise IntentConflictError(f"intent {intent_id} of {community} exists and asks for something else")
    insert_rows(connection, chain_intent, _NEW, rows)
    return tuple(intent_id for intent_id, _ in wishes)


def find(connection: Connection, community: str, intent_id: str) -> Intent | None:
    """Return an intent."""
    row = (
        connection.execute(
            select(chain_intent).where(chain_intent.c.community_id == community, chain_intent.c.id == intent_id)
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else intent_in(row)


def is_known(connection: Connection, community: str, signature: str) -> bool:
    """Whether an intent was sent as this transaction."""
    query = select(chain_intent.c.number).where(
        chain_intent.c.community_id == community, chain_intent.c.signature == signature
    )
    return connection.execute(query.limit(1)).first() is not None


def is_opening(connection: Connection, community: str, household: str) -> bool:
    """Whether an account of ``household`` is on its way to the chain."""
    query = select(chain_intent.c.payload).where(
        chain_intent.c.community_id == community, chain_intent.c.kind == "open_account", _is_open()
    )
    wishes = map(decode, connection.execute(query).scalars())
    return any(isinstance(wish, OpenAccount) and wish.household == household for wish in wishes)


def communities_with_work(connection: Connection) -> list[str]:
    """Return the communities that have an intent which is not final."""
    return [community for (community,) in _WITH_WORK.all(connection)]


def open_intents(connection: Connection, community: str, limit: int) -> list[Intent]:
    """Return the oldest intents of ``community`` that are not final, in their order."""
    query = (
        select(chain_intent)
        .where(chain_intent.c.community_id == community, _is_open())
        .order_by(chain_intent.c.number)
        .limit(limit)
    )
    return [intent_in(row) for row in connection.execute(query).mappings()]


def intents_of(connection: Connection, community: str, *, newest: int = 100) -> list[Intent]:
    """Return the newest intents of ``community``, newest first."""
    query = all_intents(community).order_by(chain_intent.c.number.desc()).limit(newest)
    return [intent_in(row) for row in connection.execute(query).mappings()]


def all_intents(community: str, kind: str | None = None) -> Select[Any]:
    """Return the query for the intents of ``community``, all or those of a kind, for lists of them."""
    query = select(chain_intent).where(chain_intent.c.community_id == community)
    return query if kind is None else query.where(chain_intent.c.kind == kind)


def mark_sent(
    connection: Connection, intent: Intent, raw: bytes, signature: str, last_valid_block_height: int | None
) -> bool:
    """Store the signed bytes before they are first sent; whether the intent was still queued."""
    return _change(
        connection,
        intent,
        State.QUEUED,
        state=State.SENT,
        raw=raw,
        signature=signature,
        last_valid_block_height=last_valid_block_height,
        error=None,
    )


def mark_queued(connection: Connection, intent: Intent, reason: str) -> bool:
    """Put back an intent whose signed bytes can never land; whether nothing else had changed it."""
    return _change(
        connection,
        intent,
        intent.state,
        state=State.QUEUED,
        raw=None,
        signature=None,
        last_valid_block_height=None,
        error=reason,
    )


def adopt_signature(connection: Connection, intent: Intent, signature: str) -> bool:
    """Follow another transaction of ours, found on the chain with the intent's memo."""
    return _change(connection, intent, State.SENT, signature=signature, last_valid_block_height=None)


def mark_final(
    connection: Connection, intent: Intent, *, error: str | None, fee_lamports: int, now: datetime
) -> Intent | None:
    """Make the intent final and return it so; ``None`` if something else has changed it before."""
    is_changed = _change(
        connection,
        intent,
        intent.state,
        state=State.CONFIRMED if error is None else State.FAILED,
        error=error,
        fee_lamports=fee_lamports,
        finished_at=now,
    )
    return find(connection, intent.community, intent.id) if is_changed else None


def _change(connection: Connection, intent: Intent, expected: State, **values: Any) -> bool:
    result = connection.execute(
        update(chain_intent)
        .where(
            chain_intent.c.number == intent.number,
            chain_intent.c.state == expected,
            chain_intent.c.signature.is_not_distinct_from(intent.signature),
        )
        .values(**values)
    )
    return result.rowcount == 1


def _is_open() -> Any:
    open_states: Sequence[State] = (State.QUEUED, State.SENT)
    return chain_intent.c.state.in_(open_states)


def intent_in(row: RowMapping) -> Intent:
    """Return a stored intent."""
    return Intent(
        row["number"],
        row["community_id"],
        row["id"],
        decode(row["payload"]),
        State(row["state"]),
        row["raw"],
        row["signature"],
        row["last_valid_block_height"],
        row["error"],
        row["fee_lamports"],
        row["created_at"],
        row["finished_at"],
    )
