"""The community's fund: a share of its fees comes in, and rewards for energy that the grid needed go out."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Table, Text, func, insert, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig, RewardPolicy
from energy_swap_hub.ledger import FEES, FUND, Entry, Posting
from energy_swap_hub.ledger.tables import entry, posting
from energy_swap_hub.market.rewards import MeasuredPeriod, Reward, rewards
from energy_swap_hub.membership.households import households
from energy_swap_hub.storage import metadata

from .notifications import Event, Notification, notify
from .periods import next_period
from .tables import position
from .words import EAST_AFRICA

FEE_SOURCES: Final = ("period", "spot", "auction", "ahead")
"""The entries that bring fees; what a person corrected is no income of the fund."""

grid_reward = Table(  # what each household gave on a day, what that earned, and what the fund could pay of it
    "grid_reward",
    metadata,
    Column("community_id", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("household_id", Text, primary_key=True),
    Column("export_wh", BigInteger, nullable=False),
    Column("earned_cents", BigInteger, nullable=False),
    Column("paid_cents", BigInteger, nullable=False),
)


def is_over(connection: Connection, community: CommunityConfig, day: date) -> bool:
    """Whether all periods of the local ``day`` are booked and its books are closed."""
    _, end = _bounds(day)
    closed_until = ledger.open_since(connection, community.id)
    return next_period(connection, community).start >= end and closed_until is not None and closed_until >= end


def fund_day(connection: Connection, community: CommunityConfig, day: date, now: datetime) -> bool:
    """Move the fund's share of the fees that were booked on a closed ``day``; return False if that was done.

    Half a cent goes to the even cent. Never more than the community's fees hold, should they have been spent.
    Without a policy nothing moves. Raise ValueError for a day that `is_over` does not call over.
    """
    if community.rewards is None:
        return False
    _check_over(connection, community, day)
    earned = max(_fees_of(connection, community.id, *_bounds(day)), 0)
    held = max(ledger.balance(connection, community.id, FEES), 0)
    cents = min(round(Fraction(earned * community.rewards.fund_percent, 100)), held)
    moved = (Posting(FEES, -cents), Posting(FUND, cents))
    return ledger.post(connection, community.id, Entry("fund", day.isoformat(), now, f"fund of {day}", moved))


def pay_rewards(connection: Connection, community: CommunityConfig, day: date, now: datetime) -> bool:
    """Pay the rewards of a ``day`` that is over out of the fund, one entry for all; False if that was done.

    Without a policy nothing moves. Raise ValueError for a day that `is_over` does not call over.
    """
    if community.rewards is None:
        return False
    _check_over(connection, community, day)
    fund = max(ledger.balance(connection, community.id, FUND), 0)
    found = rewards(measured_periods(connection, community, community.rewards, day), fund, lot=day.isoformat())
    paid = [Posting(ledger.kes(reward.household), reward.paid_cents) for reward in found]
    postings = [Posting(FUND, -sum(reward.paid_cents for reward in found)), *paid]
    booked = Entry("reward", day.isoformat(), now, f"grid rewards of {day}", postings)
    if not ledger.post(connection, community.id, booked):
        return False
    if found:
        connection.execute(insert(grid_reward), [_row(community.id, day, reward) for reward in found])
        told = [
            Notification(reward.household, Event.REWARDED, {"day": day.isoformat(), "cents": reward.paid_cents})
            for reward in found
            if reward.paid_cents
        ]
        notify(connection, community.id, told, now)
    return True


def measured_periods(
    connection: Connection, community: CommunityConfig, policy: RewardPolicy, day: date
) -> list[MeasuredPeriod]:
    """Return what the meters showed in each period of the local ``day`` in which anybody gave energy.

    Late energy is in no position (see `late`), so that holding readings back until the evening does not pay. What
    net-metered households export is credited by the utility, and by nobody else.
    """
    start, end = _bounds(day)
    stand = position.c
    of_day = (stand.community_id == community.id, stand.start >= start, stand.start < end)
    net_wh = stand.export_wh - stand.import_wh
    taken = select(stand.start, -func.sum(net_wh)).where(*of_day, net_wh < 0).group_by(stand.start)
    demand = {at: int(wh) for at, wh in connection.execute(taken)}
    net_metered = {one.id: one for one in households(connection, community.id) if one.net_metered_from is not None}
    exports: defaultdict[datetime, dict[str, int]] = defaultdict(dict)
    for at, household_id, wh in connection.execute(
        select(stand.start, stand.household_id, net_wh).where(*of_day, net_wh > 0)
    ):
        if household_id not in net_metered or not net_metered[household_id].is_net_metered_at(at):
            exports[at][household_id] = wh
    return [
        MeasuredPeriod(_cents_per_kwh(policy, at), given, demand.get(at, 0))
        for at, given in sorted(exports.items())
    ]


def rewards_of(
    connection: Connection, community_id: str, household_id: str, days: Iterable[str]
) -> dict[str, Reward]:
    """Return the rewards of one household on these ``days`` (like 2026-11-20), by day."""
    row = grid_reward.c
    query = select(row.day, row.household_id, row.export_wh, row.earned_cents, row.paid_cents).where(
        row.community_id == community_id, row.household_id == household_id, row.day.in_(list(days))
    )
    return {day: Reward(*found) for day, *found in connection.execute(query)}


def last_rewards(connection: Connection, community_id: str, *, newest: int) -> list[dict[str, Any]]:
    """Return the newest days with rewards: ``day``, ``households``, what they gave, earned and were paid."""
    row = grid_reward.c
    query = (
        select(
            row.day,
            func.count().label("households"),
            func.sum(row.export_wh).label("export_wh"),
            func.sum(row.earned_cents).label("earned_cents"),
            func.sum(row.paid_cents).label("paid_cents"),
        )
        .where(row.community_id == community_id)
        .group_by(row.day)
        .order_by(row.day.desc())
        .limit(newest)
    )
    return [
        {"day": found["day"], **{name: int(found[name]) for name in found if name != "day"}}
        for found in connection.execute(query).mappings()
    ]


def _bounds(day: date) -> tuple[datetime, datetime]:
    following = day + timedelta(days=1)
    start, end = (datetime(at.year, at.month, at.day, tzinfo=EAST_AFRICA) for at in (day, following))
    return start, end


def _check_over(connection: Connection, community: CommunityConfig, day: date) -> None:
    if not is_over(connection, community, day):
        raise ValueError(f"{day} is not over: its last period is not booked or its books are not closed yet")


def _fees_of(connection: Connection, community_id: str, start: datetime, end: datetime) -> int:
    query = (
        select(func.coalesce(func.sum(posting.c.amount), 0))
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(
            entry.c.community_id == community_id,
            entry.c.booked_at >= start,
            entry.c.booked_at < end,
            entry.c.source.in_(FEE_SOURCES),
            posting.c.account == FEES,
        )
    )
    return int(connection.execute(query).scalar_one())


def _cents_per_kwh(policy: RewardPolicy, at: datetime) -> float:
    hour = at.astimezone(EAST_AFRICA).hour
    is_peak = policy.peak_from <= hour < policy.peak_until
    return policy.cents_per_kwh * (policy.premium_percent / 100 if is_peak else 1)


def _row(community_id: str, day: date, reward: Reward) -> dict[str, Any]:
    return {
        "community_id": community_id,
        "day": day.isoformat(),
        "household_id": reward.household,
        "export_wh": reward.export_wh,
        "earned_cents": reward.earned_cents,
        "paid_cents": reward.paid_cents,
    }
