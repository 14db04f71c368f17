"""A community's settings through time: those of the configuration, and every change with the time it counts from.

Nothing that has counted is ever changed: who asks for the rules of a time gets those of that time, for ever.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from energy_swap_protocol.period import PeriodCalendar
from sqlalchemy import Connection, bindparam, func, insert, select, update

from energy_swap_hub.config import CommunityConfig, LegalBasis, Percent, PeriodMinutes, Stage
from energy_swap_hub.market.fees import Tariff, tariff_at
from energy_swap_hub.membership.households import record_audit
from energy_swap_hub.storage import Lookup

from .ahead_tables import LONGEST_AHEAD, ahead_order
from .office_tables import community_setting

type _Price = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=366)
_MANY_LETTERS: Final = 500
_OWN_TIMES: Final = frozenset({"tariff", "period_minutes"})


class SettingsRefused(ValueError):  # noqa: N818 - reads as the answer it is
    """A change of settings that cannot be; the text names the field and what would be accepted."""


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tariff without its time: cents per kWh."""

    community_fee_cents_per_kwh: _Price
    grid_fee_cents_per_kwh: _Price
    retail_cents_per_kwh: _Price
    feed_in_cents_per_kwh: _Price


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What changes of the settings (`CommunityConfig` says what each means); what is left out stays.

    ``period_minutes`` counts from a midnight UTC on, behind all orders for periods to come (`_check_lengths`).
    """

    period_minutes: PeriodMinutes | None = None
    tariff: Prices | None = None
    stages: tuple[Stage, ...] | None = None
    grace_minutes: Annotated[int, msgspec.Meta(ge=1, le=120)] | None = None
    payout_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] | None = None
    legal_basis: LegalBasis | None = None
    legal_reference: Annotated[str, msgspec.Meta(max_length=120)] | None = None
    vat_energy_percent: Percent | None = None
    vat_fees_percent: Percent | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change as it is kept: from when it counts, who recorded it and why, and whether it was taken back."""

    id: int
    valid_from: datetime
    change: Change
    reason: str
    who: str
    recorded_at: datetime
    withdrawn_by: str | None


# Asked for with every order: made once.
_RECORDED: Final = Lookup(
    select(
        community_setting.c.id,
        community_setting.c.valid_from,
        community_setting.c.change,
        community_setting.c.reason,
        community_setting.c.recorded_by,
        community_setting.c.recorded_at,
        community_setting.c.withdrawn_by,
    )
    .where(community_setting.c.community_id == bindparam("community_id"))
    .order_by(community_setting.c.valid_from, community_setting.c.id)
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The community's settings at any time; ``changes`` in the order in which they count."""

    founding: CommunityConfig
    changes: Sequence[Recorded]

    def at(self, time: datetime) -> CommunityConfig:
        """Return the settings of ``time``, with the tariffs of all times, without the lengths in `calendar`."""
        if not self.changes:
            return self.founding
        values: dict[str, Any] = {"tariffs": self._tariffs()}
        for one in sorted(self.changes, key=lambda one: one.valid_from):
            if one.valid_from <= time:
                values |= {name: value for name, value in _given(one.change).items() if name not in _OWN_TIMES}
        return msgspec.structs.replace(self.founding, **values)

    @property
    def calendar(self) -> PeriodCalendar:
        """The community's periods of all times."""
        first = self.founding.period_minutes
        told = {one.valid_from: m for one in self.changes if (m := one.change.period_minutes) is not None}
        changes = ((since, timedelta(minutes=told[since])) for since in sorted(told))
        return PeriodCalendar(timedelta(minutes=first), tuple(changes))

    @property
    def all(self) -> list[CommunityConfig]:
        """The settings of the founding, and as they are after each change."""
        return [self.founding, *(self.at(one.valid_from) for one in self.changes)]

    def _tariffs(self) -> tuple[Tariff, ...]:
        found = {tariff.valid_from: tariff for tariff in self.founding.tariffs}
        for one in self.changes:
            if (prices := one.change.tariff) is not None:
                found[one.valid_from] = Tariff(one.valid_from, **msgspec.structs.asdict(prices))
        return tuple(found[start] for start in sorted(found))


def recorded(connection: Connection, community_id: str) -> list[Recorded]:
    """Return every change that was ever recorded, with those taken back; of one time, the last recorded counts."""
    return [
        Recorded(found[0], found[1], msgspec.convert(found[2], Change), *found[3:])
        for found in _RECORDED.all(connection, community_id=community_id)
    ]


def rules(connection: Connection, community: CommunityConfig) -> Rules:
    """Return the settings of all times; ``community`` is what the configuration founded it with."""
    changes = recorded(connection, community.id)
    return Rules(community, [one for one in changes if one.withdrawn_by is None] if changes else ())


def settings_at(connection: Connection, community: CommunityConfig, time: datetime) -> CommunityConfig:
    """Return the settings that count at ``time``."""
    return rules(connection, community).at(time)


def calendar_of(connection: Connection, community: CommunityConfig) -> PeriodCalendar:
    """Return the community's periods of all times."""
    return rules(connection, community).calendar


def tariff_of(connection: Connection, community: CommunityConfig, time: datetime) -> Tariff:
    """Return the tariff that counts at ``time``."""
    return tariff_at(settings_at(connection, community, time).tariffs, time)


def change_settings(
    connection: Connection,
    community: CommunityConfig,
    change: Change,
    valid_from: datetime,
    *,
    who: str,
    reason: str,
    now: datetime,
) -> int:
    """Record a change that counts from ``valid_from`` on and return its id; raises `SettingsRefused`."""
    words = reason.strip()
    if not 1 <= len(words) <= _MANY_LETTERS:
        raise SettingsRefused(f"reason: say why in 1 to {_MANY_LETTERS} letters; members read it")
    given = _given(change)
    if not given:
        raise SettingsRefused(f"change: name at least one of {', '.join(Change.__struct_fields__)}")
    _check_time(connection, community, change, valid_from, now)
    last = Recorded(0, valid_from, change, words, who, now, None)
    before = rules(connection, community)
    _check_from(Rules(community, [*before.changes, last]), valid_from)
    added = connection.execute(
        insert(community_setting)
        .values(
            community_id=community.id,
            valid_from=valid_from,
            change=msgspec.to_builtins(change),
            reason=words,
            recorded_by=who,
            recorded_at=now,
        )
        .returning(community_setting.c.id)
    ).scalar_one()
    what = f"changed {', '.join(_told(before, given, valid_from))}; counts from {_hour(valid_from)}: {words}"
    record_audit(connection, community.id, who=who, what=what, subject=f"setting {added}", now=now)
    return int(added)


def first_change_of_length(now: datetime) -> datetime:
    """Return the first midnight UTC behind all periods that can be ordered now."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + LONGEST_AHEAD + _DAY


def withdraw_change(
    connection: Connection, community: CommunityConfig, change_id: int, *, who: str, reason: str, now: datetime
) -> None:
    """Take back a change that does not count yet; raises `SettingsRefused`, or `LookupError` without one."""
    found = next((one for one in recorded(connection, community.id) if one.id == change_id), None)
    if found is None:
        raise LookupError(f"no change {change_id} of the settings is recorded")
    if found.withdrawn_by is not None:
        raise SettingsRefused(f"change {change_id} was taken back by {found.withdrawn_by} before")
    if found.valid_from <= now:
        raise SettingsRefused(
            f"change {change_id} counts since {_hour(found.valid_from)}; record one that follows"
        )
    last = _last_ordered(connection, community, found.change)
    if last is not None and last >= found.valid_from:
        raise SettingsRefused(
            f"change {change_id} cannot be taken back: members have orders for periods until {_hour(last)} that "
            "count on it; record one that follows"
        )
    if not reason.strip():
        raise SettingsRefused("reason: say why in a few words")
    left = [one for one in rules(connection, community).changes if one.id != change_id]
    _check_from(Rules(community, left), found.valid_from)
    row = community_setting.c
    connection.execute(update(community_setting).where(row.id == change_id).values(withdrawn_by=who))
    what = (
        f"took back the change of {', '.join(_given(found.change))} that was to count from "
        f"{_hour(found.valid_from)}: {reason.strip()}"
    )
    record_audit(connection, community.id, who=who, what=what, subject=f"setting {change_id}", now=now)


def _given(change: Change) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}


def _told(before: Rules, given: Mapping[str, Any], valid_from: datetime) -> Iterator[str]:
    """Yield each setting that is given, with what counted at ``valid_from`` before and what counts then."""
    was = before.at(valid_from)
    prices = tariff_at(was.tariffs, valid_from)
    for name, value in given.items():
        if name == "tariff":
            new = msgspec.structs.asdict(value)
            others = [price for price, cents in new.items() if getattr(prices, price) != cents]
            yield from (f"{price} from {getattr(prices, price)} to {new[price]}" for price in others)
            if not others:
                yield "no price of the tariff"
        elif name == "period_minutes":
            yield f"{name} from {before.calendar.at(valid_from).minutes} to {value}"
        else:
            yield f"{name} from {_shown(getattr(was, name))} to {_shown(value)}"


def _shown(value: Any) -> str:
    return " and ".join(value) if isinstance(value, tuple) else str(value) if value != "" else "nothing"


def _check_from(changed: Rules, valid_from: datetime) -> None:
    """Raise `SettingsRefused` unless the settings make sense from ``valid_from`` on, with changes that follow."""
    for time in {valid_from, *(one.valid_from for one in changed.changes if one.valid_from > valid_from)}:
        try:
            msgspec.convert(msgspec.to_builtins(changed.at(time)), CommunityConfig)
        except ValueError as error:
            raise SettingsRefused(str(error)) from None


def _check_time(
    connection: Connection, community: CommunityConfig, change: Change, valid_from: datetime, now: datetime
) -> None:
    next_hour = now.replace(minute=0, second=0, microsecond=0) + _HOUR
    if valid_from.tzinfo is None or valid_from.minute or valid_from.second or valid_from.microsecond:
        raise SettingsRefused("valid_from: a change counts from a full hour on, when a period begins")
    if not next_hour <= valid_from <= now + _LONGEST:
        raise SettingsRefused(
            f"valid_from: choose a full hour from {_hour(next_hour)} to a year from now; the past is not changed"
        )
    _check_lengths(change, valid_from, now)
    _check_orders(connection, community, change, valid_from)


def _check_orders(
    connection: Connection, community: CommunityConfig, change: Change, valid_from: datetime
) -> None:
    """Orders for periods to come name these periods, and hold what follows from the prices of when they came."""
    last = _last_ordered(connection, community, change)
    if last is not None and last >= valid_from:
        raise SettingsRefused(
            f"valid_from: members have orders for periods until {_hour(last)} by the settings of now; "
            f"choose {_hour(last.replace(minute=0) + _HOUR)} or later"
        )


def _last_ordered(connection: Connection, community: CommunityConfig, change: Change) -> datetime | None:
    """Return the start of the last period with orders, if ``change`` is of what they rest on."""
    if change.tariff is None and change.period_minutes is None:
        return None
    row = ahead_order.c
    query = select(func.max(row.start)).where(row.community_id == community.id, row.status != "cancelled")
    return connection.execute(query).scalar()


def _check_lengths(change: Change, valid_from: datetime, now: datetime) -> None:
    """No order may name a period behind the change yet; so whoever orders knows what the periods will be."""
    if change.period_minutes is None:
        return
    earliest = first_change_of_length(now)
    if valid_from < earliest or valid_from.hour:
        raise SettingsRefused(
            "valid_from: another length of periods counts from a midnight UTC on (03:00 in Nairobi), and members "
            f"order {LONGEST_AHEAD.days} days ahead: choose 00:00 UTC of {earliest:%Y-%m-%d} or of a later day"
        )


def _hour(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
