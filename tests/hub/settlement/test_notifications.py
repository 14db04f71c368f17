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

from tests.hub.village import VILLAGE, Village


async def test_each_event_is_told_once_in_order_to_whom_it_concerns(village: Village) -> None:
    amina, brian = village.amina.id, village.brian.id

    def tell(connection: Connection) -> None:
        told = [Notification(amina, Event.OUTBID, {"auction": str(n)}) for n in range(3)]
        notify(connection, VILLAGE, [*told, Notification(brian, Event.METER_SILENT, {})], village.now)

    await village.database.write(tell)
    seen, numbers = 0, []
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
