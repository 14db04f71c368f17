"""Close periods in order: readings, positions, clearing, ledger and chain intents in one transaction each."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from energy_swap_protocol.period import Period, period_at
from energy_swap_protocol.reading import Reading
from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, func, insert, select, update

from energy_swap_hub import ledger, metering
from energy_swap_hub.chain.intent import State, find
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import BURNED, MINTED, Entry, Posting
from energy_swap_hub.market.delivery import AheadLine
from energy_swap_hub.market.fees import Tariff, tariff_at
from energy_swap_hub.market.period import PeriodOrder, Side
from energy_swap_hub.membership.households import Household, households

from . import tables, tokens, totals
from .allowances import allowance_wh, open_allowance, use_allowance
from .clearing import Cleared, Outcome, Stand, clear, without_contracts
from .deliveries import settle_period_contracts
from .netting import Means, Position, position_between, split_import
from .partners import partners_at


def next_period(connection: Connection, community: CommunityConfig) -> Period:
    """Return the first period that is not booked yet."""
    last = connection.execute(
        select(func.max(tables.period.c.start)).where(tables.period.c.community_id == community.id)
    ).scalar()
    if last is None:
        return period_at(community.opened_at, community.period_length)
    return Period(last, community.period_length).next


def book_next_period(connection: Connection, community: CommunityConfig, now: datetime) -> Period | None:
    """Book the next period when it is over and its readings are in (or the grace time is); None when not yet.

    Clearing, ledger entry, trades, positions and chain intents are one transaction: all or nothing.
    """
    period = next_period(connection, community)
    if now < period.end:
        return None
    members = [
        h
        for h in households(connection, community.id, status="admitted")
        if h.admitted_at is not None and h.admitted_at < period.end
    ]
    if now < period.end + timedelta(minutes=community.grace_minutes) and not all(
        _has_reading_after(connection, h.meter, period.end) for h in members
    ):
        return None
    tariff = tariff_at(community.tariffs, period.start)
    positions = {h.id: _position(connection, community.id, period, h) for h in members}
    shown = {h.id: _shown(connection, period, h, positions[h.id]) for h in members}
    ahead = settle_period_contracts(connection, community, period, shown, now)
    stands = [
        _stand(connection, community.id, period, h, positions[h.id], ahead.get(h.id), tariff) for h in members
    ]
    partners = partners_at(connection, community.id, period.end)
    cleared = clear(stands, period, tariff, stages=community.stages, partners=partners)
    _record(connection, community.id, period, cleared, now)
    _post(connection, community.id, period, cleared, now)
    intents = _move_tokens(connection, community.id, period, cleared.outcomes, now)
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


def start_registers(connection: Connection, community_id: str, household: Household) -> None:
    """Remember from which registers a newly admitted household is settled: what flowed before is its own."""
    last = metering.latest(connection, household.meter)
    assert last is not None, "a household is admitted with the reading of its application"
    connection.execute(
        insert(tables.settled_register).values(
            community_id=community_id,
            household_id=household.id,
            sequence=last.sequence,
            export_wh=last.export_wh,
            import_wh=last.import_wh,
            generation_wh=last.generation_wh,
        )
    )
    open_allowance(connection, community_id, household.id)


def intent_final(
    connection: Connection, community_id: str, start: datetime, intent_id: str, now: datetime
) -> None:
    """Tick off a confirmed intent of a period; with the last one the period is settled."""
    if not replace_intent(connection, community_id, start, intent_id, ()):
        _change_period(connection, community_id, start, state="settled", settled_at=now)


def replace_intent(
    connection: Connection, community_id: str, start: datetime, intent_id: str, others: Sequence[str]
) -> list[str]:
    """Let a period wait for ``others`` in place of ``intent_id``; return all that it waits for now."""
    row = tables.period.c
    query = select(row.intents).where(row.community_id == community_id, row.start == start)
    left = [i for i in connection.execute(query).scalar_one() if i != intent_id] + list(others)
    _change_period(connection, community_id, start, intents=left)
    return left


def await_again(connection: Connection, community_id: str, start: datetime, failed_id: str, again_id: str) -> None:
    """Let a period in review wait for ``again_id``; it stays in review while another of its intents has failed."""
    left = replace_intent(connection, community_id, start, failed_id, (again_id,))
    waiting = [find(connection, community_id, intent_id) for intent_id in left]
    if all(intent is None or intent.state is not State.FAILED for intent in waiting):
        _change_period(connection, community_id, start, state="booked")


def put_in_review(connection: Connection, community_id: str, start: datetime) -> None:
    """A person has to decide about this period."""
    _change_period(connection, community_id, start, state="review")


def _change_period(connection: Connection, community_id: str, start: datetime, **values: object) -> None:
    row = tables.period
    connection.execute(
        update(row).where(row.c.community_id == community_id, row.c.start == start).values(**values)
    )


def standing_order(
    connection: Connection, community_id: str, household_id: str, at: datetime
) -> tuple[int | None, int | None]:
    """Return (sell at least, buy at most) in cents per kWh as they stood at ``at``; None: does not take part."""
    row = tables.standing_order.c
    query = (
        select(row.sell_at_least, row.buy_at_most)
        .where(row.community_id == community_id, row.household_id == household_id, row.valid_from <= at)
        .order_by(row.valid_from.desc(), row.id.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return (None, None) if found is None else (found[0], found[1])


def _has_reading_after(connection: Connection, meter: bytes, time: datetime) -> bool:
    last = metering.latest(connection, meter)
    return last is not None and last.measured_at >= int(time.timestamp())


def _settled(connection: Connection, community_id: str, household: Household) -> Reading:
    row = tables.settled_register.c
    query = select(row.sequence, row.export_wh, row.import_wh, row.generation_wh).where(
        row.community_id == community_id, row.household_id == household.id
    )
    sequence, export_wh, import_wh, generation_wh = connection.execute(query).one()
    return Reading(household.meter, sequence, 0, export_wh, import_wh, generation_wh)


def _position(connection: Connection, community_id: str, period: Period, household: Household) -> Position:
    end = metering.registers_at(connection, household.meter, period.end)
    return position_between(household.id, _settled(connection, community_id, household), end)


def _shown(connection: Connection, period: Period, household: Household, position: Position) -> int | None:
    """Return what a meter shows for contracts: its net export, or None while it is silent."""
    if not _has_reading_after(connection, household.meter, period.end):
        return None
    return position.net_export_wh - position.net_import_wh


def _stand(
    connection: Connection,
    community_id: str,
    period: Period,
    household: Household,
    position: Position,
    ahead: AheadLine | None,
    tariff: Tariff,
) -> Stand:
    left = without_contracts(position, ahead)
    sell_at_least, buy_at_most = standing_order(connection, community_id, household.id, period.end)
    wallet = ledger.wallet(connection, community_id, household.id)
    allowance = allowance_wh(connection, community_id, household.id) - (ahead.bought_wh if ahead else 0)
    means = Means(wallet["kes_cents"], wallet["ekwh_wh"], allowance)
    all_in = None if buy_at_most is None else buy_at_most + tariff.fees_cents_per_kwh
    own_wh, wanted_wh = split_import(left, means, all_in)
    order = None
    if left.net_export_wh and sell_at_least is not None:
        order = PeriodOrder(household.id, Side.SELL, left.net_export_wh, sell_at_least)
    elif wanted_wh and buy_at_most is not None:
        order = PeriodOrder(household.id, Side.BUY, wanted_wh, buy_at_most)
    return Stand(household, position, order, own_wh, ahead)


def _record(
    connection: Connection,
    community_id: str,
    period: Period,
    cleared: Cleared,
    now: datetime,
) -> None:
    for outcome in cleared.outcomes:
        stand, p, line = outcome.stand, outcome.stand.position, outcome.line
        connection.execute(
            insert(tables.position).values(
                community_id=community_id,
                start=period.start,
                household_id=line.household,
                export_wh=p.export_wh,
                import_wh=p.import_wh,
                generation_wh=p.generation_wh,
                sequence_from=p.sequence_from,
                sequence_to=p.sequence_to,
                side=stand.order.side.value if stand.order else None,
                order_wh=stand.order.wh if stand.order else 0,
                limit=stand.order.limit if stand.order else None,
                own_wh=stand.own_wh,
                sold_wh=line.sold_wh,
                bought_wh=line.bought_wh,
                earned_cents=line.earned_cents,
                paid_cents=line.paid_cents,
                grid_wh=outcome.grid_wh,
                grid_cents=outcome.grid_cents,
            )
        )
        row = tables.settled_register
        connection.execute(
            update(row)
            .where(row.c.community_id == community_id, row.c.household_id == line.household)
            .values(
                sequence=p.sequence_to,
                export_wh=row.c.export_wh + p.export_wh,
                import_wh=row.c.import_wh + p.import_wh,
                generation_wh=row.c.generation_wh + p.generation_wh,
            )
        )
    totals.add(connection, community_id, [_totalled(outcome) for outcome in cleared.outcomes])
    if cleared.trades:
        connection.execute(
            insert(tables.trade),
            [
                {
                    "community_id": community_id,
                    "market": market,
                    "reference": period.id,
                    "seller": priced.trade.seller,
                    "buyer": priced.trade.buyer,
                    "wh": priced.trade.wh,
                    "cents_per_kwh": priced.cents_per_kwh,
                    "cents": cost_cents(priced.trade.wh, priced.cents_per_kwh),
                    "at": now,
                }
                for market, priced in cleared.trades
            ],
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


def _move_tokens(
    connection: Connection, community_id: str, period: Period, outcomes: Sequence[Outcome], now: datetime
) -> list[str]:
    mints, releases, burns = [], [], []
    for outcome in outcomes:
        household, p = outcome.stand.household, outcome.stand.position
        if outcome.minted_wh:
            frames = metering.frames(connection, household.meter, (p.sequence_from, p.sequence_to))
            mints.append(tokens.Mint(household, outcome.minted_wh, frames))
        if outcome.received_wh:
            releases.append(tokens.Move(household, outcome.received_wh))
        if outcome.burned_wh:
            burns.append(tokens.Move(household, outcome.burned_wh))
            use_allowance(connection, community_id, household.id, outcome.burned_wh)
    return tokens.settle_period(connection, community_id, period, mints, releases, burns, now)
