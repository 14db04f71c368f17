"""What price guidance a household sees, from the community's booked periods."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.market.guidance import Balance, PastPeriod, guide
from energy_swap_hub.settlement import tables

WEEK: Final = timedelta(days=7)
RECENT: Final = timedelta(hours=2)
"""A period that ended longer ago says nothing about what is offered and wanted now."""


def guidance(connection: Connection, community: CommunityConfig, now: datetime) -> dict[str, Any]:
    """Return suggested limits and how now compares with the week (docs/api.md), cents per kWh and whole percent.

    What is offered and wanted now is taken from the newest booked period, if it ended in the last two hours.
    """
    row = tables.period.c
    query = (
        select(row.start, row.cents_per_kwh, row.supply_wh, row.demand_wh, row.traded_wh)
        .where(row.community_id == community.id, row.start >= now - WEEK)
        .order_by(row.start)
    )
    booked = connection.execute(query).all()
    week = [PastPeriod(*found[1:]) for found in booked]
    is_recent = bool(booked) and now - (booked[-1].start + community.period_length) <= RECENT
    balance = Balance(week[-1].supply_wh, week[-1].demand_wh) if is_recent else None
    advice = guide(week, balance, tariff_at(community.tariffs, now))
    return {
        "suggested_sell": advice.suggested_sell,
        "suggested_buy": advice.suggested_buy,
        "week_average": advice.week_average,
        "now_against_week_percent": advice.now_against_week_percent,
        "sentence": {"key": advice.sentence.value, **advice.numbers},
    }
