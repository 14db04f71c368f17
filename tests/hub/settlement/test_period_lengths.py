"""Communities whose periods are not half an hour long, from the beginning or from a day on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.membership.households import by_key
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.ahead_tables import ahead_order, contract
from energy_swap_hub.settlement.periods import check_length
from energy_swap_hub.settlement.refusals import OrderRefused
from energy_swap_hub.settlement.settings import (
    Change,
    SettingsRefused,
    calendar_of,
    change_settings,
    withdraw_change,
)
from energy_swap_hub.settlement.statements import statement
from energy_swap_hub.web.household_view import household_state
from energy_swap_hub.web.market_view import period_detail, periods
from energy_swap_hub.web.own_periods_view import own_periods, price_rows
from energy_swap_hub.web.paging import Page
from energy_swap_protocol.message import BuyAhead
from energy_swap_protocol.period import Period, PeriodCalendar, period_at
from sqlalchemy import Connection

from tests.hub.village import (
    FEES,
    OPENED,
    VILLAGE,
    Home,
    Village,
    community,
    copy_of,
    database_of,
    no_daraja,
    open_village,
)

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
OPENS = MIDNIGHT - timedelta(hours=1)  # two half hours before the change
ANNOUNCED = MIDNIGHT - timedelta(days=8)


@asynccontextmanager
async def opened(folder: Path, now: datetime) -> AsyncIterator[Village]:
    """The village whose market begins an hour before midnight; what it did before is in ``folder``."""
    async with open_village(folder, now=now, rules=community(opened_at=OPENS)) as village:
        yield village


async def announce(village: Village, minutes: int, at: datetime, now: datetime) -> int:
    change = Change(period_minutes=minutes)  # type: ignore[arg-type]
    return await village.database.write(
        lambda c: change_settings(c, village.community, change, at, who="office", reason="decided", now=now)
    )


@pytest.mark.parametrize("minutes", [15, 60])
async def test_a_period_may_be_a_quarter_or_a_whole_hour(founded: Path, tmp_path: Path, minutes: int) -> None:
    length = timedelta(minutes=minutes)
    async with open_village(
        copy_of(founded, tmp_path / "hub"), rules=community(period_minutes=minutes)
    ) as village:
        amina, chebet = village.amina, village.chebet
        await village.standing(amina, sell=1_000)
        await village.standing(chebet, buy=2_000)
        await village.fund(chebet, 100_000)
        periods = [await village.end_period({amina.id: 2_000, chebet.id: -1_000}) for _ in range(2)]
        assert periods == [period_at(OPENED + n * length, length).id for n in range(2)]
        assert village.now == OPENED + 2 * length
        assert [await village.period_state(period) for period in periods] == ["settled", "settled"]
        assert await village.cents(amina) == 2 * 1_000
        assert await village.cents(chebet) == 100_000 - 2 * (1_000 + FEES)
        assert (await village.on_chain(amina), await village.on_chain(chebet)) == (2 * 1_000, 0)
        assert len(await village.rows(tables.trade)) == 2
        await village.check()


@pytest.mark.parametrize("minutes", [15, 60])
async def test_a_community_trades_across_a_change_of_length(founded: Path, tmp_path: Path, minutes: int) -> None:
    """Orders, contracts, late readings, books and what people see; the hub is down while the length changes."""
    folder, length = copy_of(founded, tmp_path / "hub"), timedelta(minutes=minutes)
    first, second = period_at(MIDNIGHT, length), period_at(MIDNIGHT + length, length)
    old = [period_at(OPENS, HALF_HOUR), period_at(OPENS + HALF_HOUR, HALF_HOUR)]
    async with opened(folder, OPENS) as village:
        amina, chebet, brian = village.amina, village.chebet, village.brian
        flows = {amina.id: 2_000, chebet.id: -1_000}
        for home in village.homes:
            await village.report(home)
        await announce(village, minutes, MIDNIGHT, ANNOUNCED)
        await village.fund(amina, 100_000)
        await village.fund(chebet, 100_000)
        await village.standing(amina, sell=1_000)
        await village.standing(chebet, buy=1_000)
        told = await seen(village, amina)
        assert (told["period_minutes"], told["period_change"]) == (
            30,
            {"from": int(MIDNIGHT.timestamp()), "minutes": minutes},
        )
        for name in ("2026-11-21T00:10Z", "2026-11-21T00:30Z")[: 1 if minutes == 15 else 2]:
            with pytest.raises(OrderRefused, match=f"no period of {minutes} minutes starts at {name}"):
                await village.send(chebet, BuyAhead(**village.head(), period=name, wh=1_000, at_most=1_500))
        await village.sell_ahead(amina, second, 500, at_least=1_200)
        bought = await village.buy_ahead(chebet, second, 500, at_most=1_200)
        assert bought["period"] == second.id
        assert await village.end_period(flows) == old[0].id
        village.now = MIDNIGHT
        late = await readings_at(village, MIDNIGHT, flows)
        last = brian.last
    async with opened(folder, first.end) as village:  # killed before it booked the last half hour
        amina, chebet, brian = village.amina, village.chebet, village.brian
        brian.last = last
        await village.advance()  # up again, it gives its members the grace time
        late += await readings_at(village, first.end, flows)
        assert [row["start"] for row in await village.rows(tables.period)] == [old[0].start]
        village.now += timedelta(minutes=11)
        await village.advance()
        await village.chain_works()
        assert [row["start"] for row in await village.rows(tables.period)] == [*(p.start for p in old), MIDNIGHT]
    async with opened(folder, second.end) as village:
        amina, chebet, brian = village.amina, village.chebet, village.brian
        brian.last = replace(last, sequence=last.sequence + 1, measured_at=int(first.end.timestamp()))
        brian.last = replace(brian.last, export_wh=last.export_wh + 300, generation_wh=last.generation_wh + 300)
        await village.deliver(brian, *late)
        assert await village.end_period(flows) == second.id
        [made] = await village.rows(contract)
        assert (made["start"], made["delivered_wh"], made["backfill_wh"]) == (second.start, 500, 0)
        assert {
            row["start"]: row["export_wh"] for row in await village.rows(tables.true_up) if row["export_wh"]
        } == {
            old[1].start: 300,
            MIDNIGHT: 300,
        }
        third = await village.end_period(flows)
        assert third == period_at(second.end, length).id
        told = await seen(village, amina)
        assert (told["period_minutes"], told["period_change"]) == (minutes, None)
        assert told["clearing"]["period"] == told["last_settlement"]["period"] == third
        assert told["last_settlement"]["ended_at"] == int((second.end + length).timestamp())
        await shown_right(village, [*old, first, second, period_at(second.end, length)])
        # Four whole periods at 1,000, in the second new one half of it ahead at 1,200.
        assert await village.cents(amina) == 100_000 + 4 * 1_000 + 500 + 600
        assert await village.cents(chebet) == 100_000 - 4 * (1_000 + FEES) - (500 + 100) - (600 + 100)
        assert (await village.on_chain(amina), await village.on_chain(brian)) == (5 * 1_000, 600)
        for home in (amina, chebet):
            found = await village.read(
                lambda c, h=home: statement(c, VILLAGE, h.id, h.name, OPENS, MIDNIGHT + timedelta(days=1))  # type: ignore[misc]
            )
            assert found.closing["kes_cents"] == await village.cents(home)
        await village.check()
        with pytest.raises(ValueError, match=f"period_minutes is {minutes}, but the periods of Kisima are 30"):
            await village.read(lambda c: check_length(c, community(opened_at=OPENS, period_minutes=minutes)))
        await village.read(lambda c: check_length(c, village.community))


async def readings_at(village: Village, at: datetime, flows: Mapping[str, int]) -> list[bytes]:
    """All meters measure; the frame of Brian, who gave 300 Wh, is returned: it does not arrive."""
    village.now = at
    for home in (village.amina, village.chebet, village.david):
        net = flows.get(home.id, 0)
        await village.deliver(home, home.measure(at, max(net, 0), max(-net, 0)))
    return [village.brian.measure(at, 300)]


async def seen(village: Village, home: Home) -> dict[str, Any]:
    """What the household sees of itself."""

    def look(connection: Connection) -> dict[str, Any]:
        household = by_key(connection, bytes(home.key.verify_key))
        assert household is not None
        return household_state(connection, village.community, household, village.now)

    return await village.read(look)


async def shown_right(village: Village, booked: Sequence[Period]) -> None:
    """The market page and the household's own periods say how long each period was."""
    rules, amina = village.community, village.amina
    newest = [(period.id, period.minutes) for period in reversed(booked)]
    page = await village.read(lambda c: periods(c, rules, Page(96)))
    assert [(row["period"], row["minutes"]) for row in page["periods"]] == newest
    page = await village.read(lambda c: periods(c, rules, Page(96), booked[2].id))
    assert [(row["period"], row["minutes"]) for row in page["periods"]] == newest[-2:]
    for period in booked:
        one = await village.read(lambda c, p=period: period_detail(c, rules, p.id))  # type: ignore[misc]
        assert (
            one["minutes"],
            one["traded_wh"] + sum(t["wh"] for t in one["trades"] if t["market"] == "ahead"),
        ) == (
            period.minutes,
            1_000,
        )
    span = (OPENS, MIDNIGHT + timedelta(days=1))
    starts = [(int(period.start.timestamp()), period.minutes) for period in booked]
    own = await village.read(lambda c: own_periods(c, rules, amina.id, *span))
    assert [(row["start"], row["minutes"]) for row in own] == starts
    prices = await village.read(lambda c: price_rows(c, rules, *span))
    assert [(row["start"], row["minutes"]) for row in prices] == starts


async def test_another_length_is_announced_so_early_that_no_order_names_an_old_period(village: Village) -> None:
    village.now = OPENED + timedelta(hours=2)
    midnight = MIDNIGHT + timedelta(days=7)  # the first one more than seven days ahead
    for at in (MIDNIGHT, midnight - timedelta(days=1), midnight + timedelta(hours=1)):
        with pytest.raises(SettingsRefused, match=f"choose 00:00 UTC of {midnight:%Y-%m-%d} or of a later day"):
            await announce(village, 15, at, village.now)
    last = period_at(village.now + timedelta(days=7), HALF_HOUR)
    await village.fund(village.chebet, 10_000)
    await village.buy_ahead(village.chebet, last, 1_000, 1_500)  # the latest there can be
    change = await announce(village, 15, midnight, village.now)
    calendar = await village.read(lambda c: calendar_of(c, village.community))
    assert calendar == PeriodCalendar(HALF_HOUR, ((midnight, timedelta(minutes=15)),))

    def withdraw(c: Connection) -> None:
        withdraw_change(c, village.community, change, who="office", reason="no", now=village.now)

    village.now = MIDNIGHT + timedelta(hours=1)
    new = period_at(midnight + timedelta(minutes=15), timedelta(minutes=15))
    await village.buy_ahead(village.chebet, new, 1_000, 1_500)
    with pytest.raises(SettingsRefused, match="taken back: members have orders for periods until 2026-11-28"):
        await village.database.write(withdraw)
    order = (await village.rows(ahead_order))[-1]["id"]
    await village.cancel(village.chebet, order)
    await village.database.write(withdraw)
    calendar = await village.read(lambda c: calendar_of(c, village.community))
    assert calendar.at(midnight).length == HALF_HOUR


async def test_a_community_keeps_the_length_it_began_with(founded: Path, tmp_path: Path) -> None:
    data = copy_of(founded, tmp_path / "hub")
    async with open_village(data) as village:
        for _ in range(2):
            await village.end_period()
    (tmp_path / "daraja.pem").write_bytes(certificate(new_key()))
    config = HubConfig(
        data=data,
        database_url=None if isinstance(where := database_of(data), Path) else where,
        community=community(period_minutes=15),
        users=(),
        daraja=no_daraja(0, tmp_path / "daraja.pem"),
        port=0,
    )
    with pytest.raises(ValueError, match="period_minutes is 15, but the periods of Kisima are 30 minutes long"):
        async with running_hub(config, lambda: OPENED + timedelta(hours=2)):
            pass
