"""What a household ever sold, bought, earned, spent and was paid out."""

from sqlalchemy import Connection, func, or_, select

from energy_swap_hub import ledger

from . import tables


def totals(connection: Connection, community_id: str, household_id: str) -> dict[str, int]:
    """Return what a household's meter counted and what it traded, in Wh and cents (fees included)."""
    row = tables.position.c
    exported, imported, generated, sold, bought, earned, spent = connection.execute(
        select(
            func.coalesce(func.sum(row.export_wh), 0),
            func.coalesce(func.sum(row.import_wh), 0),
            func.coalesce(func.sum(row.generation_wh), 0),
            func.coalesce(func.sum(row.sold_wh), 0),
            func.coalesce(func.sum(row.bought_wh), 0),
            func.coalesce(func.sum(row.earned_cents), 0),
            func.coalesce(func.sum(row.paid_cents), 0),
        ).where(row.community_id == community_id, row.household_id == household_id)
    ).one()
    trade = tables.trade.c
    query = select(trade.seller, trade.wh, trade.cents, trade.market, trade.reference).where(
        trade.community_id == community_id,
        trade.market != "period",
        or_(trade.seller == household_id, trade.buyer == household_id),
    )
    for seller, wh, cents, market, reference in connection.execute(query):
        if seller == household_id:
            sold, earned = sold + wh, earned + cents
        else:
            held = ledger.kes_held(household_id)
            bought, spent = bought + wh, spent - ledger.posted(connection, community_id, market, reference, held)
    return {
        "exported_wh": int(exported),
        "imported_wh": int(imported),
        "generated_wh": int(generated),
        "sold_wh": int(sold),
        "bought_wh": int(bought),
        "earned_cents": int(earned),
        "spent_cents": int(spent),
    }


def due_cents(connection: Connection, community_id: str, household_id: str) -> int:
    """Return what a household earned net of its purchases and was not paid out yet; may be negative."""
    total = totals(connection, community_id, household_id)
    paid_out = ledger.posted_by(connection, community_id, ledger.kes(household_id), ("payout", "payout_failed"))
    return total["earned_cents"] - total["spent_cents"] + paid_out
