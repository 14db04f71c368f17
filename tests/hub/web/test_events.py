"""A household's live connection that breaks: what it was told meanwhile is all there, once and in order."""

import asyncio
import socket
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType
from energy_swap_hub.config import HubConfig
from energy_swap_hub.storage import Database
from energy_swap_protocol.message import Leave, StandingOrder

from .conftest import API, Hub
from .test_review_actions import WISH, lose_top_up


async def connect(hub: Hub) -> ClientWebSocketResponse:
    target = f"{API}/household/events"
    return await hub.session.ws_connect(target, headers=hub.header(hub.homes[0].key, "GET", target))


async def told_after(hub: Hub, number: int) -> list[dict[str, Any]]:
    answer = await hub.signed(hub.homes[0].key, "GET", f"/household/notifications?after={number}")
    told: list[dict[str, Any]] = (await answer.json())["notifications"]
    return told


async def test_who_was_cut_off_goes_on_after_the_last_number_and_is_told_each_event_once(
    config: HubConfig, hub: Hub
) -> None:
    amina, office = hub.homes[0].key, await hub.admin()
    database = Database.open(config.data / "hub.sqlite")
    await database.write(lose_top_up)
    await database.close()
    async with asyncio.timeout(120):
        first = await connect(hub)
        seen = (await first.receive_json())["last_notification"]
        assert (await hub.send(amina, StandingOrder(**hub.head(), sell_at_least=901))).status == 200
        while (state := await first.receive_json())["standing_order"]["sell_at_least"] != 901:
            pass
        assert state["last_notification"] == seen, "nothing happened to it yet"

        # The line breaks, without a word of either side; then two things happen to the household.
        first.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        assert (await first.receive()).type in {WSMsgType.CLOSED, WSMsgType.ERROR}
        reviews = (await (await office.get("/reviews")).json())["reviews"]
        (lost,) = [one["id"] for one in reviews if one["kind"] == "top_up_unresolved"]
        assert (await office.post(f"/reviews/{lost}/resolve", WISH)).status == 200
        assert (await hub.send(amina, Leave(**hub.head(), reason="we move to Kisumu"))).status == 200

        again = await connect(hub)
        state = await again.receive_json()
        told = await told_after(hub, seen)
        assert [one["event"] for one in told] == ["topped_up", "leaving"]
        assert (told[0]["cents"], told[0]["receipt"]) == (50_000, "SKJ4H7T2QX")
        assert seen < told[0]["number"] < told[1]["number"] == state["last_notification"]
        assert await told_after(hub, seen) == told, "an answer that was lost is asked for again"
        assert await told_after(hub, told[0]["number"]) == told[1:]
        assert await told_after(hub, told[1]["number"]) == []
        await again.close()
