"""The household's history for ever: quarters of its own meter, booked periods with their money, prices."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from energy_swap_protocol.period import LENGTHS_MINUTES, PeriodCalendar

from energy_swap_edge.store import Registers, Store

from .flows import booked_flows, unbooked_flows, with_measured_before
from .roll_up import QUARTER_SECONDS, Quarter, quarters

KEPT_FRAMES_SECONDS: Final = 35 * 86_400
_CHUNK_SECONDS: Final = 7 * 86_400
# Readings with flag 1 or 8, which doubt the clock or the sensor, are left out: ``flags & 9 = 0``.


type Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
type PeriodMinutes = Literal[15, 30, 60]
type Second = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800)]


class SettledPeriod(msgspec.Struct, frozen=True):
    """An own period as the hub booked it, in Wh and cents; unknown fields of a newer hub are ignored."""

    start: Second
    export_wh: Whole
    import_wh: Whole
    generation_wh: Whole
    sold_wh: Whole
    bought_wh: Whole
    earned_cents: Whole
    paid_cents: Whole
    own_wh: Whole = 0
    grid_wh: Whole = 0
    grid_cents: Whole = 0
    minted_wh: Whole | None = None  # an older hub does not say
    minutes: PeriodMinutes | None = None  # as well


class OwnTrade(msgspec.Struct, frozen=True):
    """A trade on spot or in an auction: ``wh`` above zero came, ``cents`` above zero was earned."""

    at: Second
    market: str
    wh: Whole
    cents: Whole


class PricedPeriod(msgspec.Struct, frozen=True):
    """What everybody traded in a period, ``cents_per_kwh`` None: nothing was traded."""

    start: Second
    cents_per_kwh: Whole | None
    traded_wh: Whole
    supply_wh: Whole = 0
    demand_wh: Whole = 0
    minutes: PeriodMinutes | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """What a span brought: earned, and saved against buying the same at the retail tariff; cents."""

    earned_cents: int
    saved_cents: int


class History:
    """The history tables of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def roll_up(self, now: int) -> int:
        """Roll up what was measured since the last time; return how many quarters changed."""

        def work(db: sqlite3.Connection) -> tuple[int, bool]:
            row = db.execute("SELECT value FROM progress WHERE name = 'roll_up_from'").fetchone()
            newest = db.execute(
                "SELECT max(measured_at) FROM frame WHERE flags & 9 = 0 AND measured_at <= ?", (now + 60,)
            ).fetchone()[0]
            if row is None or newest is None:
                return 0, True
            oldest = db.execute("SELECT min(measured_at) FROM frame WHERE flags & 9 = 0").fetchone()[0]
            first = max(row[0], oldest) // QUARTER_SECONDS * QUARTER_SECONDS
            whole = newest // QUARTER_SECONDS * QUARTER_SECONDS
            last = min(whole, first + _CHUNK_SECONDS)
            if last <= first:
                return 0, True
            changed = _keep_quarters(db, quarters(_readings(db, first, last), first, last), now)
            db.execute("UPDATE progress SET value = ? WHERE name = 'roll_up_from'", (last,))
            return changed, last == whole

        total, is_done = 0, False
        while not is_done:
            changed, is_done = await self._store.write(work)
            total += changed
        return total

    async def forget_frames(self, now: int) -> int:
        """Delete frames that the hub has, that are rolled up and older than five weeks; return how many."""

        def work(db: sqlite3.Connection) -> int:
            return db.execute(
                "DELETE FROM frame WHERE outcome IS NOT NULL AND measured_at < min(?, "
                "coalesce((SELECT value FROM progress WHERE name = 'roll_up_from'), 0) - 86400)"
                " AND id <> (SELECT max(id) FROM frame)",
                (now - KEPT_FRAMES_SECONDS,),
            ).rowcount

        return await self._store.write(work)

    async def keep_settled(
        self, periods: Sequence[SettledPeriod], *, minutes: int, retail_cents_per_kwh: int, now: int
    ) -> int:
        """Keep what the hub says of own periods; return how many were new or turned out otherwise.

        ``minutes`` is how long they last where the hub does not say it of each.
        """
        values = [
            {
                **msgspec.structs.asdict(period),
                "minutes": period.minutes or minutes,
                "retail_cents_per_kwh": retail_cents_per_kwh,
                "now": now,
            }
            for period in periods
        ]
        return await self._store.write(lambda db: sum(db.execute(_KEEP_SETTLED, row).rowcount for row in values))

    async def keep_trades(
        self, trades: Sequence[OwnTrade], since: int, until: int, *, retail_cents_per_kwh: int
    ) -> None:
        """Replace what is known of own trades booked in ``[since, until)``."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM own_trade WHERE at >= ? AND at < ?", (since, until))
            db.executemany(
                "INSERT INTO own_trade VALUES (?, ?, ?, ?, ?)",
                [(trade.at, trade.market, trade.wh, trade.cents, retail_cents_per_kwh) for trade in trades],
            )

        await self._store.write(work)

    async def keep_prices(self, prices: Sequence[PricedPeriod], *, minutes: int) -> None:
        """Keep the community's prices; ``minutes`` as in `keep_settled`."""
        rows = [
            (one.start, one.minutes or minutes, one.cents_per_kwh, one.traded_wh, one.supply_wh, one.demand_wh)
            for one in prices
        ]

        def work(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?, ?, ?)", rows)

        await self._store.write(work)

    async def latest_flags(self) -> int:
        """Return the flags of the newest reading, 0 without any."""

        def query(db: sqlite3.Connection) -> int:
            row = db.execute("SELECT flags FROM frame ORDER BY id DESC LIMIT 1").fetchone()
            return 0 if row is None else int(row[0])

        return await self._store.read(query)

    async def progress(self, name: str) -> int | None:
        """Return how far something has come."""

        def query(db: sqlite3.Connection) -> int | None:
            row = db.execute("SELECT value FROM progress WHERE name = ?", (name,)).fetchone()
            return None if row is None else int(row[0])

        return await self._store.read(query)

    async def set_progress(self, name: str, value: int) -> None:
        """Remember how far something has come."""
        await self._store.write(
            lambda db: db.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (name, value))
        )

    async def measured(self, since: int, until: int) -> list[Quarter]:
        """Return the quarters that begin in ``[since, until)``, oldest first."""

        def query(db: sqlite3.Connection) -> list[Quarter]:
            rows = db.execute(
                "SELECT start, export_wh, import_wh, generation_wh, is_estimated FROM quarter"
                " WHERE start >= ? AND start < ? ORDER BY start",
                (since, until),
            )
            return [
                Quarter(start, out, taken, made, bool(estimated)) for start, out, taken, made, estimated in rows
            ]

        return await self._store.read(query)

    async def prices(self, since: int, until: int) -> list[PricedPeriod]:
        """Return the prices of periods that begin in ``[since, until)``, oldest first."""

        def query(db: sqlite3.Connection) -> list[PricedPeriod]:
            rows = db.execute(
                "SELECT start, cents_per_kwh, traded_wh, supply_wh, demand_wh, minutes FROM price"
                " WHERE start >= ? AND start < ? ORDER BY start",
                (since, until),
            )
            return [PricedPeriod(*row) for row in rows]

        return await self._store.read(query)

    async def periods(
        self, since: int, until: int, *, calendar: PeriodCalendar, changed_after: int = 0
    ) -> list[dict[str, Any]]:
        """Return own periods that begin in ``[since, until)``: measured energy, and money where it is settled.

        Trades on spot and in auctions stand in the period in which they were booked. With ``changed_after`` (Unix)
        only those that are new or corrected since then. Each period is as long as the hub booked it; what is not
        booked yet falls into those of the ``calendar``.
        """
        span = {"since": since, "until": until}

        def query(db: sqlite3.Connection) -> list[dict[str, Any]]:
            rows: dict[int, dict[str, Any]] = {}
            for start, *values in db.execute(_SETTLED, span):
                rows[start] = dict(zip(_FIELDS, values, strict=True)) | {"settled": True}
            booked = {start: dict(row) for start, row in rows.items()}
            first = db.execute("SELECT min(start) FROM settled").fetchone()[0]
            changed: dict[int, int] = dict(db.execute(_SETTLED_CHANGED, span).fetchall())
            lengths = dict(db.execute(_LENGTHS, span).fetchall())

            def row_at(time: int) -> tuple[int, dict[str, Any]]:
                start, minutes = _period_at(time, lengths, calendar)
                empty = dict.fromkeys(_FIELDS, 0) | {"minutes": minutes, "settled": False}
                return start, rows.setdefault(start, empty)

            measured: set[int] = set()
            for time, *flows, estimated, revision, at in db.execute(_MEASURED, span):
                start, row = row_at(time)
                if start not in measured:  # the own meter knows better than the hub when it flowed
                    measured.add(start)
                    row |= dict.fromkeys(_METERED, 0) | {"estimated": False}
                row |= {name: row[name] + wh for name, wh in zip(_METERED, flows, strict=True)}
                row |= {"estimated": row["estimated"] or bool(estimated), "revision": row["revision"] + revision}
                changed[start] = max(changed.get(start, 0), at)
            for time, wh, cents, at in db.execute(_TRADED, span):
                start, row = row_at(time)
                row["sold_wh" if wh < 0 else "bought_wh"] += abs(wh)
                row["earned_cents" if cents > 0 else "paid_cents"] += abs(cents)
                row["revision"] += 1
                changed[start] = max(changed.get(start, 0), at)
            return [
                {"start": start, **rows[start], **_flows(rows[start], booked.get(start), is_first=start == first)}
                for start in sorted(rows)
                if changed[start] > changed_after
            ]

        return await self._store.read(query)

    async def money(self, since: int, until: int) -> Money:
        """Return what the periods and trades of ``[since, until)`` brought."""

        def query(db: sqlite3.Connection) -> Money:
            settled = db.execute(
                "SELECT coalesce(sum(earned_cents), 0),"
                " coalesce(sum(CASE WHEN bought_wh > 0 THEN bought_wh * retail_cents_per_kwh / 1000 - paid_cents"
                " ELSE 0 END), 0) FROM settled WHERE start >= ? AND start < ?",
                (since, until),
            ).fetchone()
            traded = db.execute(
                "SELECT coalesce(sum(max(cents, 0)), 0),"
                " coalesce(sum(CASE WHEN wh > 0 THEN wh * retail_cents_per_kwh / 1000 + cents ELSE 0 END), 0)"
                " FROM own_trade WHERE at >= ? AND at < ?",
                (since, until),
            ).fetchone()
            return Money(settled[0] + traded[0], settled[1] + traded[1])

        return await self._store.read(query)

    async def spent(self, since: int, until: int) -> int:
        """Return the cents that periods and trades of ``[since, until)`` cost."""

        def query(db: sqlite3.Connection) -> int:
            span = (since, until)
            settled = "SELECT coalesce(sum(paid_cents), 0) FROM settled WHERE start >= ? AND start < ?"
            traded = "SELECT coalesce(sum(max(-cents, 0)), 0) FROM own_trade WHERE at >= ? AND at < ?"
            return int(db.execute(settled, span).fetchone()[0] + db.execute(traded, span).fetchone()[0])

        return await self._store.read(query)


def _period_at(time: int, lengths: Mapping[int, int], calendar: PeriodCalendar) -> tuple[int, int]:
    """Return the start of the period of a Unix time and its minutes: the booked one, else the calendar's."""
    for minutes in LENGTHS_MINUTES:
        start = time // (minutes * 60) * minutes * 60
        if lengths.get(start) == minutes:
            return start, minutes
    period = calendar.at(datetime.fromtimestamp(time, UTC))
    return int(period.start.timestamp()), period.minutes


def _flows(row: dict[str, Any], booked: dict[str, Any] | None, *, is_first: bool) -> dict[str, int]:
    # By the hub's own count where it has booked: over all periods it adds up to the meter's registers, too, even
    # where a missing reading moved energy into the next period.
    if booked is None:
        return unbooked_flows(row)
    flows = booked_flows(booked)
    return with_measured_before(flows, row, booked) if is_first else flows


_FIELDS: Final = (
    "minutes", "export_wh", "import_wh", "generation_wh", "sold_wh", "bought_wh", "own_wh", "earned_cents",
    "paid_cents", "grid_wh", "grid_cents", "minted_wh", "revision",
)  # fmt: skip
_SETTLED: Final = f"SELECT start, {', '.join(_FIELDS)} FROM settled WHERE start >= :since AND start < :until"  # noqa: S608
_SETTLED_CHANGED: Final = "SELECT start, changed_at FROM settled WHERE start >= :since AND start < :until"
# How long booked periods were: those of all members, too, for a time in which the household had none.
_LENGTHS: Final = (
    "SELECT start, minutes FROM price WHERE start > :since - 3600 AND start < :until"
    " UNION SELECT start, minutes FROM settled WHERE start > :since - 3600 AND start < :until"
)
_METERED: Final = ("export_wh", "import_wh", "generation_wh")
_MEASURED: Final = (
    f"SELECT start, {', '.join(_METERED)}, is_estimated, revision, changed_at FROM quarter"  # noqa: S608
    " WHERE start >= :since AND start < :until ORDER BY start"
)
_TRADED: Final = "SELECT at, wh, cents, at FROM own_trade WHERE at >= :since AND at < :until ORDER BY at"
_COUNTED: Final = (
    "export_wh", "import_wh", "generation_wh", "sold_wh", "bought_wh", "own_wh", "earned_cents", "paid_cents",
    "grid_wh", "grid_cents", "minted_wh",
)  # fmt: skip
_KEPT: Final = ("minutes", *_COUNTED)
_KEEP_SETTLED: Final = (
    f"INSERT INTO settled (start, minutes, {', '.join(_COUNTED)}, retail_cents_per_kwh, revision, changed_at)"  # noqa: S608
    f" VALUES (:start, :minutes, {', '.join(f':{name}' for name in _COUNTED)}, :retail_cents_per_kwh, 0, :now)"
    f" ON CONFLICT (start) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _KEPT)},"
    " revision = revision + 1, changed_at = excluded.changed_at"
    f" WHERE {' OR '.join(f'{name} IS NOT excluded.{name}' for name in _KEPT)}"
)


def _readings(db: sqlite3.Connection, first: int, last: int) -> list[Registers]:
    """Return the readings in ``[first, last]`` with one before and one after, as far as there are."""
    row = "SELECT measured_at, export_wh, import_wh, generation_wh FROM frame WHERE flags & 9 = 0 AND "
    before = db.execute(row + "measured_at < ? ORDER BY measured_at DESC, sequence DESC LIMIT 1", (first,))
    within = db.execute(
        row + "measured_at >= ? AND measured_at <= ? ORDER BY measured_at, sequence", (first, last)
    )
    after = db.execute(row + "measured_at > ? ORDER BY measured_at, sequence LIMIT 1", (last,))
    return [Registers(*found) for found in (*before, *within, *after)]


def _keep_quarters(db: sqlite3.Connection, found: Sequence[Quarter], now: int) -> int:
    return sum(
        db.execute(
            "INSERT INTO quarter VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT (start) DO UPDATE SET"
            " export_wh = excluded.export_wh, import_wh = excluded.import_wh,"
            " generation_wh = excluded.generation_wh, is_estimated = excluded.is_estimated,"
            " revision = revision + 1, changed_at = excluded.changed_at"
            " WHERE export_wh <> excluded.export_wh OR import_wh <> excluded.import_wh"
            " OR generation_wh <> excluded.generation_wh OR is_estimated <> excluded.is_estimated",
            (one.start, one.export_wh, one.import_wh, one.generation_wh, int(one.is_estimated), now),
        ).rowcount
        for one in found
    )
