"""What the console shows of the community, its households and the review queue; no rule lives here."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import BURNED, MINTED, TRUST_CASH
from energy_swap_hub.ledger.tables import entry, posting
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.membership import tables as members
from energy_swap_hub.metering.tables import meter_state
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.decisions import actions_of
from energy_swap_hub.settlement.payment_cases import payment_facts
from energy_swap_hub.settlement.settings import rules
from energy_swap_hub.settlement.words import EAST_AFRICA

from .answers import ReviewRow
from .ledger_view import ledger_health
from .market_view import flows, last_period, period_row

_BEGINNING: Final = datetime.fromtimestamp(0, UTC)


def overview(connection: Connection, community: CommunityConfig, now: datetime) -> dict[str, Any]:
    """Return who makes and who uses, the last clearing, today's totals and the ledger's health."""
    last = last_period(connection, community.id)
    through_time = rules(connection, community)
    community, calendar = through_time.at(now), through_time.calendar
    tariff = tariff_at(community.tariffs, now)
    return {
        "community": {
            "id": community.id,
            "name": community.name,
            "period_minutes": calendar.at(now).minutes,
            "period_lengths": [
                {"from": int(since.timestamp()), "minutes": int(length.total_seconds()) // 60}
                for since, length in ((_BEGINNING, calendar.first), *calendar.changes)
            ],
            "legal_basis": community.legal_basis,
            "legal_reference": community.legal_reference,
            "retail_tariff": tariff.retail_cents_per_kwh,
            "feed_in_tariff": tariff.feed_in_cents_per_kwh,
            "fees_cents_per_kwh": tariff.fees_cents_per_kwh,
        },
        "now": int(now.timestamp()),
        "households": _live_households(connection, community.id, None if last is None else last["start"]),
        "clearing": None if last is None else period_row(last, calendar),
        "flows": [] if last is None else flows(connection, community, last["start"]),
        "today": _today(connection, community.id, now),
        "ledger": ledger_health(ledger.balances(connection, community.id)),
        "reviews_open": connection.execute(
            select(func.count())
            .select_from(tables.review)
            .where(tables.review.c.community_id == community.id, tables.review.c.state == "open")
        ).scalar_one(),
    }


def review_rows(connection: Connection, community_id: str) -> list[ReviewRow]:
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
            "evidence": found["evidence"]
            | (payment_facts(connection, community_id, found["subject"]) if found["state"] == "open" else {}),
            "opened_at": int(found["opened_at"].timestamp()),
            "state": found["state"],
            "resolution": found["resolution"],
            "actions": list(actions_of(connection, community_id, found["kind"], found["subject"]))
            if found["state"] == "open"
            else [],
        }
        for found in connection.execute(query).mappings()
    ]


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
    midnight = now.astimezone(EAST_AFRICA).replace(hour=0, minute=0, second=0, microsecond=0)
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

    # Nothing is booked before it happens. All of today's postings are of this entry or a later one: so their index
    # by account is read from there on, and not from the first day.
    booked = select(func.min(entry.c.id)).where(
        entry.c.community_id == community_id, entry.c.booked_at >= midnight
    )
    first = connection.execute(booked).scalar()

    def posted_today(account: str, *, positive: bool) -> int:
        if first is None:
            return 0
        sign = posting.c.amount > 0 if positive else posting.c.amount < 0
        query = (
            select(func.coalesce(func.sum(posting.c.amount), 0))
            .join(entry, entry.c.id == posting.c.entry_id)
            .where(
                posting.c.community_id == community_id,
                posting.c.account == account,
                posting.c.entry_id >= first,
                sign,
                entry.c.at >= midnight,
                entry.c.booked_at >= midnight,
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
