from datetime import timedelta
from typing import Any

import pytest
from energy_swap_hub.settlement import machine_tables, tables
from energy_swap_hub.settlement.reviews import resolve_review
from energy_swap_protocol.period import period_at

from tests.hub.village import OPENED, PERIOD, VILLAGE, Village


def broken(*_: Any) -> Any:
    """A rule with a mistake in it."""
    raise KeyError("tariff")


async def forgive(village: Village) -> None:
    for row in await village.rows(tables.review):
        await village.database.write(
            lambda c, i=row["id"]: resolve_review(c, VILLAGE, i, note="mended", who="office", now=village.now)  # type: ignore[misc]
        )


async def test_one_failing_step_stops_no_other_and_is_told_once(
    village: Village, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await village.fund(village.chebet, 10_000)
    until = village.now + PERIOD
    order = await village.buy(village.chebet, 1_000, 1_000, valid_until=until)
    village.now = until + timedelta(seconds=1)
    with monkeypatch.context() as patch:
        patch.setattr("energy_swap_hub.settlement.service.book_next_period", broken)
        patch.setattr("energy_swap_hub.settlement.service.end_auctions", broken)
        for _ in range(3):
            await village.advance()
            village.now += timedelta(minutes=1)
    assert (await village.order(order["order"]))["status"] == "expired"
    assert await village.cents(village.chebet) == 10_000
    reviews = [
        (row["kind"], row["subject"], row["evidence"]["error"]) for row in await village.rows(tables.review)
    ]
    assert reviews == [
        ("settlement_failed", f"period {period_at(OPENED, PERIOD).id}: KeyError in broken", "KeyError: 'tariff'"),
        ("settlement_failed", "auctions end: KeyError in broken", "KeyError: 'tariff'"),
    ]
    assert caplog.text.count("Traceback") == 6, "each try is logged with where it failed"

    await forgive(village)

    # Mended, it goes on where it stood.
    period = await village.end_period()
    assert await village.period_state(period) == "settled"


async def test_a_step_that_failed_rests_longer_each_time_and_all_tries_are_in_the_journal(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.now += PERIOD
    for home in village.homes:
        await village.report(home)
    tries: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr("energy_swap_hub.settlement.service.book_next_period", broken)
        for second in range(40):
            await village.advance()
            if len(await journal(village)) > len(tries):
                tries.append(second)
            village.now += timedelta(seconds=1)
    assert tries == [0, 5, 15, 35]
    await forgive(village)
    await village.advance()
    assert await village.rows(tables.period) == [], "it rests for 40 s"
    village.now += timedelta(seconds=40)
    await village.advance()
    assert [row["state"] for row in await village.rows(tables.period)] == ["settled"]
    steps = [(step["version"], step["state"], step["error"]) for step in await journal(village)]
    assert steps == [*((n, "waiting", "KeyError: 'tariff'") for n in range(1, 5)), (5, "booked", None)]


async def journal(village: Village) -> list[dict[str, Any]]:
    return [step for step in await village.rows(machine_tables.saga_step) if step["kind"] == "period"]
