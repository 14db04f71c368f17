"""What every member's meter has counted since it was last settled: asked for all households at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from energy_swap_protocol.period import Period, PeriodCalendar
from energy_swap_protocol.reading import Reading
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, or_, select

from energy_swap_hub.membership.tables import household
from energy_swap_hub.metering.registers import Epochs
from energy_swap_hub.metering.tables import meter_state, reading
from energy_swap_hub.storage import is_among

from .late import Count, Span, count
from .tables import settled_register


def readings_are_in(connection: Connection, community_id: str, end: datetime) -> bool:
    """Whether every member has a reading at or after ``end``, which is the end of a period.

    It is asked again and again while a period waits: a look into an index, however many members there are.
    """
    return connection.execute(_silent(community_id, end).limit(1)).first() is None


def silent_members(connection: Connection, community_id: str, end: datetime) -> set[str]:
    """Return the members that have no reading at or after ``end`` yet."""
    return set(connection.execute(_silent(community_id, end)).scalars())


def _silent(community_id: str, end: datetime) -> Select[tuple[str]]:
    member, state = household.c, meter_state.c
    return (
        select(member.id)
        .select_from(meter_state)
        .join(household, member.meter == state.meter)
        .where(
            state.community_id == community_id,
            state.measured_at < int(end.timestamp()),
            member.status == "admitted",
            member.admitted_at < end,
        )
    )


def counts(
    connection: Connection,
    community_id: str,
    settled: Mapping[str, Reading],
    calendar: PeriodCalendar,
    period: Period,
    epochs: Epochs,
) -> dict[str, Count]:
    """Return what each member's meter counted in ``period``, and late energy of periods before it.

    ``settled`` are the members, each with the reading until which it is settled (as it is stored).
    A meter on time has a reading at both ends of the period: what such a household counted is known from one
    query for all. For the others everything since they were settled is looked at.
    """
    start, at_end = int(period.start.timestamp()), _readings_at(connection, community_id, period.end, epochs)
    found: dict[str, Count] = {}
    others: dict[str, Reading] = {}
    for member_id, last in settled.items():
        end = at_end.get(member_id)
        if end is not None and last.measured_at == start:  # a meter on time: nothing lies between
            found[member_id] = Count((), last, end)
        else:
            others[member_id] = last
    spans = _spans(connection, community_id, others, calendar, period, epochs)
    return found | {member_id: count(last, spans.get(member_id, ()), period) for member_id, last in others.items()}


def _readings_at(connection: Connection, community_id: str, time: datetime, epochs: Epochs) -> dict[str, Reading]:
    """Return the readings measured exactly at ``time``, by household."""
    row = reading.c
    query = (
        select(
            meter_state.c.household_id,
            row.meter,
            row.sequence,
            row.measured_at,
            row.export_wh,
            row.import_wh,
            row.generation_wh,
        )
        .join(meter_state, meter_state.c.meter == row.meter)
        .where(row.measured_at == int(time.timestamp()), row.community_id == community_id)
    )
    return {
        member_id: epochs.carried(Reading(bytes(meter), *numbers))
        for member_id, meter, *numbers in connection.execute(query)
    }


def _spans(
    connection: Connection,
    community_id: str,
    settled: Mapping[str, Reading],
    calendar: PeriodCalendar,
    period: Period,
    epochs: Epochs,
) -> dict[str, list[Span]]:
    """Return by household and period what was measured after the settled reading, up to the end of ``period``."""
    end = int(period.end.timestamp())
    changed = {member_id for member_id, last in settled.items() if epochs.between(member_id, last, until=end)}
    found: dict[str, list[Span]] = defaultdict(list)
    plain = [member_id for member_id in settled if member_id not in changed]
    if plain:
        for member_id, meter, start, *numbers in _grouped(connection, community_id, plain, calendar, period):
            first, last = numbers[0::2], numbers[1::2]
            found[member_id].append(
                Span(
                    datetime.fromtimestamp(start, UTC),
                    epochs.carried(Reading(bytes(meter), *first)),
                    epochs.carried(Reading(bytes(meter), *last)),
                )
            )
    for member_id in changed:
        found[member_id] = _spans_across(connection, member_id, settled[member_id], calendar, period, epochs)
    return found


def _grouped(
    connection: Connection,
    community_id: str,
    household_ids: Collection[str],
    calendar: PeriodCalendar,
    period: Period,
) -> Iterable[Row[tuple[Any, ...]]]:
    """Return the first and the last reading of each period, as registers only grow: the least and the greatest."""
    row, since = reading.c, settled_register.c
    start = _start(calendar)
    numbers = (row.sequence, row.measured_at, row.export_wh, row.import_wh, row.generation_wh)
    query = (
        select(since.household_id, since.meter, start, *(f(n) for n in numbers for f in (func.min, func.max)))
        .select_from(settled_register)
        .join(reading, and_(row.meter == since.meter, row.sequence > since.sequence))
        .where(
            since.community_id == community_id,
            is_among(connection, since.household_id, household_ids),
            row.measured_at <= int(period.end.timestamp()),
        )
        .group_by(since.household_id, since.meter, start)
        .order_by(since.household_id, start)
    )
    return connection.execute(query)


def _spans_across(
    connection: Connection,
    household_id: str,
    settled: Reading,
    calendar: PeriodCalendar,
    period: Period,
    epochs: Epochs,
) -> list[Span]:
    """Return the spans of a household whose meter began a register epoch since it was settled."""
    row, end = reading.c, int(period.end.timestamp())
    since = [(settled.meter, settled.sequence + 1)]
    since += [(e.meter, e.first_sequence) for e in epochs.between(household_id, settled, until=end)]
    query = (
        select(row.meter, row.sequence, row.measured_at, row.export_wh, row.import_wh, row.generation_wh)
        .where(
            or_(*(and_(row.meter == meter, row.sequence >= first) for meter, first in since)),
            row.measured_at > settled.measured_at,
            row.measured_at <= end,
        )
        .order_by(row.measured_at)
    )
    readings = (epochs.carried(Reading(bytes(meter), *numbers)) for meter, *numbers in connection.execute(query))
    return list(_by_period(readings, calendar))


def _by_period(readings: Iterable[Reading], calendar: PeriodCalendar) -> Iterator[Span]:
    span: Span | None = None
    for found in readings:
        start = calendar.at(datetime.fromtimestamp(found.measured_at, UTC) - _INSTANT).start
        if span is not None and span.start != start:
            yield span
            span = None
        span = Span(start, found if span is None else span.first, found)
    if span is not None:
        yield span


def _start(calendar: PeriodCalendar) -> ColumnElement[int]:
    """Return when the period of a reading began (Unix): what is measured at its end still belongs to it."""
    before = reading.c.measured_at - 1

    def start(length: timedelta) -> ColumnElement[int]:
        seconds = int(length.total_seconds())
        return before // seconds * seconds

    changed = [(before >= int(since.timestamp()), start(length)) for since, length in reversed(calendar.changes)]
    return case(*changed, else_=start(calendar.first)) if changed else start(calendar.first)


_INSTANT: Final = timedelta(microseconds=1)
