"""What the console lists of payments that phones were asked for and of payouts; no phone number is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from aiohttp import web
from energy_swap_protocol.units import CENTS_PER_KES
from sqlalchemy import Column, Connection, RowMapping, Select, Table, func, select, tuple_

from energy_swap_hub.ledger import PAYOUT_PENDING, TRUST_CASH
from energy_swap_hub.ledger.tables import entry, posting
from energy_swap_hub.mpesa.tables import (
    FAILED,
    IS_GOING,
    OPEN_INTENT,
    OPEN_PAYOUT,
    PAID,
    REVIEW,
    payment_intent,
    payment_receipt,
    payout,
)
from energy_swap_hub.settlement.tables import review
from energy_swap_hub.storage import is_among

from .answers import PaymentIntentRow, PaymentIntents, PayoutRow, Payouts
from .paging import asked_limit, asked_skip, count_of
from .route import Query

type Standing = Literal["open", "ended", "waits"]

STANDING: Final = Query("state", "open, ended, or waits: those that wait for a person; without it all")
AFTER: Final = Query("before", "only payments that follow the one with this id")
_DEFAULT: Final = 100
_ENDED: Final = (PAID, FAILED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of which list: those of a standing (None: all) that follow the payment ``after``."""

    standing: Standing | None
    limit: int
    after: str | None
    skip: int
    is_counted: bool


def asked_payments(request: web.Request) -> Wanted:
    """Return what a request wants of a list of payments."""
    standing: Any = request.query.get("state")
    if standing is not None and standing not in get_args(Standing.__value__):
        raise web.HTTPBadRequest(reason="state is open, ended or waits; leave it out for all")
    return Wanted(standing, asked_limit(request, _DEFAULT), request.query.get("before"), *asked_skip(request))


def payment_intents(connection: Connection, community_id: str, wanted: Wanted) -> PaymentIntents:
    """Return payments that phones were asked for, the newest first. Raises `LookupError` for no such payment."""
    reviews = _open_reviews(connection, community_id)
    key = payment_intent.c.intent_id
    found, total = _rows(connection, payment_intent, key, OPEN_INTENT, community_id, wanted, reviews)
    row = payment_receipt.c
    came: dict[str, str] = {}
    if found:
        ids = [one["intent_id"] for one in found]
        query = select(row.intent_id, row.receipt).where(is_among(connection, row.intent_id, ids))
        # The first one paid it; what came on top is among the receipts.
        came = dict(connection.execute(query.order_by(row.recorded_at.desc(), row.receipt)).tuples().all())
    rows: list[PaymentIntentRow] = [
        {
            "id": one["intent_id"],
            "household": one["household_id"],
            "kes": one["kes"],
            "purpose": one["purpose"],
            "state": one["state"],
            "reason": one["reason"],
            "reference": one["account_reference"],
            "receipt": came.get(one["intent_id"]),
            "created_at": _unix(one["created_at"]),
            "given_up_at": _unix_or_none(one["given_up_at"]),
            "ended_at": _unix_or_none(one["ended_at"]),
            "review": reviews.get(one["intent_id"]),
        }
        for one in found
    ]
    return {"intents": rows, "total": total}


def payouts(connection: Connection, community_id: str, wanted: Wanted) -> Payouts:
    """Return payouts, the newest first, each with its fee. Raises `LookupError` for no such payout."""
    reviews = _open_reviews(connection, community_id)
    found, total = _rows(connection, payout, payout.c.payout_id, OPEN_PAYOUT, community_id, wanted, reviews)
    # What left the trust account with a receipt, and what was set aside before: amount and fee together.
    left = _posted(connection, community_id, "mpesa", TRUST_CASH, [one["receipt"] for one in found])
    aside = _posted(connection, community_id, "payout", PAYOUT_PENDING, [one["payout_id"] for one in found])

    def fee_of(one: RowMapping) -> int | None:
        if one["state"] == FAILED:
            return None
        spent = left.get(one["receipt"]) if one["state"] == PAID else aside.get(one["payout_id"])
        return None if spent is None else spent - int(one["kes"]) * CENTS_PER_KES

    rows: list[PayoutRow] = [
        {
            "id": one["payout_id"],
            "household": one["household_id"],
            "kes": one["kes"],
            "fee_cents": fee_of(one),
            "state": one["state"],
            "reason": one["reason"],
            "receipt": one["receipt"],
            "conversation": one["originator_conversation_id"],
            "attempts": one["attempts"],
            "created_at": _unix(one["created_at"]),
            "accepted_at": _unix_or_none(one["accepted_at"]),
            "ended_at": _unix_or_none(one["ended_at"]),
            "review": reviews.get(one["payout_id"]),
        }
        for one in found
    ]
    return {"payouts": rows, "total": total}


def _rows(
    connection: Connection,
    table: Table,
    key: Column[str],
    open_states: Sequence[str],
    community_id: str,
    wanted: Wanted,
    reviews: Mapping[str, int],
) -> tuple[Sequence[RowMapping], int | None]:
    row = table.c
    query: Select[Any] = select(table).where(row.community_id == community_id)
    match wanted.standing:
        case "open":
            query = query.where(IS_GOING, row.state.in_(open_states))
        case "ended":
            query = query.where(row.state.in_(_ENDED))
        case "waits":
            stuck = select(key).where(row.community_id == community_id, IS_GOING, row.state == REVIEW)
            waiting = [*reviews, *connection.execute(stuck).scalars(), ""]
            query = query.where(is_among(connection, key, waiting))
    if wanted.after is not None:
        at = select(row.created_at).where(row.community_id == community_id, key == wanted.after)
        created_at = connection.execute(at).scalar()
        if created_at is None:
            raise LookupError(f"there is no payment {wanted.after}")
        query = query.where(tuple_(row.created_at, key) < (created_at, wanted.after))
    total = count_of(connection, query) if wanted.is_counted else None
    ordered = query.order_by(row.created_at.desc(), key.desc()).limit(wanted.limit).offset(wanted.skip)
    return connection.execute(ordered).mappings().all(), total


def _open_reviews(connection: Connection, community_id: str) -> dict[str, int]:
    """Return the newest open review about each subject."""
    row = review.c
    query = select(row.subject, func.max(row.id)).where(row.community_id == community_id, row.state == "open")
    return {subject: int(number) for subject, number in connection.execute(query.group_by(row.subject))}


def _posted(
    connection: Connection, community_id: str, source: str, account: str, names: Sequence[str | None]
) -> dict[str, int]:
    """Return what the entries with these names put on an account."""
    known = [name for name in names if name is not None]
    if not known:
        return {}
    query = (
        select(entry.c.external_id, posting.c.amount)
        .join(posting, posting.c.entry_id == entry.c.id)
        .where(
            entry.c.community_id == community_id,
            entry.c.source == source,
            is_among(connection, entry.c.external_id, known),
            posting.c.account == account,
        )
    )
    return {name: int(amount) for name, amount in connection.execute(query)}


def _unix(at: datetime) -> int:
    return int(at.timestamp())


def _unix_or_none(at: datetime | None) -> int | None:
    return None if at is None else _unix(at)
