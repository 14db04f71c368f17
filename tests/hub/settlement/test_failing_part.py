from datetime import timedelta
from typing import Any

import pytest
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.reviews import resolve_review

from tests.hub.village import PERIOD, VILLAGE, Village


def broken(*_: Any) -> Any:
    """A rule with a mistake in it."""
    raise KeyError("tariff")


async def forgive(village: Village) -> None:
    for row in await village.rows(tables.review):
        await village.database.write(
            lambda c, i=row["id"]: resolve_review(c, VILLAGE, i, note="mended", who="office", now=village.now)  # type: ignore[misc]
        )


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energy_swap_hub.settlement.service._AFTER_ERROR_SECONDS", 0.0)


async def test_one_failing_part_stops_no_other_and_is_told_once(
    village: Village, monkeypatch: pytest.MonkeyPatch, at_once: None, caplog: pytest.LogCaptureFixture
) -> None:
    await village.fund(village.chebet, 10_000)
    until = village.now + timedelta(minutes=5)
    order = await village.buy(village.chebet, 1_000, 1_000, valid_until=until)
    village.now = until + timedelta(seconds=1)
    with monkeypatch.context() as patch:
        patch.setattr("energy_swap_hub.settlement.service.book_next_period", broken)
        patch.setattr("energy_swap_hub.settlement.service.end_auctions", broken)
        for _ in range(3):
            await village.advance()
    assert (await village.order(order["order"]))["status"] == "expired"
    assert await village.cents(village.chebet) == 10_000
    reviews = [
        (row["kind"], row["subject"], row["evidence"]["error"]) for row in await village.rows(tables.review)
    ]
    assert reviews == [
        ("settlement_failed", "booking of periods: KeyError in broken", "KeyError: 'tariff'"),
        ("settlement_failed", "end of auctions: KeyError in broken", "KeyError: 'tariff'"),
    ]
    assert caplog.text.count("Traceback") == 8, "each try is logged with where it failed"

    await forgive(village)

    # Mended, it goes on where it stood.
    period = await village.end_period()
    assert await village.period_state(period) == "settled"


async def test_a_part_that_failed_rests_before_it_is_tried_again(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("energy_swap_hub.settlement.service.book_next_period", broken)
        await village.advance()
    await forgive(village)
    village.now += PERIOD
    for home in village.homes:
        await village.report(home)
    await village.advance()
    assert await village.rows(tables.period) == []
