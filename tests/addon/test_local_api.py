"""What Home Assistant meets: pairing, snapshot and changes, commands and their errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from energy_swap_edge import commands
from energy_swap_edge.api import connection
from energy_swap_edge.api.pairing import Pairing, TooManyAttempts, WrongCode
from energy_swap_edge.edge import Edge
from energy_swap_edge.store import Store
from energy_swap_protocol.message import SellOrder, StartAuction
from energy_swap_protocol.transaction import ChainInfo, complete_as_hub, lock_message
from solders.pubkey import Pubkey

from .broker import Broker
from .conftest import MakeEdge
from .meter import Meter, now
from .small_hub import SmallHub, until


def url(edge: Edge, path: str) -> str:
    return f"http://127.0.0.1:{edge.api_port}/api/v1/{path}"


async def paired(session: aiohttp.ClientSession, edge: Edge) -> dict[str, str]:
    body = {"code": edge.pairing_code, "client": "Home Assistant", "unknown": 1}
    async with session.post(url(edge, "pair"), json=body) as response:
        assert response.status == 200
        return {"Authorization": f"Bearer {(await response.json())['token']}"}


class Client:
    """A paired client whose hello and snapshot have come."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                if message["type"] == kind:
                    return message

    async def command(self, command: str, **data: Any) -> dict[str, Any]:
        await self.socket.send_json({"type": "command", "id": 5, "command": command, "data": data, "new": True})
        result = await self.next("result")
        assert result["id"] == 5
        return result


@asynccontextmanager
async def connected(edge: Edge) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        headers = await paired(session, edge)
        async with session.ws_connect(url(edge, "ws"), headers=headers) as socket:
            client = Client(socket)
            assert (await socket.receive_json())["type"] == "hello"
            assert (await socket.receive_json())["type"] == "snapshot"
            yield client


async def test_anyone_may_ask_who_the_edge_is(make_edge: MakeEdge) -> None:
    async with make_edge() as edge, aiohttp.ClientSession() as session, session.get(url(edge, "info")) as response:
        assert await response.json() == {
            "api_version": 1, "edge_version": "0.1.0", "edge_id": edge.edge_id, "name": "Amina's house",
            "time_zone": "Africa/Nairobi",
        }  # fmt: skip


async def test_pairing_gives_a_token_and_a_new_code_and_both_survive_a_restart(make_edge: MakeEdge) -> None:
    async with aiohttp.ClientSession() as session:
        async with make_edge() as edge:
            first, edge_id = edge.pairing_code, edge.edge_id
            assert len(first) == 6
            assert first.isdigit()
            headers = await paired(session, edge)
            second = edge.pairing_code
            assert second != first
            async with session.post(url(edge, "pair"), json={"code": first, "client": "x"}) as response:
                assert response.status == 403
        async with make_edge() as edge:
            assert (edge.pairing_code, edge.edge_id) == (second, edge_id)
            async with session.ws_connect(url(edge, "ws"), headers=headers) as socket:
                hello = await socket.receive_json()
                assert hello == {
                    "type": "hello", "api_version": 1, "edge_version": "0.1.0", "edge_id": edge_id,
                    "name": "Amina's house", "time_zone": "Africa/Nairobi",
                }  # fmt: skip


async def test_the_token_itself_is_not_kept(make_edge: MakeEdge, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session, make_edge() as edge:
        token = (await paired(session, edge))["Authorization"].removeprefix("Bearer ")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "edge").iterdir())
    assert token.encode() not in kept


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}])
async def test_the_websocket_is_closed_to_strangers(make_edge: MakeEdge, headers: dict[str, str]) -> None:
    async with (
        make_edge() as edge,
        aiohttp.ClientSession() as session,
        session.get(url(edge, "ws"), headers=headers) as response,
    ):
        assert response.status == 401


async def test_five_wrong_codes_lock_pairing_even_for_the_right_one(make_edge: MakeEdge) -> None:
    async with make_edge() as edge, aiohttp.ClientSession() as session:
        wrong = f"{(int(edge.pairing_code) + 1) % 1_000_000:06d}"
        answers = []
        for code in (*[wrong] * 5, edge.pairing_code):
            async with session.post(url(edge, "pair"), json={"code": code, "client": "x"}) as response:
                answers.append((response.status, (await response.json())["code"]))
        assert answers == [(403, "wrong_code")] * 5 + [(429, "too_many_attempts")]
        for body in (b"", b"[1]", b'{"code": 5}'):
            async with session.post(url(edge, "pair"), data=body) as response:
                assert response.status == 400


async def test_the_lock_out_ends_after_five_minutes(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    time = 1000.0
    pairing = await Pairing.load(store, now, lambda: time)
    for _ in range(5):
        with pytest.raises(WrongCode):
            await pairing.pair("x", "client")
    with pytest.raises(TooManyAttempts):
        await pairing.pair(pairing.code, "client")
    time += 299
    with pytest.raises(TooManyAttempts) as caught:
        await pairing.pair(pairing.code, "client")
    assert caught.value.retry_after == 2
    time += 2
    assert pairing.client_of(await pairing.pair(pairing.code, "client"))
    await store.close()


async def test_a_snapshot_comes_first_and_then_only_what_changes(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    await until(lambda: admitted_edge.state["hub"]["queue"] == 0 and admitted_edge.state["meter"] is not None)
    async with aiohttp.ClientSession() as session:
        headers = await paired(session, admitted_edge)
        async with session.ws_connect(url(admitted_edge, "ws"), headers=headers) as socket:
            await socket.receive_json()
            state = (await socket.receive_json())["state"]
            assert set(state) == {
                "power", "meter", "hub", "membership", "wallet", "energy", "market", "orders", "auctions",
                "ahead_orders", "contracts", "partners", "last_settlement", "guidance", "forecast", "tariffs",
                "earnings", "reputation", "advice", "tips", "alerts", "trader", "relay", "enrolment",
            }  # fmt: skip
            assert state["membership"] == "admitted"
            assert state["market"] == {
                "clearing_cents_per_kwh": 1875, "period": "2026-11-20T11:30Z", "sell_at_least": 1500,
                "buy_at_most": None, "best_sell": None, "best_buy": None, "is_net_metered": False,
            }  # fmt: skip
            assert state["guidance"] == hub.guidance
            assert (state["ahead_orders"], state["contracts"], state["partners"]) == (
                hub.ahead_orders, hub.contracts, ["h-002"],
            )  # fmt: skip
            client, topic = Client(socket), meter.topic("power")
            await broker.publish(topic, '{"net_w":30,"generation_w":0,"at":8}', qos=0)
            while "power" not in (await client.next("change"))["state"]:
                pass  # with what had changed just before
            await broker.publish(topic, '{"net_w":40,"generation_w":0,"at":9}', qos=0)
            change = await client.next("change")
            assert change == {
                "type": "change",
                "state": {"power": {"net_w": 40, "surplus_w": 0, "generation_w": 0, "at": 9}},
            }


async def test_a_sale_carries_a_lock_that_the_hub_can_complete(admitted_edge: Edge, hub: SmallHub) -> None:
    hub.results["sell"] = {"status": "open", "order": "o", "filled_wh": 0, "remaining_wh": 1500, "trades": []}
    async with connected(admitted_edge) as client:
        answer = await client.command("sell", wh=1500, at_least=1800, valid_for_minutes=60, post_only=True)
        assert answer["ok"]
        assert answer["result"]["remaining_wh"] == 1500
        terms = {"wh": 500, "start_price": 1000, "minutes": 10, "reserve_price": 1200, "minimum_step": 25}
        assert (await client.command("start_auction", **terms))["ok"]
    household = admitted_edge.key.wallet

    def chain(blockhash: Any) -> ChainInfo:
        return ChainInfo(Pubkey([3] * 32), Pubkey([4] * 32), hub.payer.pubkey(), blockhash)

    sale = next(message for message in hub.messages if isinstance(message, SellOrder))
    assert (sale.wh, sale.at_least, sale.post_only, sale.minimum_reputation) == (1500, 1800, True, 0)
    assert sale.valid_until is not None
    assert abs(sale.valid_until - sale.sent_at - 3600) <= 1
    complete_as_hub(sale.lock, lambda b: lock_message(chain(b), household, 1500, sale.id), household, hub.payer)
    auction = next(message for message in hub.messages if isinstance(message, StartAuction))
    assert (auction.reserve_price, auction.minimum_step) == (1200, 25)
    complete_as_hub(
        auction.lock, lambda b: lock_message(chain(b), household, 500, auction.id), household, hub.payer
    )


async def test_the_other_commands_reach_the_hub_as_they_were_given(admitted_edge: Edge, hub: SmallHub) -> None:
    order = UUID(int=77)
    async with connected(admitted_edge) as client:
        for command, data in (
            ("buy", {"wh": 900, "at_most": 2000}),
            ("cancel_order", {"order": str(order)}),
            ("set_limits", {"sell_at_least": None, "buy_at_most": 2100}),
            ("bid", {"auction": str(order), "price": 1700}),
            ("top_up", {"kes": 250}),
            ("pay_out", {}),
            ("choose_partners", {"partners": ["h-002", "h-007"]}),
            ("sell_ahead", {"period": "2026-11-21T12:30Z", "wh": 1500, "at_least": 1000}),
            ("buy_ahead", {"period": "2026-11-21T13:00Z", "wh": 600, "at_most": 1400}),
            ("buy", {"wh": 500, "at_most": 2000, "seller": "h-001", "post_only": True, "minimum_reputation": 90}),
        ):
            assert (await client.command(command, **data))["ok"], command
    sent = hub.messages[1:]
    assert hub.kinds()[1:] == [
        "buy", "cancel", "standing_order", "bid", "top_up", "pay_out", "choose_partners",
        "sell_ahead", "buy_ahead", "buy",
    ]  # fmt: skip
    assert [getattr(m, "wh", None) for m in sent] == [900, None, None, None, None, None, None, 1500, 600, 500]
    chosen = (sent[9].seller, sent[9].post_only, sent[9].minimum_reputation)  # type: ignore[union-attr]
    assert chosen == ("h-001", True, 90)
    assert (sent[0].seller, sent[0].post_only) == (None, False)  # type: ignore[union-attr]
    assert sent[6].partners == ("h-002", "h-007")  # type: ignore[union-attr]
    assert (sent[7].period, sent[7].at_least) == ("2026-11-21T12:30Z", 1000)  # type: ignore[union-attr]
    assert (sent[8].period, sent[8].at_most) == ("2026-11-21T13:00Z", 1400)  # type: ignore[union-attr]
    assert (sent[2].sell_at_least, sent[2].buy_at_most) == (None, 2100)  # type: ignore[union-attr]
    assert sent[4].kes == 250  # type: ignore[union-attr]


async def test_a_refusal_of_the_hub_is_the_commands_error(admitted_edge: Edge, hub: SmallHub) -> None:
    hub.refusals["pay_out"] = (409, "nothing_to_pay", "the wallet is empty")
    async with connected(admitted_edge) as client:
        assert (await client.command("pay_out"))["error"] == {
            "code": "nothing_to_pay", "message": "the wallet is empty"
        }  # fmt: skip


async def test_commands_that_make_no_sense_are_refused_here(admitted_edge: Edge, hub: SmallHub) -> None:
    async with connected(admitted_edge) as client:
        assert (await client.command("fly"))["error"]["code"] == "unknown_command"
        for command, data in (
            ("sell", {"wh": 0, "at_least": 5}),
            ("buy", {"wh": 1.5}),
            ("sell", {"wh": 500, "at_least": 5, "minimum_reputation": 101}),
            ("bid", {"auction": "x"}),
        ):
            assert (await client.command(command, **data))["error"]["code"] == "invalid_data"
        for period, words in (
            ("tomorrow", "period: tomorrow names no period; write it like 2026-11-20T11:30Z"),
            (
                "2026-11-21T12:10Z",
                "period: no period of 15 minutes starts at 2026-11-21T12:10Z; one starts",
            ),
        ):
            ahead = await client.command("sell_ahead", period=period, wh=500, at_least=900)
            assert ahead["error"]["code"] == "invalid_data"
            assert ahead["error"]["message"].startswith(words)
        too_many = await client.command("choose_partners", partners=[f"h-{n:03}" for n in range(21)])
        assert "length <= 20" in too_many["error"]["message"]
        await client.socket.send_str("{")
        assert (await client.next("result"))["error"]["code"] == "invalid_message"
        assert (await client.command("top_up", kes=10))["ok"]
    assert hub.kinds() == ["apply", "top_up"]


async def test_a_lost_answer_is_asked_for_again_with_the_same_message(admitted_edge: Edge, hub: SmallHub) -> None:
    hub.answers_to_lose = 2
    async with connected(admitted_edge) as client:
        assert (await client.command("top_up", kes=10))["ok"]
    assert hub.kinds().count("top_up") == 1


async def test_an_unreachable_hub_and_a_silent_one_are_told_apart(
    admitted_edge: Edge, hub: SmallHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_ATTEMPTS", 2)
    async with connected(admitted_edge) as client:
        hub.answers_to_lose = 99
        assert (await client.command("top_up", kes=10))["error"]["code"] == "no_answer"
        hub.answers_to_lose = 0
        await hub.stop()
        assert (await client.command("top_up", kes=20))["error"]["code"] == "hub_unreachable"
    assert hub.kinds().count("top_up") == 1


async def test_a_household_that_is_no_member_is_told_so(make_edge: MakeEdge, hub: SmallHub) -> None:
    async with make_edge() as edge, connected(edge) as client:
        answer = await client.command("buy", wh=500, at_most=5)
        assert answer["error"]["code"] == "not_admitted"
    assert hub.posts == 0


async def test_a_client_that_does_not_read_is_dropped_and_hurts_nobody(
    admitted_edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_QUEUE", 3)
    async with connected(admitted_edge) as asleep, connected(admitted_edge) as awake:
        for number in range(12):
            admitted_edge.state.set("orders", [{"id": f"{number}", "padding": "x" * 2_000_000}])
            change = await awake.next("change")
            while "orders" not in change["state"]:
                change = await awake.next("change")
        admitted_edge.state.set("orders", [])
        ends = {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        async with asyncio.timeout(60):  # what was on its way arrives, then the end
            while (await asleep.socket.receive()).type not in ends:
                pass
        assert (await awake.command("top_up", kes=10))["ok"]


async def test_guidance_goes_when_the_hub_gives_none(admitted_edge: Edge, hub: SmallHub) -> None:
    await until(lambda: admitted_edge.state["guidance"] is not None)
    hub.guidance = None
    await hub.push()
    await until(lambda: admitted_edge.state["guidance"] is None)
