from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.guidance import Sentence
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.reputation import MEMORY, Facts
from energy_swap_hub.settlement.settings import Rules
from energy_swap_hub.storage import Database
from energy_swap_hub.web.guidance_view import ENGLISH, RememberedAdvice, advice
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
    return await database.read(lambda c: advice(c, Rules(community(), ()), NOW)["guidance"])


async def test_a_new_community_is_told_how_much_is_missing(database: Database) -> None:
    nothing = {
        "suggested_sell": None,
        "suggested_buy": None,
        "week_average": None,
        "now_against_week_percent": None,
    }
    told = {"key": "too_little_data", "numbers": {"periods": 0, "needed": 12}}
    sentence = "Too little has been traded to advise: 0 of the 12 periods with a price that are needed in a week."
    assert await seen(database) == {**nothing, **told, "sentence": sentence}
    known = await seen(database, lambda c: book_periods(c, 11))
    assert (known["key"], known["numbers"]) == ("too_little_data", {"periods": 11, "needed": 12})
    assert {name: known[name] for name in nothing} == nothing


async def test_periods_older_than_a_week_do_not_count(database: Database) -> None:
    old = OPENED - timedelta(days=7)
    advice = await seen(
        database, lambda c: book_periods(c, 12), lambda c: book_periods(c, 20, last_end=old, cents_per_kwh=2_000)
    )
    assert (advice["week_average"], advice["suggested_sell"]) == (1_300, 1_040)


async def test_periods_of_another_community_do_not_count(database: Database) -> None:
    await database.write(lambda c: book_periods(c, 12))
    other = await database.read(lambda c: advice(c, Rules(community(id="mlimani"), ()), NOW)["guidance"])
    assert other["numbers"]["periods"] == 0


async def test_a_balance_of_long_ago_is_not_taken_for_now(database: Database) -> None:
    advice = await seen(database, lambda c: book_periods(c, 12, last_end=NOW - timedelta(hours=2, minutes=1)))
    assert advice == {
        "suggested_sell": None,
        "suggested_buy": None,
        "week_average": 1_300,
        "now_against_week_percent": None,
        "sentence": "What is offered and wanted now is not known; only the week's average is.",
        "key": "nothing_recent",
        "numbers": {},
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
        "sentence": "Prices are 20 % below the week's average.",
        "key": "below_week",
        "numbers": {"percent": 20},
    }
    assert state["outlook"]["sentences"][-1].startswith("For each kWh that neighbours lacked in the last week")
    assert len(state["outlook"]["by_hour"]) == 24
    assert state["balancing"]["sentences"] == [
        "Too little has been measured to advise: 1 of the 3 days that are needed."
    ]
    assert state["reputation"] == {
        "basis_points": 8_000,
        "reason": "Nothing is known yet, and everybody starts at 80 %.",
        "facts": asdict(Facts()) | {"days": MEMORY.days},
    }


def test_every_sentence_has_words_and_the_console_has_them_in_both_languages() -> None:
    assert set(ENGLISH) == set(Sentence)
    console = Path(__file__).parents[3] / "hub" / "console" / "src" / "words"
    for language in ("en.ts", "sw.ts"):
        words = (console / language).read_text(encoding="utf-8")
        for sentence in Sentence:
            assert f'"guidance.{sentence.value}"' in words, f"{language} has no guidance.{sentence.value}"


def book_days(connection: Connection, days: int) -> None:
    """Record noons with 1.2 kWh left over and evenings that lack 1.5 kWh, in Nairobi."""
    for day in range(1, days + 1):
        midnight = OPENED - timedelta(hours=12, days=day)
        for hour, supply_wh, demand_wh, price in ((11, 800, 200, 1_000), (19, 250, 1_000, 1_900)):
            for part in range(2):
                connection.execute(
                    insert(tables.period).values(
                        community_id=VILLAGE,
                        start=midnight + timedelta(hours=hour, minutes=30 * part),
                        state="settled",
                        cents_per_kwh=price,
                        supply_wh=supply_wh,
                        demand_wh=demand_wh,
                        traded_wh=min(supply_wh, demand_wh),
                        booked_at=OPENED,
                        settled_at=OPENED,
                        intents=[],
                    )
                )


async def test_balancing_says_when_to_use_energy_and_what_the_evening_would_pay(database: Database) -> None:
    await database.write(lambda c: book_days(c, 3))
    found = await database.read(lambda c: advice(c, Rules(community(), ()), NOW)["balancing"])
    assert found == {
        "sentences": [
            "Between 11:00 and 12:00 the neighbourhood has 1.2 kWh more than it needs on an average day: run "
            "pumps, laundry and charging then.",
            "Between 19:00 and 20:00 it lacks 1.5 kWh: a battery that gives 1.1 kWh, or energy saved, would be "
            "bought at about KES 19.00 per kWh.",
        ],
        "days": 3,
        "needed": 3,
        "surplus": {"from": 11, "until": 12, "wh": 1_200},
        "shortage": {"from": 19, "until": 20, "wh": 1_500},
        "mix": {"neighbours": 500, "battery": 1_080, "grid": 420},
        "worth": 1_900,
    }
    # A battery's kWh at 1,000 / 0.9 + 200 is dearer than the grid's at 1,200, unless carbon counts.
    cheap = community(tariffs=(Tariff(OPENED - timedelta(days=9), 50, 150, 1_200, 300),))
    assert "battery" not in (await database.read(lambda c: advice(c, Rules(cheap, ()), NOW)["balancing"]))["mix"]
    priced = msgspec.structs.replace(cheap, grid_grams_per_kwh=200, carbon_cents_per_kg=1_000)
    assert (await database.read(lambda c: advice(c, Rules(priced, ()), NOW)["balancing"]))["mix"][
        "battery"
    ] == 1_080


async def test_remembered_advice_is_what_would_be_worked_out_anew(database: Database) -> None:
    await database.write(lambda c: book_days(c, 5))
    remembered, looked, rules = RememberedAdvice(), 0, Rules(community(), ())

    def look(connection: Connection, at: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
        return remembered(connection, rules, at), advice(connection, rules, at)

    for minutes in range(0, 60 * 14, 10):
        at = NOW + timedelta(minutes=minutes)
        if minutes == 300:
            await database.write(lambda c: book_periods(c, 14, last_end=OPENED + 10 * PERIOD))
        kept, anew = await database.read(lambda c, at=at: look(c, at))  # type: ignore[misc]
        assert kept == anew
        looked += await database.read(lambda c, at=at: remembered(c, rules, at)) is kept  # type: ignore[misc]
    assert looked == 6 * 14, "asked twice at the same time, it is the very same"
