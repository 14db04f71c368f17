"""What the hub booked is kept here: events once, periods with their money, corrections, prices."""

import time
from typing import Any, cast
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
from energy_swap_edge.edge import Edge
from energy_swap_edge.events import EventLog, News
from energy_swap_edge.history.periods import History
from energy_swap_edge.household import HouseholdState
from energy_swap_edge.hub_client import HubClient
from energy_swap_edge.records import HubRecords
from energy_swap_edge.state import LiveState
from energy_swap_edge.store import Store

from .broker import Broker
from .conftest import MakeEdge
from .meter import Meter
from .meter import now as clock
from .small_hub import SmallHub, until
from .test_local_api import connected, paired, url

HALF_HOUR = 1800


def booked(start: int, **changes: int) -> dict[str, Any]:
    nothing = dict.fromkeys(("import_wh", "generation_wh", "bought_wh", "own_wh", "paid_cents", "grid_wh"), 0)
    return {
        "start": start, **nothing, "export_wh": 800, "sold_wh": 500, "earned_cents": 600, "grid_cents": 0,
        "revision": 0, "of_a_newer_hub": True,
    } | changes  # fmt: skip


async def asked(edge: Edge, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session:
        headers = await paired(session, edge)
        async with session.get(url(edge, path), headers=headers) as response:
            return response.status, await response.json()


async def test_every_read_wants_a_paired_client(make_edge: MakeEdge) -> None:
    paths = (
        "forecast",
        "advice",
        "prices",
        "history",
        "power",
        "statement",
        "statement.csv",
        "invoices",
        "invoices/7.pdf",
        "market",
    )
    async with make_edge() as edge, aiohttp.ClientSession() as session:
        for path in paths:
            async with session.get(url(edge, path)) as response:
                assert (response.status, (await response.json())["code"]) == (401, "not_paired"), path


async def test_the_hubs_events_are_kept_and_told_once_per_connection(
    admitted_edge: Edge, hub: SmallHub, make_edge: MakeEdge
) -> None:
    async with connected(admitted_edge) as client:
        hub.notifications = [
            {"number": n, "event": "period_settled", "at": 1_795_165_200 + n, "period": "2026-11-20T11:30Z",
             "sold_wh": n, "bought_wh": 0, "earned_cents": 5, "paid_cents": 0}
            for n in range(1, 131)
        ]  # fmt: skip
        hub.notifications[100] = {"number": 101, "event": "paid_out", "at": 5, "cents": 900, "receipt": "QK1"}
        await hub.push()
        seen = [(await client.next("event"))["event"] for _ in range(130)]
        assert [event["data"].get("sold_wh") for event in seen[:3]] == [1, 2, 3]
        assert (seen[0]["kind"], seen[100]["kind"], seen[100]["data"]) == (
            "trade_settled", "paid_out", {"cents": 900, "receipt": "QK1"},
        )  # fmt: skip
        ids = [event["id"] for event in seen]
        assert ids == sorted(set(ids))
        await client.socket.send_json({"type": "events_after", "id": 0})
        hub.notifications.append({"number": 131, "event": "outbid", "at": 6, "auction": "x"})
        await hub.push()  # what was told is not told again
        assert (await client.next("event"))["event"]["kind"] == "outbid"
    async with connected(admitted_edge) as client:
        await client.socket.send_json({"type": "events_after", "id": ids[-2]})
        assert [(await client.next("event"))["event"]["id"] for _ in range(2)] == [ids[-1], ids[-1] + 1]
        await client.socket.send_json({"type": "events_after", "id": 10**30})
        assert (await client.command("nonsense"))["error"]["code"] == "unknown_command"


async def test_events_survive_a_restart_and_come_once(make_edge: MakeEdge, broker: Broker, hub: SmallHub) -> None:
    meter = Meter()
    for round_number in range(2):
        async with make_edge(meter=meter.hex) as edge:
            await until(lambda: edge.is_listening)
            if round_number == 0:
                await broker.publish(meter.topic("reading"), meter.next_text())
                await until(lambda: hub.status == "applied")
                await hub.admit()
            hub.notifications.append({"number": round_number + 1, "event": "topped_up", "at": 7, "cents": 1})
            await until(lambda: edge.state["membership"] == "admitted")
            await hub.push()
            async with connected(edge) as client:
                await client.socket.send_json({"type": "events_after", "id": 0})
                for n in range(round_number + 1):
                    assert (await client.next("event"))["event"]["id"] == n + 1


async def test_own_periods_are_kept_with_money_and_corrected(
    admitted_edge: Edge, broker: Broker, hub: SmallHub
) -> None:
    now = int(time.time())
    period = now // HALF_HOUR * HALF_HOUR - 4 * HALF_HOUR
    hub.periods = [
        booked(period),
        booked(period + HALF_HOUR, sold_wh=0, earned_cents=0, bought_wh=400, paid_cents=500),
    ]
    hub.trades = [{"at": period + HALF_HOUR + 5, "market": "spot", "wh": -300, "cents": 330}]
    hub.prices = [{"start": period, "cents_per_kwh": 1200, "traded_wh": 900, "supply_wh": 1000, "demand_wh": 900}]
    hub.notifications = [{"number": 1, "event": "admitted", "at": period}]
    await hub.push()
    await until(lambda: (admitted_edge.state["earnings"] or {}).get("earned_month_cents") == 930)
    # 400 Wh at the retail tariff of 25.00 would have cost 10.00, and cost 5.00.
    assert admitted_edge.state["earnings"]["saved_month_cents"] == 500
    status, answer = await asked(admitted_edge, f"history?from={period}&to={now}")
    assert (status, answer["period_minutes"]) == (200, 30)
    settled = [row for row in answer["periods"] if row["settled"]]
    assert [(row["start"], row["sold_wh"], row["earned_cents"], row["paid_cents"]) for row in settled] == [
        (period, 500, 600, 0), (period + HALF_HOUR, 300, 330, 500)
    ]  # fmt: skip
    status, prices = await asked(admitted_edge, f"prices?from={period}&to={now}")
    assert prices["now"] >= now
    assert prices["past"] == [
        {
            "start": period, "minutes": 30, "cents_per_kwh": 1200, "traded_wh": 900, "supply_wh": 1000,
            "demand_wh": 900,
        }
    ]  # fmt: skip
    # A day-old period is trued up: the hub tells so.
    hub.periods = [booked(period, earned_cents=700), hub.periods[1]]
    start = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(period))
    hub.notifications.append({"number": 2, "event": "trued_up", "at": now, "period": start, "minted_wh": 1})
    await hub.push()
    await until(lambda: admitted_edge.state["earnings"]["earned_month_cents"] == 1030)
    _, again = await asked(admitted_edge, f"history?from={period}&to={now}")
    corrected = next(row for row in again["periods"] if row["start"] == period)
    assert (corrected["earned_cents"], corrected["revision"]) == (700, settled[0]["revision"] + 1)


async def test_the_statement_and_the_market_are_the_hubs(admitted_edge: Edge, hub: SmallHub) -> None:
    assert await asked(admitted_edge, "statement?from=2026-11-01&to=2026-11-20") == (
        200, {"household": "h-001", "asked": {"from": "2026-11-01", "to": "2026-11-20"}},
    )  # fmt: skip
    status, refused = await asked(admitted_edge, "statement?from=2026-12-01&to=2026-11-20")
    assert (status, refused) == (400, {"code": "bad_request", "message": "from comes before to"})
    assert (await asked(admitted_edge, "market"))[1]["book"]["sells"] == [{"cents_per_kwh": 900, "wh": 5}]
    async with aiohttp.ClientSession() as session:
        headers = await paired(session, admitted_edge)
        async with session.get(url(admitted_edge, "statement.csv"), headers=headers) as response:
            assert (response.content_type, await response.text()) == ("text/csv", "booked_at,kes\n")
        await hub.stop()
        async with session.get(url(admitted_edge, "statement"), headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (503, "hub_unreachable")


async def test_invoices_are_the_hubs_and_a_page_of_each_in_both_languages(
    admitted_edge: Edge, hub: SmallHub
) -> None:
    invoice = {"number": 7, "month": "2026-10", "total_cents": 41_250}
    assert await asked(admitted_edge, "invoices") == (200, {"invoices": [invoice]})
    async with aiohttp.ClientSession() as session:
        headers = await paired(session, admitted_edge)
        for query, language in (("", "en"), ("?language=sw", "sw")):
            async with session.get(url(admitted_edge, f"invoices/7.pdf{query}"), headers=headers) as response:
                assert (response.content_type, await response.text()) == ("application/pdf", f"%PDF in {language}")
    for path, status, words in (
        ("invoices/8.pdf", 502, "there is no invoice 8"),
        ("invoices/x.pdf", 400, "a whole number, like 12, not 'x'"),
        ("invoices/7.pdf?language=fr", 400, "one of en, sw, not 'fr'"),
    ):
        found, told = await asked(admitted_edge, path)
        assert (found, words in told["message"]) == (status, True), path


async def test_what_is_asked_wrongly_is_answered_in_words(admitted_edge: Edge) -> None:
    for query, words in (
        ("from=x", "from is a time in whole Unix seconds"),
        ("from=5&to=4", "from comes before to, at most 400 days"),
        ("from=0&to=4000000000", "at most 400 days"),
    ):
        status, answer = await asked(admitted_edge, f"history?{query}")
        assert (status, answer["code"]) == (400, "invalid_request")
        assert words in answer["message"]


async def test_the_forecast_is_given_by_period(admitted_edge: Edge, make_edge: MakeEdge) -> None:
    status, answer = await asked(admitted_edge, "forecast")
    assert (status, answer["code"]) == (404, "not_yet")  # it does not know where it is, nor past days


async def test_live_power_is_kept_for_minutes(admitted_edge: Edge, broker: Broker, meter: Meter) -> None:
    for at in (7, 8, 8):
        await broker.publish(meter.topic("power"), f'{{"net_w":{at},"at":{at}}}', qos=0)
    await until(lambda: (admitted_edge.state["power"] or {}).get("at") == 8)
    _, answer = await asked(admitted_edge, "power")
    assert answer["power"] == [
        {"at": 7, "net_w": 7, "generation_w": 0}, {"at": 8, "net_w": 8, "generation_w": 0}
    ]  # fmt: skip


async def test_clocks_that_disagree_are_said(
    make_edge: MakeEdge, hub: SmallHub, broker: Broker, meter: Meter
) -> None:
    hub.clock_offset = 400
    async with make_edge() as edge:
        await until(lambda: any(alert["key"] == "clock_off" for alert in edge.state["alerts"]))
        (alert,) = [alert for alert in edge.state["alerts"] if alert["key"] == "clock_off"]
        assert "behind the hub's" in alert["sentence"]
        assert abs(alert["numbers"]["hub_offset_seconds"] - 400) <= 2


async def test_advice_is_asked_for_again_when_own_limits_or_balances_change(tmp_path: Any, hub: SmallHub) -> None:
    store, asked_for = await Store.open(tmp_path), list[str]()
    records = HubRecords(
        cast("HubClient", None),  # nothing is fetched here
        History(store),
        EventLog(store),
        state=LiveState(0),
        clock=clock,
        zone=ZoneInfo("Africa/Nairobi"),
        changed=lambda: asked_for.append("advice"),
        is_told_of_meter=lambda: True,
    )
    hub.status = "admitted"
    changes: tuple[tuple[str, Any, int], ...] = (
        ("guidance", hub.guidance, 1),
        ("guidance", None, 1),  # which comes with each period, and so with its money
        ("limits", (900, 1_700), 2),
        ("ekwh_wh", hub.ekwh_wh + 1, 3),
        ("limits", (900, 1_700), 3),
    )
    for name, value, wanted in changes:
        setattr(hub, name, value)
        records.take(msgspec.convert(hub.state(), HouseholdState))
        assert len(asked_for) == wanted, name
    await store.close()


async def test_an_event_told_twice_is_one(tmp_path: Any) -> None:
    store = await Store.open(tmp_path)
    log, heard = EventLog(store), list[int]()
    log.listeners.append(lambda event: heard.append(event["id"]))
    news = News("hub:1:5:paid_out", "paid_out", 5, {"cents": 1})
    assert len(await log.add([news, news])) == 1
    assert await log.add([news]) == []
    assert heard == [1]
    assert [event["id"] for event in await log.after(0)] == [1]
    await store.close()
