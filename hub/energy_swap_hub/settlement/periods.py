"""Close periods in order: readings, positions, clearing, ledger and chain intents in one transaction each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from energy_swap_protocol.period import Period
from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, func, insert, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import BURNED, MINTED, Entry, Posting
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.membership.households import Household, households
from energy_swap_hub.metering.registers import register_epochs
from energy_swap_hub.storage import insert_rows

from . import tables, tokens, totals
from .allowances import use_allowances
from .clearing import Cleared, Outcome, clear
from .counts import counts, readings_are_in, silent_members
from .deliveries import settle_period_contracts
from .late import Count
from .netting import Position
from .notifications import Event, Notification, last_told, notify
from .partners import partners_at
from .settings import calendar_of, rules
from .settled import settle_until, settled_readings, start_at_admission
from .stands import take_stands
from .true_ups import book_true_ups


def next_period(connection: Connection, community: CommunityConfig) -> Period:
    """Return the first period that is not booked yet."""
    last = connection.execute(
        select(func.max(tables.period.c.start)).where(tables.period.c.community_id == community.id)
    ).scalar()
    calendar = calendar_of(connection, community)
    if last is None:
        return calendar.at(community.opened_at)
    return calendar.after(calendar.starting(last))


def check_length(connection: Connection, community: CommunityConfig) -> None:
    """Raise ValueError when the configured length is not that of the periods that are booked."""
    start, calendar = tables.period.c.start, calendar_of(connection, community)
    booked = select(start).where(tables.period.c.community_id == community.id).limit(2)
    # None is left out, so they follow one another. The first ones have the length that is configured.
    for order in (start, start.desc()):
        known = sorted(connection.execute(booked.order_by(order)).scalars())
        if len(known) == 2 and calendar.at(known[0]).end != known[1]:
            raise ValueError(
                f"period_minutes is {community.period_minutes}, but the periods of {community.name} are"
                f" {int((known[1] - known[0]).total_seconds()) // 60} minutes long: the configuration keeps the"
                " length the community began with; an admin changes it in the console, under Settings"
            )


def book_next_period(
    connection: Connection, community: CommunityConfig, now: datetime, up_since: datetime | None = None
) -> Period | None:
    """Book the next period when it is over and its readings are in (or the grace time is); None when not yet.

    A hub that was down gives its members the grace time from when it is up again (``up_since``): what they
    stored meanwhile is on its way, and nobody shall be late because the hub was.
    Clearing, ledger entries, trades, positions and chain intents are one transaction: all or nothing.
    """
    period = next_period(connection, community)
    if now < period.end:
        return None
    through_time = rules(connection, community)
    community, calendar = through_time.at(period.start), through_time.calendar
    grace_ends = max(period.end, up_since or period.end) + timedelta(minutes=community.grace_minutes)
    if now < grace_ends and not readings_are_in(connection, community.id, period.end):
        return None
    members = [
        h
        for h in households(connection, community.id, status="admitted")
        if h.admitted_at is not None and h.admitted_at < period.end
    ]
    epochs = register_epochs(connection, community.id)
    known = settled_readings(connection, community.id)
    known |= start_at_admission(connection, community.id, members, known, epochs, period.length)
    counted = counts(connection, community.id, {h.id: known[h.id] for h in members}, calendar, period, epochs)
    late_intents = book_true_ups(connection, community.id, calendar, period, members, counted, epochs, now)
    tariff = tariff_at(community.tariffs, period.start)
    positions = {name: count.position(name) for name, count in counted.items()}
    silent = silent_members(connection, community.id, period.end)
    shown = {h.id: None if h.id in silent else _deliverable_wh(h, positions[h.id], period) for h in members}
    contracts = settle_period_contracts(connection, community, period, shown, now)
    stands = take_stands(connection, community.id, members, positions, contracts, period=period, tariff=tariff)
    partners = partners_at(connection, community.id, period.end)
    cleared = clear(stands, period, tariff, stages=community.stages, partners=partners)
    _record(connection, community.id, period, cleared, now)
    settle_until(connection, community.id, {name: count.after for name, count in counted.items()})
    _post(connection, community.id, period, cleared, now)
    proofs = {name: epochs.evidence(name, count.before, count.after) for name, count in counted.items()}
    intents = [*late_intents, *_move_tokens(connection, community.id, period, cleared, proofs, now)]
    notify(
        connection,
        community.id,
        _told(period, cleared, _fell_silent(connection, community.id, counted, silent)),
        now,
    )
    connection.execute(
        insert(tables.period).values(
            community_id=community.id,
            start=period.start,
            state="booked" if intents else "settled",
            cents_per_kwh=cleared.cents_per_kwh,
            supply_wh=cleared.supply_wh,
            demand_wh=cleared.demand_wh,
            traded_wh=cleared.traded_wh,
            booked_at=now,
            settled_at=None if intents else now,
            intents=intents,
        )
    )
    return period


def _deliverable_wh(household: Household, position: Position, period: Period) -> int:
    """Return what a household has for its contracts; below zero: what it takes."""
    net_wh = position.net_export_wh - position.net_import_wh
    return min(net_wh, 0) if household.is_net_metered_at(period.start) else net_wh


def _record(connection: Connection, community_id: str, period: Period, cleared: Cleared, now: datetime) -> None:
    insert_rows(
        connection,
        tables.position,
        _POSITION,
        [(community_id, period.start, *_position_row(outcome)) for outcome in cleared.outcomes],
    )
    totals.add(connection, community_id, [_totalled(outcome) for outcome in cleared.outcomes])
    insert_rows(
        connection,
        tables.trade,
        ("community_id", "market", "reference", "seller", "buyer", "wh", "cents_per_kwh", "cents", "at"),
        [
            (
                community_id,
                market,
                period.id,
                priced.trade.seller,
                priced.trade.buyer,
                priced.trade.wh,
                priced.cents_per_kwh,
                cost_cents(priced.trade.wh, priced.cents_per_kwh),
                now,
            )
            for market, priced in cleared.trades
        ],
    )


def _position_row(outcome: Outcome) -> tuple[object, ...]:
    stand, p, line = outcome.stand, outcome.stand.position, outcome.line
    return (
        line.household,
        p.export_wh,
        p.import_wh,
        p.generation_wh,
        p.sequence_from,
        p.sequence_to,
        stand.order.side.value if stand.order else None,
        stand.order.wh if stand.order else 0,
        stand.order.limit if stand.order else None,
        stand.own_wh,
        line.sold_wh,
        line.bought_wh,
        line.earned_cents,
        line.paid_cents,
        outcome.grid_wh,
        outcome.grid_cents,
    )


def _totalled(outcome: Outcome) -> totals.Change:
    p, line = outcome.stand.position, outcome.line
    return totals.Change(
        line.household,
        p.export_wh,
        p.import_wh,
        p.generation_wh,
        line.sold_wh,
        line.bought_wh,
        line.earned_cents,
        line.paid_cents,
    )


def _post(
    connection: Connection,
    community_id: str,
    period: Period,
    cleared: Cleared,
    now: datetime,
) -> None:
    postings: list[Posting] = []
    for outcome in cleared.outcomes:
        line = outcome.line
        postings += [
            Posting(ledger.ekwh(line.household), outcome.received_wh - outcome.burned_wh),
            Posting(MINTED, -outcome.minted_wh),
            Posting(BURNED, outcome.burned_wh),
            Posting(ledger.kes(line.household), line.earned_cents - line.paid_cents),
        ]
    postings += [
        Posting(ledger.FEES, cleared.community_fee_cents),
        Posting(ledger.GRID, cleared.grid_fee_cents),
        Posting(ledger.ROUNDING, cleared.rounding_cents),
    ]
    ledger.post(connection, community_id, Entry("period", period.id, now, f"period {period.id}", postings))


def _fell_silent(
    connection: Connection, community_id: str, counted: Mapping[str, Count], silent: Collection[str]
) -> list[str]:
    """Return those of the ``silent`` meters of whom nobody was told since they were heard last."""
    was_told = last_told(connection, community_id, Event.METER_SILENT, silent) if silent else {}
    return sorted(
        name
        for name in silent
        if name in counted
        and (name not in was_told or was_told[name].timestamp() < counted[name].after.measured_at)
    )


def _told(period: Period, cleared: Cleared, fell_silent: Sequence[str]) -> Iterator[Notification]:
    for outcome in cleared.outcomes:
        if outcome.sold_wh or outcome.bought_wh:
            line = outcome.line
            traded: dict[str, object] = {
                "period": period.id,
                "sold_wh": outcome.sold_wh,
                "bought_wh": outcome.bought_wh,
                "earned_cents": line.earned_cents,
                "paid_cents": line.paid_cents,
            }
            yield Notification(line.household, Event.PERIOD_SETTLED, traded)
    for household_id in fell_silent:
        yield Notification(household_id, Event.METER_SILENT, {"period": period.id})


def _move_tokens(
    connection: Connection,
    community_id: str,
    period: Period,
    cleared: Cleared,
    proofs: Mapping[str, tuple[tuple[bytes, int], ...]],
    now: datetime,
) -> list[str]:
    mints, releases, burns = [], [], []
    for outcome in cleared.outcomes:
        household = outcome.stand.household
        if outcome.minted_wh:
            mints.append(tokens.Mint(household, outcome.minted_wh, proofs[household.id]))
        if outcome.received_wh:
            releases.append(tokens.Move(household, outcome.received_wh))
        if outcome.burned_wh:
            burns.append(tokens.Move(household, outcome.burned_wh))
    use_allowances(connection, community_id, {burn.household.id: burn.wh for burn in burns})
    return tokens.settle_period(connection, community_id, period, mints, releases, burns, now)


_POSITION: Final = (
    "community_id",
    "start",
    "household_id",
    "export_wh",
    "import_wh",
    "generation_wh",
    "sequence_from",
    "sequence_to",
    "side",
    "order_wh",
    "limit",
    "own_wh",
    "sold_wh",
    "bought_wh",
    "earned_cents",
    "paid_cents",
    "grid_wh",
    "grid_cents",
)
