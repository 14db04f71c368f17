from typing import Any

import pytest
from energy_swap_hub.settlement.notifications import (
    Event,
    Notification,
    last_notification,
    notifications_after,
    notify,
)
from sqlalchemy import Connection

from tests.hub.village import FEES, VILLAGE, Home, Village


async def test_each_event_is_told_once_in_order_to_whom_it_concerns(village: Village) -> None:
    amina, brian = village.amina.id, village.brian.id

    def tell(connection: Connection) -> None:
        told = [Notification(amina, Event.OUTBID, {"auction": str(n)}) for n in range(3)]
        notify(connection, VILLAGE, [*told, Notification(brian, Event.METER_SILENT, {})], village.now)

    before = await village.read(lambda c: last_notification(c, VILLAGE, amina))
    await village.database.write(tell)
    seen, numbers = before, []
    while told := await village.read(lambda c: notifications_after(c, VILLAGE, amina, seen, limit=2)):  # noqa: B023
        numbers += [(event["event"], event["auction"]) for event in told]
        seen = told[-1]["number"]
    assert numbers == [("outbid", "0"), ("outbid", "1"), ("outbid", "2")]
    assert seen == await village.read(lambda c: last_notification(c, VILLAGE, amina))


async def test_what_did_not_happen_is_not_told(village: Village) -> None:
    before = await village.read(lambda c: last_notification(c, VILLAGE, village.amina.id))

    def fail(connection: Connection) -> Any:
        notify(connection, VILLAGE, [Notification(village.amina.id, Event.OUTBID, {})], village.now)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await village.database.write(fail)
    assert await village.read(lambda c: last_notification(c, VILLAGE, village.amina.id)) == before


async def told(village: Village, home: Home) -> list[dict[str, Any]]:
    """What a household was told since it was admitted, without numbers and times of their own."""
    events = await village.read(lambda c: notifications_after(c, VILLAGE, home.id, 0))
    own = ("number", "at", "order", "receipt")
    return [{name: value for name, value in event.items() if name not in own} for event in events]


async def test_a_household_is_told_of_all_that_moves_its_money_or_tokens(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.fund(chebet, 10_000)
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=1_000)
    period = await village.end_period({amina.id: 3_000, chebet.id: -1_000})
    settled = {"event": "period_settled", "period": period}
    assert await told(village, amina) == [
        {"event": "admitted"},
        {**settled, "sold_wh": 1_000, "bought_wh": 0, "earned_cents": 1_000, "paid_cents": 0},
    ]
    assert await told(village, chebet) == [
        {"event": "admitted"},
        {"event": "topped_up", "cents": 10_000},
        {**settled, "sold_wh": 0, "bought_wh": 1_000, "earned_cents": 0, "paid_cents": 1_000 + FEES},
    ]


async def test_a_meter_that_falls_silent_is_told_once(village: Village) -> None:
    david = village.david
    for _ in range(3):
        await village.end_period(silent=(david.id,))
    assert [event["event"] for event in await told(village, david)] == ["admitted", "meter_silent"]
