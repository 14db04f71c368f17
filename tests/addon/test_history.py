"""History: rolling up loses and invents no Wh, frames go when they may, old files are brought over."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from energy_swap_edge.history.periods import KEPT_FRAMES_SECONDS, History, OwnTrade, PricedPeriod, SettledPeriod
from energy_swap_edge.history.roll_up import LONGEST_GAP_SECONDS, QUARTER_SECONDS, Quarter, quarters
from energy_swap_edge.household import calendar_of
from energy_swap_edge.schema import _FIRST
from energy_swap_edge.store import FILE, Registers, Store
from energy_swap_protocol.period import PeriodCalendar
from energy_swap_protocol.reading import Reading, ReadingFlag, decode_frame, sign_reading
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from .meter import Meter

HALF_HOURS = PeriodCalendar(timedelta(minutes=30))
START = 1_795_165_200  # a full hour
NOW = START + 365 * 86_400
PRICED = PricedPeriod(START, 1_000, 10)
NOTHING = SettledPeriod(START, 0, 0, 0, sold_wh=0, bought_wh=0, earned_cents=0, paid_cents=0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


def readings(steps: list[tuple[int, int, int, int]]) -> list[Registers]:
    made = [Registers(START + 7, 100, 200, 300)]
    for seconds, *gains in steps:
        last = made[-1]
        made.append(
            Registers(
                last.measured_at + seconds,
                last.export_wh + gains[0],
                last.import_wh + gains[1],
                last.generation_wh + gains[2],
            )
        )
    return made


step = st.tuples(
    st.integers(1, LONGEST_GAP_SECONDS), st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000)
)
minute = st.tuples(st.just(60), st.integers(0, 150), st.integers(0, 150), st.integers(0, 150))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(minute, step), min_size=1, max_size=40))
def test_quarters_hold_exactly_what_the_registers_gained(steps: list[tuple[int, int, int, int]]) -> None:
    made = readings(steps)
    found = quarters(made, 0, 2**40)
    for name in ("export_wh", "import_wh", "generation_wh"):
        assert sum(getattr(one, name) for one in found) == getattr(made[-1], name) - getattr(made[0], name)
        assert all(getattr(one, name) >= 0 for one in found)
    assert all(before.start < after.start for before, after in pairwise(found))
    assert all(one.start % QUARTER_SECONDS == 0 for one in found)


def test_another_meter_and_a_very_long_silence_are_no_energy() -> None:
    made = [
        Registers(START, 5_000, 0, 0),
        Registers(START + 60, 10, 0, 0),  # another meter
        Registers(START + 120, 30, 0, 0),
        Registers(START + 120 + LONGEST_GAP_SECONDS + 1, 9_000, 0, 0),
    ]
    assert [(one.start, one.export_wh) for one in quarters(made, 0, 2**40)] == [(START, 20)]


def test_a_gap_is_spread_evenly_and_marked() -> None:
    made = [Registers(START, 0, 0, 0), Registers(START + 3600, 1_001, 0, 0), Registers(START + 3660, 1_001, 0, 0)]
    found = quarters(made, START, START + 7200)
    assert [one.export_wh for one in found] == [250, 250, 250, 251, 0]
    assert [one.is_estimated for one in found] == [True] * 4 + [False]


async def add(store: Store, meter: Meter, minutes: int) -> None:
    frames = [meter.next_frame() for _ in range(minutes)]
    await store.add_frames([(decode_frame(frame), frame) for frame in frames])


async def test_what_arrives_late_is_rolled_up_anew_and_shown_as_corrected(store: Store) -> None:
    history, meter = History(store), Meter(start=START - 60)
    frames = [meter.next_frame() for _ in range(91)]
    decoded = [(decode_frame(frame), frame) for frame in frames]
    await store.add_frames(decoded[:10] + decoded[70:])
    assert await history.roll_up(NOW) == 6
    before = await history.periods(START, START + 5400, calendar=HALF_HOURS)
    assert [(row["export_wh"], row["revision"], row["estimated"]) for row in before] == [
        (600, 0, True), (600, 0, True), (600, 0, True)
    ]  # fmt: skip
    # What flowed in the gap did not flow evenly.
    late = [(replace(r, export_wh=max(200, r.export_wh - 100)), frame) for r, frame in decoded[10:70]]
    await store.add_frames(late)
    assert await history.roll_up(NOW + 5) > 0
    after = await history.periods(START, START + 5400, calendar=HALF_HOURS, changed_after=NOW)
    assert [(row["export_wh"], row["revision"], row["estimated"]) for row in after] == [
        (500, 2, False), (600, 2, False), (700, 1, False)
    ]  # fmt: skip
    assert await history.roll_up(NOW + 9) == 0


async def test_old_frames_go_and_their_energy_stays(store: Store) -> None:
    history, meter = History(store), Meter(start=START)
    await add(store, meter, 3 * 1440)
    forgotten_at = START + KEPT_FRAMES_SECONDS + 2 * 86_400
    # Nothing goes that the hub does not have, or that is not rolled up yet.
    assert await history.forget_frames(forgotten_at) == 0
    await history.roll_up(NOW)
    assert await history.forget_frames(forgotten_at) == 0
    waiting = await store.waiting_frames(10_000)
    await store.settle_frames([(frame.id, "accepted", None) for frame in waiting[:-1]])
    exact = await store.registers_since(START, every_seconds=900)
    assert 2000 < await history.forget_frames(forgotten_at) < 3 * 1440
    left = await store.registers_since(START, every_seconds=900)
    assert (left[-1], left[0].measured_at) == (exact[-1], START)
    by_time = {one.measured_at: one for one in exact}
    both = [(one, by_time[one.measured_at]) for one in left if one.measured_at in by_time]
    assert len(both) > 200
    assert [(one, other) for one, other in both[1:] if abs(one.export_wh - other.export_wh) > 1][:3] == []
    quarters_kept = await history.measured(START, START + 3 * 86_400)
    assert sum(one.export_wh for one in quarters_kept[1:]) == 20 * 15 * (len(quarters_kept) - 1)


async def test_a_meter_that_doubts_its_clock_does_not_spoil_the_history(store: Store) -> None:
    history, meter = History(store), Meter(start=START)
    await add(store, meter, 30)
    wild = Reading(meter.public_key, 500, 9, 1, 1, 1, ReadingFlag.CLOCK_NOT_SYNCHRONISED)
    future = Reading(meter.public_key, 501, NOW * 2, 10**6, 10**6, 10**6, ReadingFlag(0))
    await store.add_frames([(one, sign_reading(one, meter.key)) for one in (wild, future)])
    await history.roll_up(NOW)
    assert sum(one.export_wh for one in await history.measured(0, NOW)) == 20 * 29


async def test_trades_of_a_span_replace_what_was_known_of_it(store: Store) -> None:
    history = History(store)
    trades = [OwnTrade(START, "spot", -300, 330), OwnTrade(START + 60, "auction", 200, -100)]
    for _ in range(2):
        await history.keep_trades(trades, START, START + 3600, retail_cents_per_kwh=2_000)
    money = await history.money(START, START + 3600)
    assert (money.earned_cents, money.saved_cents) == (330, 200 * 2 - 100)
    rows = await history.periods(START, START + 3600, calendar=HALF_HOURS)
    traded = ("sold_wh", "earned_cents", "bought_wh", "paid_cents")
    assert [sum(row[name] for row in rows) for name in traded] == [300, 330, 200, 100]
    assert not any(row["settled"] for row in rows)


async def test_every_wh_came_from_somewhere_and_went_somewhere_once(store: Store) -> None:
    """In its first booked hour the household keeps a part as tokens, in the next it uses them and buys."""
    history = History(store)
    half = 1800
    booked = [
        changed(NOTHING, export_wh=900, import_wh=100, sold_wh=300, minted_wh=800),
        # The utility bought 500 of 600; an older hub leaves it to us to see that 100 became tokens.
        changed(NOTHING, start=START + half, export_wh=600, grid_wh=500, sold_wh=100),
        changed(NOTHING, start=START + 2 * half, import_wh=1_000, bought_wh=400, own_wh=350, grid_wh=-250),
        # Late: 70 Wh of export became tokens first, then 90 Wh of 120 used were own tokens.
        changed(NOTHING, start=START + 3 * half, export_wh=70, import_wh=120, minted_wh=70, own_wh=90),
    ]
    await history.keep_settled(booked, minutes=30, retail_cents_per_kwh=2_100, now=NOW)
    # What is traded beside the periods moves no energy when it is traded.
    trades = [OwnTrade(START + 5, "spot", -400, 480), OwnTrade(START + half + 5, "auction", 250, -300)]
    await history.keep_trades(trades, START, START + 7200, retail_cents_per_kwh=2_100)
    rows = await history.periods(START, START + 7200, calendar=HALF_HOURS)
    flows = [
        (row["minted_wh"], row["utility_export_wh"], row["burned_wh"], row["utility_import_wh"]) for row in rows
    ]
    assert flows == [(800, 100, 0, 100), (100, 500, 0, 0), (0, 0, 750, 250), (70, 0, 90, 30)]
    assert [row["sold_wh"] for row in rows] == [700, 100, 0, 0]
    for row, period in zip(rows, booked, strict=True):
        assert row["minted_wh"] + row["utility_export_wh"] == period.export_wh
        assert row["burned_wh"] + row["utility_import_wh"] == period.import_wh


async def test_what_the_meter_counted_is_told_once_whenever_the_hub_booked_it(store: Store) -> None:
    """Not a member yet, a period booked from within, one whose end counts for the next, one not booked yet."""
    history = History(store)
    meter, half = Meter(start=START), 1800
    frames = [meter.next_frame() for _ in range(4 * 30 + 2)]
    await store.add_frames([(decode_frame(frame), frame) for frame in frames])
    await history.roll_up(START + 4 * half + 60)
    measured = {quarter.start: quarter for quarter in await history.measured(START, START + 4 * half)}
    whole = {START + n * half: sum(measured[START + n * half + q].import_wh for q in (0, 900)) for n in range(4)}
    made = {
        START + n * half: sum(measured[START + n * half + q].generation_wh for q in (0, 900)) for n in range(4)
    }
    assert min(whole.values()) > 30
    first, second = START + half, START + 2 * half
    booked = [
        changed(
            NOTHING, start=first, import_wh=whole[first] - 20, generation_wh=made[first] - 7
        ),  # a member since some minutes after its start
        changed(NOTHING, start=second, import_wh=whole[second], generation_wh=made[second], own_wh=10),
    ]
    await history.keep_settled(booked, minutes=30, retail_cents_per_kwh=2_100, now=NOW)
    rows = await history.periods(START, START + 4 * half, calendar=HALF_HOURS)
    assert [row["settled"] for row in rows] == [False, True, True, False]
    assert sum(row["burned_wh"] + row["utility_import_wh"] for row in rows) == sum(whole.values())
    assert sum(row["made_wh"] for row in rows) == sum(made.values())


async def test_a_file_of_the_first_version_is_brought_over(tmp_path: Path) -> None:
    meter = Meter(start=START)
    db = sqlite3.connect(tmp_path / FILE)
    db.executescript(f"{_FIRST}; PRAGMA user_version = 1;")
    for _ in range(40):
        frame = meter.next_frame()
        r = decode_frame(frame)
        db.execute(
            "INSERT INTO frame (sequence, measured_at, export_wh, import_wh, generation_wh, flags, frame)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (r.sequence, r.measured_at, r.export_wh, r.import_wh, r.generation_wh, 0, frame),
        )
    db.execute("INSERT INTO note VALUES ('pairing_code', '123456')")
    db.commit()
    db.close()
    store = await Store.open(tmp_path)
    assert await store.note("pairing_code") == "123456"
    assert await store.count_waiting_frames() == 40
    assert await History(store).roll_up(NOW) == 2  # of what it had measured before
    await store.close()


def modes(folder: Path) -> list[int]:
    return [file.stat().st_mode & 0o777 for file in folder.iterdir()]


async def test_the_database_is_for_its_owner_only(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    await store.set_note("pairing_code", "123456")
    assert modes(tmp_path) == [0o600] * 3  # with its log
    await store.close()


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    await (await Store.open(tmp_path)).close()
    db = sqlite3.connect(tmp_path / FILE)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(sqlite3.DatabaseError, match="newer Energy Swap"):
        await Store.open(tmp_path)


@pytest.mark.parametrize("minutes", [15, 60])
async def test_across_a_change_of_length_each_period_keeps_its_own_and_no_wh_counts_twice(
    store: Store, minutes: int
) -> None:
    """Half hours until midnight, then others, as the hub tells of each; the last two hours are not booked yet."""
    history, midnight = History(store), START - START % 86_400 + 86_400
    meter = Meter(start=midnight - 3 * 3600)
    await add(store, meter, 7 * 60 + 2)
    await history.roll_up(midnight + 4 * 3600 + 60)
    since, until = midnight - 3 * 3600, midnight + 4 * 3600
    measured = {one.start: one for one in await history.measured(since, until)}
    booked = [(start, 30) for start in range(since, midnight, 1800)]
    booked += [(start, minutes) for start in range(midnight, midnight + 2 * 3600, minutes * 60)]
    await history.keep_settled(
        [
            changed(NOTHING, start=start, minutes=length, import_wh=wh_of(measured, start, length))
            for start, length in booked
        ],
        minutes=minutes,
        retail_cents_per_kwh=2_100,
        now=NOW,
    )
    prices = [changed(PRICED, start=start, minutes=length) for start, length in booked]
    await history.keep_prices(prices, minutes=minutes)
    assert [(one.start, one.minutes) for one in await history.prices(since, until)] == booked
    calendar = calendar_of({"period_minutes": minutes, "period_change": None})
    rows = await history.periods(since, until, calendar=calendar)
    coming = [(start, minutes) for start in range(midnight + 2 * 3600, until, minutes * 60)]
    assert [(row["start"], row["minutes"]) for row in rows] == [*booked, *coming]
    assert [row["settled"] for row in rows] == [True] * len(booked) + [False] * len(coming)
    for row in rows:
        assert row["import_wh"] == wh_of(measured, row["start"], row["minutes"]) > 0
    assert sum(row["burned_wh"] + row["utility_import_wh"] for row in rows) == sum(
        one.import_wh for one in measured.values()
    )
    # Before its hub tells of the change as one that counts, an edge goes by what was announced.
    announced = calendar_of({"period_minutes": 30, "period_change": {"from": midnight, "minutes": minutes}})
    assert await history.periods(since, until, calendar=announced) == rows


def wh_of(measured: dict[int, Quarter], start: int, minutes: int) -> int:
    """What was imported in the quarters of a period."""
    return sum(measured[at].import_wh for at in range(start, start + minutes * 60, 900))
