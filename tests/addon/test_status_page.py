"""The status page says in two languages what works and what does not; Home Assistant is told where the edge is."""

import string
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from energy_swap_edge.api.pairing import Pairing
from energy_swap_edge.api.status_page import View, page, rows
from energy_swap_edge.api.status_words import WORDS, chosen_language
from energy_swap_edge.state import LiveState
from energy_swap_edge.store import Store
from energy_swap_edge.supervisor import announce

from .broker import Broker
from .conftest import MakeEdge
from .meter import now
from .small_hub import until
from .test_local_api import url

NOW = 1_795_165_200  # 20 November 2026, 12:00 in Nairobi


def view(**state: Any) -> View:
    live = LiveState(NOW - 3_600)
    for key, value in state.items():
        live.set(key, value)
    zone = ZoneInfo("Africa/Nairobi")
    return View("Amina's <house>", "0.1.0", live.snapshot(), True, NOW - 60, "123456", 2, NOW, zone)


METER = {"key": "k", "status": "live", "export_wh": 1, "import_wh": 1, "generation_wh": 1, "measured_at": NOW - 60}
WELL: dict[str, Any] = {
    "meter": METER, "hub": {"status": "connected", "since": NOW - 90_000, "queue": 0}, "membership": "admitted",
    "forecast": {"tier": "live", "made_at": NOW - 120},
    "trader": {"auto_sell": True, "strategy": "battery_aware"},
    "earnings": {"earned_today_cents": 123_456, "saved_today_cents": 500},
}  # fmt: skip


def test_all_is_well_is_said_with_times_of_the_household() -> None:
    html = page(view(**WELL), "en")
    assert "Everything works." in html
    assert "The meter is heard. Its last reading is of 11:59." in html
    assert "since 2026-11-19 11:00" in html  # the hub, a day ago
    assert "Earned KES 1,234.56" in html
    assert "Amina&#x27;s &lt;house&gt;" in html
    assert "<script" not in html
    assert "Kila kitu kinafanya kazi." in page(view(**WELL), "sw")


def test_what_is_wrong_comes_first() -> None:
    alert = {"key": "meter_silent", "sentence": "x", "since": NOW - 1_200, "numbers": {}}
    strange = {"key": "of_a_newer_edge", "sentence": "Something <new>.", "since": NOW, "numbers": {}}
    wrong = WELL | {"meter": METER | {"status": "silent"}, "alerts": [alert, strange]}
    html = page(view(**wrong), "en")
    assert "Something needs you:" in html
    assert "Everything works" not in html
    assert html.index("silent for a quarter of an hour") < html.index("<dl>")
    assert "Something &lt;new&gt;." in html
    assert "Kuna jambo" in page(view(**wrong), "sw")


@pytest.mark.parametrize("language", sorted(WORDS))
def test_every_state_has_words(language: str) -> None:
    words = WORDS[language]
    for hub in ("connected", "unreachable", "refused"):
        for queue in (0, 7):
            for membership in ("unknown", "applied", "admitted", "suspended"):
                for meter in (None, *({**METER, "status": one} for one in ("live", "silent", "unknown"))):
                    state = {"hub": {"status": hub, "since": NOW, "queue": queue}, "membership": membership}
                    found = rows(view(**state, meter=meter), words)
                    assert all(row.text and "{" not in row.text for row in found)
                    moods = {row.title: row.mood for row in found}
                    assert moods[words["hub"]] == {"connected": "good", "unreachable": "wait"}.get(hub, "bad")


def test_both_languages_say_the_same_things() -> None:
    assert set(WORDS["en"]) == set(WORDS["sw"])

    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for key, text in WORDS["en"].items():
        assert fields(text) == fields(WORDS["sw"][key]), key


def test_the_browsers_language_is_taken() -> None:
    assert chosen_language("sw", "en") == "sw"
    assert chosen_language("xx", "fr-FR, sw-KE;q=0.8, en;q=0.5") == "sw"
    assert chosen_language(None, "") == "en"


async def test_the_page_is_served_with_strict_headers(make_edge: MakeEdge) -> None:
    async with make_edge(status_port=0) as edge, aiohttp.ClientSession() as session:
        base = f"http://127.0.0.1:{edge.status_port}"
        async with session.get(f"{base}/", headers={"Accept-Language": "sw"}) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            text = await response.text()
        assert '<html lang="sw">' in text
        assert edge.pairing_code in text
        async with session.get(f"{base}/status.css") as response:
            assert response.content_type == "text/css"
        async with session.get(f"{base}/health") as response:
            assert await response.json() == {"status": "ok"}


async def test_behind_ingress_nobody_else_sees_the_page(make_edge: MakeEdge) -> None:
    async with (
        make_edge(status_port=0, status_peers=("172.30.32.2",)) as edge,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{edge.status_port}/") as response,
    ):
        assert response.status == 403
        assert edge.pairing_code not in await response.text()


async def test_since_when_the_broker_is_away_is_known(make_edge: MakeEdge, broker: Broker) -> None:
    async with make_edge(status_port=0) as edge:
        await until(lambda: edge.is_listening)
        since = edge._view().listening_since
        broker.stop()
        await until(lambda: not edge.is_listening)
        ended = edge._view().listening_since
        assert since is not None
        assert ended is not None
        assert ended >= since
        assert "cannot be reached" in page(edge._view(), "en")


async def test_home_assistant_is_told_where_the_edge_is_with_a_token_that_works(make_edge: MakeEdge) -> None:
    told: list[dict[str, Any]] = []

    async def discovery(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer of the supervisor"
        told.append(await request.json())
        return web.json_response({"result": "ok"}, status=200 if len(told) != 2 else 500)

    app = web.Application()
    app.router.add_post("/discovery", discovery)
    async with TestServer(app) as server, make_edge() as edge, aiohttp.ClientSession() as session:

        async def tell(config: dict[str, Any]) -> bool:
            return await announce("of the supervisor", config, str(server.make_url("")).rstrip("/"))

        async def status(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(url(edge, "power"), headers=headers) as response:
                return response.status

        assert await edge.introduce(tell, "amina-edge")
        assert told[0]["service"] == "energy_swap"
        config = told[0]["config"]
        assert (config["host"], config["port"]) == ("amina-edge", edge.api_port)
        assert await status(config["token"]) == 200
        assert not await edge.introduce(tell, "amina-edge")  # the Supervisor fails: the old token stays good
        assert await status(config["token"]) == 200
        assert await edge.introduce(tell, "amina-edge")
        assert await status(told[2]["config"]["token"]) == 200
        assert await status(config["token"]) == 401
        assert await status(told[1]["config"]["token"]) == 401


async def test_no_supervisor_is_no_failure() -> None:
    assert not await announce("x", {}, "http://127.0.0.1:9")


async def test_other_clients_stay_paired_when_home_assistants_token_is_renewed(tmp_path: Any) -> None:
    store = await Store.open(tmp_path)
    pairing = await Pairing.load(store, now)
    phone = await pairing.pair(pairing.code, "phone")
    first = await pairing.give_token("by the Supervisor")
    second = await pairing.give_token("by the Supervisor")
    await pairing.keep_only("by the Supervisor", second)
    assert [pairing.is_paired(token) for token in (phone, first, second)] == [True, False, True]
    again = await Pairing.load(store, now)
    assert [again.is_paired(token) for token in (phone, first, second)] == [True, False, True]
    await store.close()
