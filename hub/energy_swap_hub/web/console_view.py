"""What the console shows, read from the hub's tables; no rule lives here."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from energy_swap_protocol.period import Period
from solders.pubkey import Pubkey
from sqlalchemy import Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.chain.tables import chain_approval
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import BURNED, MINTED, TRUST_CASH
from energy_swap_hub.ledger.tables import entry, posting
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.market.trade import Side
from energy_swap_hub.membership import households
from energy_swap_hub.membership import tables as members
from energy_swap_hub.membership.phone import PhoneBook, mask
from energy_swap_hub.metering.tables import meter_state, quarantine
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.allowances import allowance_wh
from energy_swap_hub.settlement.decisions import actions_of
from energy_swap_hub.settlement.periods import standing_order
from energy_swap_hub.settlement.reputation import Facts, facts_of, reputation
from energy_swap_hub.settlement.spot import book
from energy_swap_hub.settlement.totals import totals

NAIROBI: Final = ZoneInfo("Africa/Nairobi")


def overview(connection: Connection, community: CommunityConfig, now: datetime) -> dict[str, Any]:
    """Return who makes and who uses, the last clearing, today's totals and the ledger's health."""
    last = _last_period(connection, community.id)
    tariff = tariff_at(community.tariffs, now)
    return {
        "community": {
            "id": community.id,
            "name": community.name,
            "period_minutes": community.period_minutes,
            "legal_basis": community.legal_basis,
            "retail_tariff": tariff.retail_cents_per_kwh,
            "feed_in_tariff": tariff.feed_in_cents_per_kwh,
            "fees_cents_per_kwh": tariff.fees_cents_per_kwh,
        },
        "now": int(now.timestamp()),
        "households": _live_households(connection, community.id, None if last is None else last["start"]),
        "clearing": None if last is None else _period(last, community),
        "flows": [] if last is None else _flows(connection, community, last["start"]),
        "today": _today(connection, community.id, now),
        "ledger": ledger_health(ledger.balances(connection, community.id)),
        "reviews_open": connection.execute(
            select(func.count())
            .select_from(tables.review)
            .where(tables.review.c.community_id == community.id, tables.review.c.state == "open")
        ).scalar_one(),
    }


def ledger_health(balances: dict[str, int]) -> dict[str, Any]:
    """Return cash in trust, what is owed, tokens outstanding, and whether everything sums to zero."""
    sums = {"KES": 0, "eKWh": 0}
    for account, total in balances.items():
        sums[ledger.currency_of(account)] += total
    cash = -balances.get(TRUST_CASH, 0)
    return {
        "trust_cash_cents": cash,
        "owed_cents": sums["KES"] + cash,
        "ekwh_outstanding_wh": -balances.get(MINTED, 0) - balances.get(BURNED, 0),
        "is_balanced": not any(sums.values()),
    }


def household_rows(
    connection: Connection,
    community: CommunityConfig,
    phones: PhoneBook,
    accounts: dict[bytes, str],
    now: datetime,
) -> list[dict[str, Any]]:
    """Return all households with wallets, meters and trade totals; phones masked."""
    rows = []
    facts = facts_of(connection, community.id, now)
    for member in households.households(connection, community.id):
        standing = reputation(facts.get(member.id, Facts()))
        sell_at_least, buy_at_most = standing_order(connection, community.id, member.id, now)
        meter = connection.execute(
            select(meter_state.c.net_w, meter_state.c.measured_at).where(meter_state.c.meter == member.meter)
        ).first()
        quarantined = connection.execute(
            select(func.count())
            .select_from(quarantine)
            .where(quarantine.c.community_id == community.id, quarantine.c.household_id == member.id)
        ).scalar_one()
        signatures = connection.execute(
            select(func.count(chain_approval.c.approver.distinct())).where(
                chain_approval.c.community_id == community.id, chain_approval.c.household_id == member.id
            )
        ).scalar_one()
        phone = phones.open(households.sealed_phone(connection, community.id, member.id))
        rows.append(
            {
                "household": member.id,
                "name": member.name,
                "status": member.status,
                "role": "prosumer" if member.rated_pv_w else "consumer",
                "phone_masked": mask(phone),
                "address": str(Pubkey.from_bytes(member.key)),
                "account": accounts[member.key],
                "meter": member.meter.hex(),
                "rated_pv_w": member.rated_pv_w,
                "wallet": ledger.wallet(connection, community.id, member.id),
                "net_w": None if meter is None else meter[0],
                "last_reading_at": None if meter is None else meter[1],
                "quarantined": quarantined,
                **totals(connection, community.id, member.id),
                "allowance_wh": allowance_wh(connection, community.id, member.id),
                "sell_at_least": sell_at_least,
                "buy_at_most": buy_at_most,
                "signatures": signatures,
                "signatures_needed": community.approvals_needed,
                "reputation": standing.basis_points,
                "reputation_reason": standing.reason,
                "reputation_facts": asdict(standing.facts),
            }
        )
    return rows


def period_rows(connection: Connection, community: CommunityConfig, limit: int) -> list[dict[str, Any]]:
    """Return the last periods, newest first."""
    row = tables.period.c
    query = select(tables.period).where(row.community_id == community.id).order_by(row.start.desc()).limit(limit)
    return [_period(dict(found), community) for found in connection.execute(query).mappings()]


def period_detail(connection: Connection, community: CommunityConfig, period_id: str) -> dict[str, Any]:
    """Return one period with its orders and trades; raises `LookupError` when it is not booked."""
    try:
        start = datetime.strptime(period_id, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        raise LookupError(f"{period_id} names no period; write it like 2026-11-20T11:30Z") from None
    row = tables.period.c
    found = (
        connection.execute(select(tables.period).where(row.community_id == community.id, row.start == start))
        .mappings()
        .first()
    )
    if found is None:
        raise LookupError(f"period {period_id} is not booked")
    stand = tables.position.c
    orders = connection.execute(
        select(stand.household_id.label("household"), stand.side, stand.order_wh.label("wh"), stand.limit)
        .where(stand.community_id == community.id, stand.start == start, stand.side.is_not(None))
        .order_by(stand.household_id)
    ).mappings()
    return {
        **_period(dict(found), community),
        "orders": [dict(order) for order in orders],
        "trades": _flows(connection, community, start),
    }


def trade_rows(
    connection: Connection, community_id: str, *, limit: int, before: int | None
) -> list[dict[str, Any]]:
    """Return trades of all markets, newest first, those with an id below ``before``."""
    row = tables.trade.c
    query = select(tables.trade).where(row.community_id == community_id).order_by(row.id.desc()).limit(limit)
    if before is not None:
        query = query.where(row.id < before)
    return [
        {**{k: v for k, v in found.items() if k not in {"at", "community_id"}}, "at": int(found["at"].timestamp())}
        for found in connection.execute(query).mappings()
    ]


def market(connection: Connection, community_id: str) -> dict[str, Any]:
    """Return the open book and all auctions."""
    open_book = book(connection, community_id)
    sides = {
        side.value: [
            {"cents_per_kwh": o.limit, "wh": o.wh, "household": o.household} for o in open_book.resting(side)
        ]
        for side in Side
    }
    row = tables.auction.c
    query = select(tables.auction).where(row.community_id == community_id).order_by(row.ends_at.desc()).limit(50)
    auctions = [
        {
            "id": found["id"],
            "seller": found["seller"],
            "wh": found["wh"],
            "start_price": found["start_price"],
            "best_bid": found["best_bid"],
            "leader": found["leader"],
            "ends_at": int(found["ends_at"].timestamp()),
            "state": found["status"],
        }
        for found in connection.execute(query).mappings()
    ]
    return {"book": sides, "auctions": auctions}


def entry_rows(
    connection: Connection, community_id: str, *, limit: int, before: int | None
) -> list[dict[str, Any]]:
    """Return ledger entries with their postings, newest first."""
    query = select(entry).where(entry.c.community_id == community_id).order_by(entry.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(entry.c.id < before)
    found = list(connection.execute(query).mappings())
    legs: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in found}
    for leg in connection.execute(
        select(posting.c.entry_id, posting.c.account, posting.c.amount)
        .where(posting.c.entry_id.in_(legs))
        .order_by(posting.c.entry_id, posting.c.leg)
    ):
        legs[leg[0]].append({"account": leg[1], "currency": ledger.currency_of(leg[1]), "amount": leg[2]})
    return [
        {
            "id": row["id"],
            "at": int(row["at"].timestamp()),
            "source": row["source"],
            "external_id": row["external_id"],
            "text": row["text"],
            "booked_at": int(row["booked_at"].timestamp()),
            "corrects": row["corrects_entry_id"],
            "postings": legs[row["id"]],
        }
        for row in found
    ]


def trial_balance(connection: Connection, community_id: str) -> dict[str, Any]:
    """Return every account with its balance, summed from the postings and compared with what is kept."""
    proven = ledger.trial_balance(connection, community_id)
    kept = {account: total for account, total in ledger.balances(connection, community_id).items() if total}
    accounts = [
        {"account": account, "currency": ledger.currency_of(account), "balance": total}
        for account, total in proven.items()
    ]
    is_proven = kept == {account: total for account, total in proven.items() if total}
    return {"accounts": accounts, "is_balanced": is_proven and ledger_health(proven)["is_balanced"]}


def review_rows(connection: Connection, community_id: str) -> list[dict[str, Any]]:
    """Return the review queue, open ones first."""
    row = tables.review.c
    query = (
        select(tables.review).where(row.community_id == community_id).order_by(row.state, row.id.desc()).limit(500)
    )
    return [
        {
            "id": found["id"],
            "kind": found["kind"],
            "subject": found["subject"],
            "evidence": found["evidence"],
            "opened_at": int(found["opened_at"].timestamp()),
            "state": found["state"],
            "resolution": found["resolution"],
            "actions": actions_of(connection, community_id, found["kind"], found["subject"])
            if found["state"] == "open"
            else [],
        }
        for found in connection.execute(query).mappings()
    ]


def _last_period(connection: Connection, community_id: str) -> dict[str, Any] | None:
    row = tables.period.c
    query = select(tables.period).where(row.community_id == community_id).order_by(row.start.desc()).limit(1)
    found = connection.execute(query).mappings().first()
    return None if found is None else dict(found)


def _period(row: dict[str, Any], community: CommunityConfig) -> dict[str, Any]:
    return {
        "period": Period(row["start"], community.period_length).id,
        "state": row["state"],
        "cents_per_kwh": row["cents_per_kwh"],
        "supply_wh": row["supply_wh"],
        "demand_wh": row["demand_wh"],
        "traded_wh": row["traded_wh"],
        "settled_at": None if row["settled_at"] is None else int(row["settled_at"].timestamp()),
    }


def _flows(connection: Connection, community: CommunityConfig, start: datetime) -> list[dict[str, Any]]:
    row = tables.trade.c
    query = select(row.seller, row.buyer, row.wh, row.cents).where(
        row.community_id == community.id,
        row.market == "period",
        row.reference == Period(start, community.period_length).id,
    )
    return [dict(found) for found in connection.execute(query.order_by(row.id)).mappings()]


def _live_households(
    connection: Connection, community_id: str, last_start: datetime | None
) -> list[dict[str, Any]]:
    stand = tables.position.c
    net = {
        household_id: import_wh - export_wh
        for household_id, import_wh, export_wh in connection.execute(
            select(stand.household_id, stand.import_wh, stand.export_wh).where(
                stand.community_id == community_id, stand.start == last_start
            )
        )
    }
    member = members.household.c
    query = (
        select(
            member.id,
            member.name,
            member.status,
            member.rated_pv_w,
            meter_state.c.net_w,
            meter_state.c.generation_w,
            meter_state.c.measured_at,
        )
        .join(meter_state, meter_state.c.meter == member.meter, isouter=True)
        .where(member.community_id == community_id)
        .order_by(member.number)
    )
    return [
        {
            "household": row[0],
            "name": row[1],
            "status": row[2],
            "rated_pv_w": row[3],
            "net_w": row[4],
            "generation_w": row[5],
            "at": row[6],
            "last_net_wh": net.get(row[0]),
        }
        for row in connection.execute(query)
    ]


def _today(connection: Connection, community_id: str, now: datetime) -> dict[str, int]:
    midnight = now.astimezone(NAIROBI).replace(hour=0, minute=0, second=0, microsecond=0)
    stand = tables.position.c
    generated, used = connection.execute(
        select(
            func.coalesce(func.sum(stand.generation_wh), 0),
            func.coalesce(func.sum(stand.generation_wh + stand.import_wh - stand.export_wh), 0),
        ).where(stand.community_id == community_id, stand.start >= midnight)
    ).one()
    trade = tables.trade.c
    traded, turnover = connection.execute(
        select(func.coalesce(func.sum(trade.wh), 0), func.coalesce(func.sum(trade.cents), 0)).where(
            trade.community_id == community_id, trade.at >= midnight, trade.at < midnight + timedelta(days=1)
        )
    ).one()

    def posted_today(account: str, *, positive: bool) -> int:
        sign = posting.c.amount > 0 if positive else posting.c.amount < 0
        query = (
            select(func.coalesce(func.sum(posting.c.amount), 0))
            .join(entry, entry.c.id == posting.c.entry_id)
            .where(
                posting.c.community_id == community_id, posting.c.account == account, sign, entry.c.at >= midnight
            )
        )
        return abs(int(connection.execute(query).scalar_one()))

    return {
        "generated_wh": int(generated),
        "consumed_wh": int(used),
        "traded_wh": int(traded),
        "turnover_cents": int(turnover),
        "minted_wh": posted_today(MINTED, positive=False),
        "burned_wh": posted_today(BURNED, positive=True),
        "paid_in_cents": posted_today(TRUST_CASH, positive=False),
        "paid_out_cents": posted_today(TRUST_CASH, positive=True),
    }
