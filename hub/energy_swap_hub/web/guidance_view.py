"""What price guidance and balancing advice people see: words and numbers from the community's booked periods."""

from datetime import datetime, timedelta
from typing import Any, Final

from energy_swap_protocol.period import PeriodCalendar
from sqlalchemy import Connection, bindparam, func, select

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.balancing import DAYS_NEEDED, Balancing, Carbon, Window, suggest
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.market.guidance import Balance, PastPeriod, Sentence, guide
from energy_swap_hub.market.outlook import look_ahead
from energy_swap_hub.membership.households import count_admitted
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.settings import Rules
from energy_swap_hub.settlement.words import EAST_AFRICA, kes
from energy_swap_hub.storage import Lookup, is_among

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
RECENT: Final = timedelta(hours=2)
"""A period that ended longer ago says nothing about what is offered and wanted now."""

ENGLISH: Final = {
    Sentence.TOO_LITTLE_DATA: "Too little has been traded to advise: {periods} of the {needed} periods with a "
    "price that are needed in a week.",
    Sentence.NO_ROOM: "With its fees, no price here is better than the main grid for both sides.",
    Sentence.NOTHING_RECENT: "What is offered and wanted now is not known; only the week's average is.",
    Sentence.ABOVE_WEEK: "Prices are {percent} % above the week's average.",
    Sentence.LIKE_WEEK: "Prices are like the week's average.",
    Sentence.BELOW_WEEK: "Prices are {percent} % below the week's average.",
}

_NEWEST: Final = Lookup(
    select(func.max(tables.period.c.start)).where(tables.period.c.community_id == bindparam("community_id"))
)

type _Past = list[tuple[datetime, PastPeriod]]


def advice(connection: Connection, through_time: Rules, now: datetime) -> dict[str, Any]:
    """Return ``guidance``, ``outlook`` and ``balancing`` advice (docs/api.md), from one look at the last week."""
    community, calendar = through_time.at(now), through_time.calendar
    past = _week(connection, community.id, now)
    balance = _balance(past, calendar, now)
    return {
        "guidance": _guidance(community, past, balance, now),
        "outlook": _outlook(community, past, balance, _density(connection, community, calendar, now), now),
        "balancing": _balancing(community, past, now),
    }


class RememberedAdvice:
    """`advice`, worked out anew only when it can have changed: a period was booked or has begun, or the tariff.

    It is the same for all households of a community, and each of their edges is told it at every change.
    """

    def __init__(self) -> None:
        self._last: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def __call__(self, connection: Connection, through_time: Rules, now: datetime) -> dict[str, Any]:
        """Return what `advice` returns."""
        community = through_time.at(now)
        newest = _NEWEST.scalar(connection, community_id=community.id)
        began = through_time.calendar.at(now).start
        key = (community.id, newest, began, tariff_at(community.tariffs, now))
        last = self._last  # one look: several readers may be here at once
        if last is None or last[0] != key:
            last = self._last = key, advice(connection, through_time, now)
        return last[1]


def _guidance(community: CommunityConfig, past: _Past, balance: Balance | None, now: datetime) -> dict[str, Any]:
    """Return the guidance in cents per kWh and whole percent.

    What is offered and wanted now is taken from the newest booked period, if it ended in the last two hours.
    """
    found = guide([period for _, period in past], balance, tariff_at(community.tariffs, now))
    return {
        "sentence": ENGLISH[found.sentence].format(**found.numbers),
        "key": found.sentence.value,
        "numbers": dict(found.numbers),
        "suggested_sell": found.suggested_sell,
        "suggested_buy": found.suggested_buy,
        "week_average": found.week_average,
        "now_against_week_percent": found.now_against_week_percent,
    }


def _outlook(
    community: CommunityConfig, past: _Past, balance: Balance | None, density: float, now: datetime
) -> dict[str, Any]:
    """Return what prices may do, in cents per kWh by local hour, and what share of the need there was."""
    local = [(start.astimezone(EAST_AFRICA), period) for start, period in past]
    found = look_ahead(local, balance, density, tariff_at(community.tariffs, now))
    sentences = []
    if found.worth_now is not None:
        sentences.append(f"A kWh that you save or give now is worth about {kes(found.worth_now)}.")
    if found.dearest_hour is not None and found.cheapest_hour is not None:
        dear, cheap = (
            f"about {hour:02}:00, at {kes(found.by_hour[hour])}"
            for hour in (found.dearest_hour, found.cheapest_hour)
        )
        sentences.append(f"On a usual day a kWh is dearest {dear}, and cheapest {cheap}.")
    if found.given_percent is not None:
        given = f"{found.given_percent / 100:.2f}"
        sentences.append(f"For each kWh that neighbours lacked in the last week, others had {given} kWh to give.")
    return {
        "worth_now": found.worth_now,
        "by_hour": list(found.by_hour),
        "dearest_hour": found.dearest_hour,
        "cheapest_hour": found.cheapest_hour,
        "given_percent": found.given_percent,
        "sentences": sentences,
    }


def _balance(past: _Past, calendar: PeriodCalendar, now: datetime) -> Balance | None:
    is_recent = bool(past) and now - calendar.starting(past[-1][0]).end <= RECENT
    return Balance(past[-1][1].supply_wh, past[-1][1].demand_wh) if is_recent else None


def _density(connection: Connection, community: CommunityConfig, calendar: PeriodCalendar, now: datetime) -> float:
    """Return the share of all pairs of members that traded in the periods of the last day."""
    row = tables.trade.c
    ids = [period.id for period in calendar.between(now - DAY, now)]
    query = (
        select(row.seller, row.buyer)
        .distinct()
        .where(row.community_id == community.id, is_among(connection, row.reference, ids), tables.NOT_SPOT)
    )
    pairs = {tuple(sorted(pair)) for pair in connection.execute(query).all()}
    members = count_admitted(connection, community.id)
    possible = members * (members - 1) // 2
    return min(len(pairs) / possible, 1.0) if possible else 0.0


def _balancing(community: CommunityConfig, past: _Past, now: datetime) -> dict[str, Any]:
    """Return when there is energy left and when some is lacking, in local hours and Wh of an average day."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    whole_hours = [(start.astimezone(EAST_AFRICA), period) for start, period in past if start < this_hour]
    carbon = Carbon(community.carbon_cents_per_kg, community.grid_grams_per_kwh)
    found = suggest(whole_hours, tariff_at(community.tariffs, now), carbon)
    return {
        "sentences": _sentences(found),
        "days": found.days,
        "needed": DAYS_NEEDED,
        "surplus": _window(found.surplus),
        "shortage": _window(found.shortage),
        "mix": dict(found.mix),
        "worth": found.worth_cents_per_kwh,
    }


def _sentences(found: Balancing) -> list[str]:
    if found.days < DAYS_NEEDED:
        return [f"Too little has been measured to advise: {found.days} of the {DAYS_NEEDED} days that are needed."]
    sentences = []
    if found.surplus is not None:
        sentences.append(
            f"{_between(found.surplus)} the neighbourhood has {_kwh(found.surplus.wh)} more than it needs on an "
            "average day: run pumps, laundry and charging then."
        )
    if found.shortage is not None:
        lacks = f"{_between(found.shortage)} it lacks {_kwh(found.shortage.wh)}: "
        worth = f"would be bought at about {kes(found.worth_cents_per_kwh or 0)} per kWh."
        if found.battery_wh:
            sentences.append(f"{lacks}a battery that gives {_kwh(found.battery_wh)}, or energy saved, {worth}")
        else:
            sentences.append(f"{lacks}energy that is saved {worth}")
    return sentences or ["What the neighbourhood gives and what it needs are about the same at all hours."]


def _week(connection: Connection, community_id: str, now: datetime) -> _Past:
    row = tables.period.c
    query = (
        select(row.start, row.cents_per_kwh, row.supply_wh, row.demand_wh, row.traded_wh)
        .where(row.community_id == community_id, row.start >= now - WEEK)
        .order_by(row.start)
    )
    return [(start, PastPeriod(*told)) for start, *told in connection.execute(query)]


def _window(found: Window | None) -> dict[str, int] | None:
    return None if found is None else {"from": found.from_hour, "until": found.until_hour, "wh": found.wh}


def _between(window: Window) -> str:
    return f"Between {window.from_hour:02}:00 and {window.until_hour:02}:00"


def _kwh(wh: int) -> str:
    return f"{wh / 1000:.1f} kWh"
