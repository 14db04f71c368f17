"""What a node's troubles look like to the hub: enough to act on, and never the node's address with its key."""

import traceback

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from energy_swap_hub.chain.client import Node, NodeUnavailableError, connect

KEY = "SECRETKEY0123456789"


async def trouble_with(url: str) -> NodeUnavailableError:
    """Ask the node at ``url``, which cannot answer."""
    client = connect(f"{url}/?api-key={KEY}")
    try:
        with pytest.raises(NodeUnavailableError) as unavailable:
            await Node(client).slot()
    finally:
        await client.close()
    return unavailable.value


@pytest.mark.parametrize(
    ("status", "body"), [(401, "{}"), (429, ""), (503, "busy"), (200, "not JSON"), (200, "{}")]
)
async def test_a_nodes_trouble_is_told_without_its_address(status: int, body: str) -> None:
    async def refuse(request: web.Request) -> web.Response:
        assert request.query["api-key"] == KEY, "the node is asked with the key"
        return web.Response(status=status, text=body)

    app = web.Application()
    app.add_routes([web.post("/", refuse)])
    async with TestServer(app) as server:
        error = await trouble_with(str(server.make_url("")).rstrip("/"))
    assert KEY not in "".join(traceback.format_exception(error))
    assert str(error).startswith("getSlot: ")
    assert status == 200 or f"HTTP status {status}" in str(error)


async def test_a_node_that_is_away_is_told_without_its_address() -> None:
    error = await trouble_with(f"http://127.0.0.1:{unused_port()}")
    assert KEY not in "".join(traceback.format_exception(error))
    assert str(error) == "getSlot: ConnectError"


@pytest.mark.parametrize(("told", "least", "most"), [("7", 6.5, 7), ("", 9.5, 10), ("100000", 299, 300)])
async def test_a_node_that_is_asked_too_often_is_left_alone_as_long_as_it_says(
    told: str, least: float, most: float
) -> None:
    asked = 0

    async def refuse(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=429, headers={"Retry-After": told} if told else {})

    app = web.Application()
    app.add_routes([web.post("/", refuse)])
    async with TestServer(app) as server:
        client = connect(str(server.make_url("")))
        node = Node(client)
        for _ in range(5):
            with pytest.raises(NodeUnavailableError) as unavailable:
                await node.slot()
            assert least <= unavailable.value.wait_seconds <= most
        await client.close()
    assert asked == 1, "nothing is asked of it meanwhile"
