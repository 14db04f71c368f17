"""How far a household keeps its word: a score from facts alone, and the sentence that explains it."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from energy_swap_hub.mpesa.codes import PAYERS_REASONS
from energy_swap_hub.mpesa.tables import FAILED, PAID, payment_intent
from energy_swap_hub.storage import Lookup, is_in, is_one_of

from .ahead_tables import contract
from .spot_tables import spot_order
from .tables import auction

MEMORY: Final = timedelta(days=90)
"""What began (an auction: ended) longer ago is forgotten, the good and the bad."""

PRIOR_KEPT: Final = 8
PRIOR_BROKEN: Final = 2
"""What everybody is credited with at first: eight words kept and two broken, so a newcomer stands at 80 %."""

MOST_OF_A_KIND: Final = 20
"""More facts of one kind count as this many: nobody drowns unpaid top-ups in a thousand small orders."""

WEIGHT_OF_CONTRACTS: Final = 3
WEIGHT_OF_TOP_UPS: Final = 2
WEIGHT_OF_ORDERS: Final = 1

_CONTRACTS, _TOP_UPS, _ORDERS = "contracts", "top_ups", "orders"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a household promised and did; none is negative, and of each kind no more was kept than promised.

    ``contracts`` for a future period are over and promised ``promised_wh``, of which ``delivered_wh`` came.
    ``top_ups`` are requests for money, for the wallet or straight for an order, that the payer decided on the
    phone, by paying (``paid``), refusing, or doing nothing.
    ``ended`` orders and auctions have ended in any way, ``cancelled`` of them because the household took them
    back.
    """

    contracts: int = 0
    promised_wh: int = 0
    delivered_wh: int = 0
    top_ups: int = 0
    paid: int = 0
    ended: int = 0
    cancelled: int = 0

    def __post_init__(self) -> None:
        kinds = ((self.promised_wh, self.delivered_wh), (self.top_ups, self.paid), (self.ended, self.cancelled))
        if self.contracts < 0 or any(not 0 <= part <= whole for whole, part in kinds):
            raise ValueError(f"a part cannot be more than the whole, nor negative: {self}")
        if bool(self.contracts) != bool(self.promised_wh):
            raise ValueError(f"contracts promise energy, and only they do: {self}")


@dataclass(frozen=True, slots=True)
class Reputation:
    """A score of 0 to 10,000 basis points, why in one English sentence, and the facts for other languages."""

    basis_points: int
    reason: str
    facts: Facts


def reputation(facts: Facts) -> Reputation:
    """Return the reputation that follows from ``facts``.

    The score is the mean of a beta distribution: (kept + 8) / (kept + broken + 10), where each kind of fact
    counts with its weight and at most `MOST_OF_A_KIND` times. A newcomer stands at 80 %, one fact moves it
    little, and with more facts their own share outweighs what it began with.
    """
    kept, told = Fraction(PRIOR_KEPT), Fraction(PRIOR_KEPT + PRIOR_BROKEN)
    for weight, count, whole, part in (
        (WEIGHT_OF_CONTRACTS, facts.contracts, facts.promised_wh, facts.delivered_wh),
        (WEIGHT_OF_TOP_UPS, facts.top_ups, facts.top_ups, facts.paid),
        (WEIGHT_OF_ORDERS, facts.ended, facts.ended, facts.ended - facts.cancelled),
    ):
        if count:
            counted = weight * min(count, MOST_OF_A_KIND)
            told += counted
            kept += counted * Fraction(part, whole)
    return Reputation(round(10_000 * kept / told), _reason(facts), facts)


def facts_of(
    connection: Connection, community_id: str, now: datetime, households: Collection[str] | None = None
) -> dict[str, Facts]:
    """Return the facts of the last 90 days of each household that has any, by its id; None: of all households.

    A top-up that failed for another reason than the payer's (M-Pesa is busy, the phone has no network, our
    account is not set up) is no fact about the household. Payouts are ours to send. Of a contract a seller has
    kept what its meter gave and a buyer what it took, whether or not the other side was there for it.
    """
    since = now - MEMORY
    if households is None:
        rows = _FACTS_OF_ALL.all(connection, community_id=community_id, since=since)
    else:
        rows = _FACTS_OF_SOME.all(connection, community_id=community_id, since=since, households=households)
    found: defaultdict[str, Facts] = defaultdict(Facts)
    for kind, household_id, count, whole, part in rows:
        before = found[household_id]
        if kind == _CONTRACTS:
            found[household_id] = replace(
                before,
                contracts=before.contracts + int(count),
                promised_wh=before.promised_wh + int(whole),
                delivered_wh=before.delivered_wh + int(part),
            )
        elif kind == _TOP_UPS:
            found[household_id] = replace(before, top_ups=int(count), paid=int(part))
        else:
            found[household_id] = replace(
                before, ended=before.ended + int(count), cancelled=before.cancelled + int(part)
            )
    return dict(found)


def _facts(is_asked_for: Callable[[Column[Any]], ColumnElement[bool]]) -> CompoundSelect[Any]:
    """Return the statement for the facts of some households: kind, whose, how many, the whole, the part kept."""
    made, intent, order, sale = contract.c, payment_intent.c, spot_order.c, auction.c
    is_payers = (intent.state == PAID) | ((intent.state == FAILED) & is_one_of(intent.reason, *PAYERS_REASONS))

    def counted(
        kind: str,
        party: Column[Any],
        at: Column[Any],
        part: ColumnElement[Any],
        whole: ColumnElement[Any],
        *which: ColumnElement[bool],
    ) -> Select[Any]:
        return (
            select(literal_column(f"'{kind}'"), party, func.count(), func.sum(whole), func.sum(part))
            .where(
                party.table.c.community_id == bindparam("community_id"),
                is_asked_for(party),
                at >= bindparam("since"),
                *which,
            )
            .group_by(party)
        )

    def is_cancelled(status: Column[Any]) -> ColumnElement[Any]:
        return case((status == "cancelled", 1), else_=0)

    one: ColumnElement[Any] = literal_column("1")
    return union_all(
        counted(_CONTRACTS, made.seller, made.settled_at, made.delivered_wh + made.spare_wh, made.wh),
        counted(_CONTRACTS, made.buyer, made.settled_at, made.delivered_wh + made.backfill_wh, made.wh),
        counted(
            _TOP_UPS, intent.household_id, intent.created_at, case((intent.state == PAID, 1), else_=0), one,
            is_payers,
        ),
        counted(
            _ORDERS, order.household_id, order.placed_at, is_cancelled(order.status), one,
            is_one_of(order.status, "filled", "cancelled", "expired"),
        ),
        counted(
            _ORDERS, sale.seller, sale.ends_at, is_cancelled(sale.status), one,
            is_one_of(sale.status, "sold", "unsold", "cancelled"),
        ),
    )  # fmt: skip


# Every look at a household asks: made once.
_FACTS_OF_ALL: Final = Lookup(_facts(lambda _party: true()))
_FACTS_OF_SOME: Final = Lookup(_facts(lambda party: is_in(party, "households")))


def _reason(facts: Facts) -> str:
    parts = []
    if facts.contracts:
        percent = round(Fraction(100 * facts.delivered_wh, facts.promised_wh))
        parts.append(f"kept {percent} % of the {facts.promised_wh} Wh promised ahead")
    if facts.top_ups:
        parts.append(f"paid {facts.paid} of {facts.top_ups} requests by M-Pesa")
    if facts.ended:
        parts.append(f"cancelled {facts.cancelled} of {facts.ended} orders and auctions")
    if not parts:
        return "Nothing is known yet, and everybody starts at 80 %."
    sentence = ", ".join(parts)
    return f"In the last {MEMORY.days} days: {sentence}."
