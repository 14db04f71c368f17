"""What the console shows of households: a page of them in any order, or one; no rule lives here."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final, Literal, TypedDict, cast

from solders.pubkey import Pubkey
from sqlalchemy import Column, ColumnElement, Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.chain.approvals import signed_counts
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger.tables import account_balance
from energy_swap_hub.membership.phone import PhoneBook, mask
from energy_swap_hub.membership.tables import household
from energy_swap_hub.metering.tables import meter_state, quarantine
from energy_swap_hub.settlement.allowances import allowances
from energy_swap_hub.settlement.limits import NO_LIMITS, limits_of
from energy_swap_hub.settlement.reputation import Facts, facts_of, reputation
from energy_swap_hub.settlement.totals import household_total, totals_of
from energy_swap_hub.storage import is_among

from .household_lists import Order, Wanted, listed


class Wallet(TypedDict):
    """A household's free and held money (cents) and tokens (Wh)."""

    kes_cents: int
    kes_held_cents: int
    ekwh_wh: int
    ekwh_held_wh: int


class ReputationFacts(TypedDict):
    """What a reputation follows from, of the last 90 days."""

    contracts: int
    promised_wh: int
    delivered_wh: int
    top_ups: int
    paid: int
    ended: int
    cancelled: int


class _Totals(TypedDict):
    """What a household's meter counted (Wh) and what it traded (Wh and cents)."""

    exported_wh: int
    imported_wh: int
    generated_wh: int
    sold_wh: int
    bought_wh: int
    earned_cents: int
    spent_cents: int


class HouseholdRow(_Totals):
    """A household: its phone masked, ``address`` and ``account`` on the chain, ``reputation`` 0 to 10,000."""

    household: str
    name: str
    status: str
    role: Literal["prosumer", "consumer"]
    phone_masked: str
    address: str
    account: str
    meter: str
    rated_pv_w: int
    wallet: Wallet
    net_w: int | None
    last_reading_at: int | None
    quarantined: int
    allowance_wh: int
    sell_at_least: int | None
    buy_at_most: int | None
    signatures: int
    signatures_needed: int
    reputation: int
    reputation_reason: str
    reputation_facts: ReputationFacts


class Households(TypedDict):
    """A page of households; ``next`` is the ``before`` of what follows.

    ``total`` and ``counts`` (how many are in each standing, and ``all``) are told if asked for.
    """

    households: list[HouseholdRow]
    next: str | None
    total: int | None
    counts: dict[str, int] | None


def _kept(column: Column[int], *which: ColumnElement[bool]) -> ColumnElement[int]:
    """Return what is kept of a household elsewhere; 0 where nothing is."""
    return func.coalesce(select(column).where(*which).correlate(household).scalar_subquery(), 0)


def _traded(name: str) -> ColumnElement[int]:
    total, home = household_total.c, household.c
    return _kept(total[name], total.community_id == home.community_id, total.household_id == home.id)


_MONEY: Final = account_balance.c
ORDER: Final = Order(
    keys={
        "number": household.c.number,
        "name": func.lower(household.c.name),
        "wallet": _kept(
            _MONEY.balance,
            _MONEY.community_id == household.c.community_id,
            _MONEY.account == household.c.id.concat(ledger.kes("")),
        ),
        "earned": _traded("earned_cents"),
        "spent": _traded("spent_cents"),
        "sold": _traded("sold_wh"),
        "bought": _traded("bought_wh"),
        "reading": _kept(meter_state.c.measured_at, meter_state.c.meter == household.c.meter),
    },
    standings={
        status: household.c.status == status for status in ("applied", "admitted", "suspended", "leaving", "left")
    },
)


def households(
    connection: Connection,
    community: CommunityConfig,
    wanted: Wanted,
    phones: PhoneBook,
    account: Callable[[bytes], str],
    now: datetime,
) -> Households:
    """Return a page of the households with wallets, meters and trade totals; phones masked.

    ``account`` is the token account of a household's public key.
    """
    found = listed(connection, community.id, wanted, ORDER, phones)
    rows = _rows(connection, community, found.ids, phones, account, now)
    return {"households": rows, "next": found.following, "total": found.total, "counts": found.counts}


def one_household(
    connection: Connection,
    community: CommunityConfig,
    household_id: str,
    phones: PhoneBook,
    account: Callable[[bytes], str],
    now: datetime,
) -> HouseholdRow:
    """Return one household as `households` does; raises `LookupError` when there is none."""
    rows = _rows(connection, community, [household_id], phones, account, now)
    if not rows:
        raise LookupError(f"no household {household_id}")
    return rows[0]


def _rows(
    connection: Connection,
    community: CommunityConfig,
    ids: Sequence[str],
    phones: PhoneBook,
    account: Callable[[bytes], str],
    now: datetime,
) -> list[HouseholdRow]:
    if not ids:
        return []
    home, state, refused = household.c, meter_state.c, quarantine.c
    query = (
        select(household, state.net_w, state.measured_at)
        .join(meter_state, state.meter == home.meter, isouter=True)
        .where(home.community_id == community.id, is_among(connection, home.id, ids))
    )
    counted = (
        select(refused.household_id, func.count())
        .where(refused.community_id == community.id, is_among(connection, refused.household_id, ids))
        .group_by(refused.household_id)
    )
    quarantined = dict(connection.execute(counted).tuples().all())
    granted = allowances(connection, community.id, ids)
    facts = facts_of(connection, community.id, now, ids)
    wallets = ledger.wallets(connection, community.id, ids)
    traded = totals_of(connection, community.id, ids)
    limits = limits_of(connection, community.id, ids, now)
    signatures = signed_counts(connection, community.id, "admit")
    found: dict[str, HouseholdRow] = {}
    for row in connection.execute(query).mappings():
        home_id, key = row["id"], bytes(row["key"])
        standing = reputation(facts.get(home_id, Facts()))
        sell_at_least, buy_at_most = limits.get(home_id, NO_LIMITS)
        found[home_id] = {
            "household": home_id,
            "name": row["name"],
            "status": row["status"],
            "role": "prosumer" if row["rated_pv_w"] else "consumer",
            "phone_masked": mask(phones.open(bytes(row["phone_sealed"]))),
            "address": str(Pubkey.from_bytes(key)),
            "account": account(key),
            "meter": bytes(row["meter"]).hex(),
            "rated_pv_w": row["rated_pv_w"],
            "wallet": cast("Wallet", wallets[home_id]),
            "net_w": row["net_w"],
            "last_reading_at": row["measured_at"],
            "quarantined": quarantined.get(home_id, 0),
            **cast("_Totals", traded[home_id]),
            "allowance_wh": granted.get(home_id, 0),
            "sell_at_least": sell_at_least,
            "buy_at_most": buy_at_most,
            "signatures": signatures.get(home_id, 0),
            "signatures_needed": community.approvals_needed,
            "reputation": standing.basis_points,
            "reputation_reason": standing.reason,
            "reputation_facts": cast("ReputationFacts", asdict(standing.facts)),
        }
    return [found[one] for one in ids if one in found]
