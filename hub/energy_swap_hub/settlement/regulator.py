"""What a regulator wants to know of a month: energy, prices, money, members and what went wrong, without names."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger.tables import BURNED, FEES, GRID, MINTED, entry, posting
from energy_swap_hub.membership.households import households
from energy_swap_hub.membership.tables import household
from energy_swap_hub.mpesa.tables import PAID, payment_receipt, payout

from . import tables
from .invoice_rules import Month
from .settings import rules, settings_at


class Figure(NamedTuple):
    """One figure of a report: what it is called, and in which unit; a text has none."""

    name: str
    value: int | str
    unit: str


def report(connection: Connection, community: CommunityConfig, month: Month, now: datetime) -> list[Figure]:
    """Return the figures of a month, or of as much of it as there is."""
    until = min(month.ends, now)
    return [
        *_community(connection, community, month, until),
        *_members(connection, community.id, until),
        *_energy(connection, community.id, month),
        *_trades(connection, community.id, month),
        *_money(connection, community.id, month),
        *_faults(connection, community.id, month),
    ]


def _community(connection: Connection, community: CommunityConfig, month: Month, until: datetime) -> list[Figure]:
    valid = settings_at(connection, community, until)
    changed = [one for one in rules(connection, community).changes if month.begins <= one.valid_from < month.ends]
    return [
        Figure("community", community.name, ""),
        Figure("month", month.name, ""),
        Figure("legal_basis", valid.legal_basis, ""),
        Figure("legal_reference", valid.legal_reference, ""),
        Figure("settings_changed", len(changed), "count"),
    ]


def _members(connection: Connection, community_id: str, until: datetime) -> list[Figure]:
    members = [
        one
        for one in households(connection, community_id)
        if one.admitted_at is not None and one.admitted_at < until and one.status != "left"
    ]
    row = household.c
    waiting = select(func.count()).where(row.community_id == community_id, row.status == "applied")
    prosumers = sum(one.role == "prosumer" for one in members)
    return [
        Figure("members", len(members), "count"),
        Figure("prosumers", prosumers, "count"),
        Figure("consumers", len(members) - prosumers, "count"),
        Figure("applications_waiting", connection.execute(waiting).scalar_one(), "count"),
    ]


def _energy(connection: Connection, community_id: str, month: Month) -> list[Figure]:
    stand, late = tables.position.c, tables.true_up.c
    of = (stand.community_id == community_id, stand.start >= month.begins, stand.start < month.ends)
    sums = connection.execute(
        select(
            func.sum(stand.generation_wh),
            func.sum(stand.export_wh),
            func.sum(stand.import_wh),
            func.sum(stand.grid_wh).filter(stand.grid_wh > 0),
            func.sum(-stand.grid_wh).filter(stand.grid_wh < 0),
        ).where(*of)
    ).one()
    names = ("generated", "exported", "imported", "sold_to_the_utility", "taken_from_the_utility")
    late_wh = connection.execute(
        select(func.sum(late.export_wh + late.import_wh)).where(
            late.community_id == community_id, late.booked_at >= month.begins, late.booked_at < month.ends
        )
    ).scalar()
    return [
        *(Figure(f"energy_{name}", int(wh or 0), "Wh") for name, wh in zip(names, sums, strict=True)),
        Figure("energy_reported_late", int(late_wh or 0), "Wh"),
        Figure("tokens_minted", -_posted(connection, community_id, MINTED, month), "Wh"),
        Figure("tokens_burned", _posted(connection, community_id, BURNED, month), "Wh"),
    ]


def _trades(connection: Connection, community_id: str, month: Month) -> list[Figure]:
    row = tables.trade.c
    query = (
        select(row.market, func.count(), func.sum(row.wh), func.sum(row.cents))
        .where(row.community_id == community_id, row.at >= month.begins, row.at < month.ends)
        .group_by(row.market)
        .order_by(row.market)
    )
    figures = []
    for market, count, wh, cents in connection.execute(query):
        figures += [
            Figure(f"{market}_trades", count, "count"),
            Figure(f"{market}_energy", int(wh), "Wh"),
            Figure(f"{market}_value", int(cents), "cents"),
            Figure(f"{market}_mean_price", round(1000 * int(cents) / int(wh)), "cents/kWh"),
        ]
    return figures


def _money(connection: Connection, community_id: str, month: Month) -> list[Figure]:
    came, went = payment_receipt.c, payout.c
    paid_in = select(func.sum(came.kes)).where(
        came.community_id == community_id, came.recorded_at >= month.begins, came.recorded_at < month.ends
    )
    paid_out = select(func.sum(went.kes)).where(
        went.community_id == community_id,
        went.state == PAID,
        went.ended_at >= month.begins,
        went.ended_at < month.ends,
    )
    return [
        Figure("community_fees", _posted(connection, community_id, FEES, month), "cents"),
        Figure("grid_fees", _posted(connection, community_id, GRID, month), "cents"),
        Figure("paid_in_by_mpesa", int(connection.execute(paid_in).scalar() or 0) * 100, "cents"),
        Figure("paid_out_by_mpesa", int(connection.execute(paid_out).scalar() or 0) * 100, "cents"),
        Figure("owed_to_members", _owed(connection, community_id, month), "cents"),
    ]


def _faults(connection: Connection, community_id: str, month: Month) -> list[Figure]:
    row = tables.review.c
    of = (row.community_id == community_id, row.opened_at >= month.begins, row.opened_at < month.ends)
    opened = connection.execute(
        select(row.kind, func.count()).where(*of).group_by(row.kind).order_by(row.kind)
    ).all()
    return [Figure(f"reviews_{kind.replace(' ', '_')}", count, "count") for kind, count in opened]


def _posted(connection: Connection, community_id: str, account: str, month: Month) -> int:
    query = (
        select(func.sum(posting.c.amount))
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(
            posting.c.community_id == community_id,
            posting.c.account == account,
            entry.c.booked_at >= month.begins,
            entry.c.booked_at < month.ends,
        )
    )
    return int(connection.execute(query).scalar() or 0)


def _owed(connection: Connection, community_id: str, month: Month) -> int:
    total = 0
    for one in households(connection, community_id):
        wallet: dict[str, Any] = ledger.wallet_before(connection, community_id, one.id, month.ends)
        total += wallet["kes_cents"] + wallet["kes_held_cents"]
    return total
