import asyncio

from aiohttp import ClientSession, WSMsgType
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub

from .conftest import API, CONSOLE, Hub, clock


async def test_open_pages_and_edges_do_not_hold_up_a_stop(config: HubConfig) -> None:
    url = f"http://127.0.0.1:{config.port}"
    async with ClientSession(url) as session, asyncio.timeout(60):
        hub = Hub(url, config, session)
        async with running_hub(config, clock):
            admin = await hub.admin()
            page = await admin.session.ws_connect(f"{CONSOLE}/live")
            target = f"{API}/household/events"
            edge = await session.ws_connect(target, headers=hub.header(hub.homes[0].key, "GET", target))
            await page.receive_json()
            assert (await edge.receive_json())["household"] == "h-001"
            begun = asyncio.get_running_loop().time()
            listening = asyncio.gather(edge.receive(), _last(page))
        assert asyncio.get_running_loop().time() - begun < 30  # aiohttp by itself waits for a minute
        assert [message.type for message in await listening] == [WSMsgType.CLOSE, WSMsgType.CLOSE]
        await hub.close()


async def _last(page: object) -> object:
    while (message := await page.receive()).type == WSMsgType.TEXT:  # type: ignore[attr-defined]
        pass
    return message
