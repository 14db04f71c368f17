from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.settlement import tables
from energy_swap_hub.storage import Database
from energy_swap_hub.web.guidance_view import guidance
from sqlalchemy import Connection, insert

from tests.hub.village import OPENED, PERIOD, VILLAGE, community

from .conftest import Hub, clock

NOW = OPENED + timedelta(minutes=1)


def book_periods(connection: Connection, number: int, *, last_end: Any = OPENED, **changes: Any) -> None:
    """Record periods that cleared at 13.00, the last one ending at ``last_end``."""
    for n in range(number):
        cleared: dict[str, Any] = {
            "cents_per_kwh": 1_300,
            "supply_wh": 3_000,
            "demand_wh": 2_000,
            "traded_wh": 1_500,
        }
        connection.execute(
            insert(tables.period).values(
                community_id=VILLAGE,
                start=last_end - (n + 1) * PERIOD,
                state="settled",
                booked_at=last_end,
                settled_at=last_end,
                intents=[],
                **cleared | changes,
            )
        )


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = Database.open(None)
    yield opened
    await opened.close()


async def seen(database: Database, *written: Callable[[Connection], None]) -> dict[str, Any]:
    for change in written:
        await database.write(change)
    return await database.read(lambda c: guidance(c, community(), NOW))


async def test_a_new_community_is_told_how_much_is_missing(database: Database) -> None:
    nothing = {
        "suggested_sell": None,
        "suggested_buy": None,
        "week_average": None,
        "now_against_week_percent": None,
    }
    assert await seen(database) == {**nothing, "sentence": {"key": "too_little_data", "periods": 0, "needed": 12}}
    assert await seen(database, lambda c: book_periods(c, 11)) == {
        **nothing,
        "sentence": {"key": "too_little_data", "periods": 11, "needed": 12},
    }


async def test_periods_older_than_a_week_do_not_count(database: Database) -> None:
    old = OPENED - timedelta(days=7)
    advice = await seen(
        database, lambda c: book_periods(c, 12), lambda c: book_periods(c, 20, last_end=old, cents_per_kwh=2_000)
    )
    assert (advice["week_average"], advice["suggested_sell"]) == (1_300, 1_040)


async def test_periods_of_another_community_do_not_count(database: Database) -> None:
    await database.write(lambda c: book_periods(c, 12))
    other = await database.read(lambda c: guidance(c, community(id="mlimani"), NOW))
    assert other["sentence"]["periods"] == 0


async def test_a_balance_of_long_ago_is_not_taken_for_now(database: Database) -> None:
    advice = await seen(database, lambda c: book_periods(c, 12, last_end=NOW - timedelta(hours=2, minutes=1)))
    assert advice == {
        "suggested_sell": None,
        "suggested_buy": None,
        "week_average": 1_300,
        "now_against_week_percent": None,
        "sentence": {"key": "nothing_recent"},
    }


async def test_a_household_is_shown_guidance(config: HubConfig) -> None:
    database = Database.open(Path(config.data) / "hub.sqlite")
    await database.write(lambda c: book_periods(c, 12))
    await database.close()
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        hub = Hub(url, config, session)
        state = await (await hub.signed(hub.homes[0].key, "GET", "/household")).json()
        await hub.close()
    assert state["guidance"] == {
        "suggested_sell": 1_040,
        "suggested_buy": 1_040,
        "week_average": 1_300,
        "now_against_week_percent": -20,
        "sentence": {"key": "below_week", "percent": 20},
    }
