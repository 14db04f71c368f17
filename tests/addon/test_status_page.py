"""The status page says in two languages what works and what does not; Home Assistant is told where the edge is."""

import string
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from energy_swap_edge.api.pairing import PairedClient, Pairing
from energy_swap_edge.api.status_page import View, page, revoking, rows
from energy_swap_edge.api.status_words import WORDS, chosen_language
from energy_swap_edge.state import LiveState
from energy_swap_edge.store import Store
from energy_swap_edge.supervisor import announce

from .broker import Broker
from .conftest import MakeEdge
from .meter import now
from .small_hub import until
from .test_local_api import connected, paired, url

NOW = 1_795_165_200  # 20 November 2026, 12:00 in Nairobi


CLIENTS = (
    PairedClient("a1", "Home Assistant, by the Supervisor", NOW - 90_000, NOW - 600, None, None),
    PairedClient("b2", "Brian's <b>tablet</b>", NOW - 7_200, NOW - 3_600, None, None),
    PairedClient("c3", "a script", NOW - 3_600, None, None, None),
    PairedClient("d4", "a lost laptop", NOW - 90_000, NOW - 80_000, NOW - 1_800, "amina"),
)
CONNECTED = frozenset({"a1"})


def view(**state: Any) -> View:
    live = LiveState(NOW - 3_600)
    for key, value in state.items():
        live.set(key, value)
    zone = ZoneInfo("Africa/Nairobi")
    return View(
        "Amina's <house>", "0.1.0", live.snapshot(), True, NOW - 60, "123456", CLIENTS, CONNECTED, NOW, zone
    )


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


@pytest.mark.parametrize("language", sorted(WORDS))
def test_who_is_paired_is_listed_and_can_be_taken_away(language: str) -> None:
    words, html = WORDS[language], page(view(**WELL), language)
    listed = html[html.index(words["clients"]) :].split("<li")[1:]
    told = ("client_connected", "client_seen", "client_unseen", "client_revoked")
    values: tuple[dict[str, str], ...] = ({}, {"when": "11:00"}, {}, {"when": "11:30", "by": "amina"})
    for item, client, word, value in zip(listed, CLIENTS, told, values, strict=True):
        assert words[word].format(**value) in item
        assert (f"?revoke={client.id}" in item) == (client.revoked_at is None)
    assert words["client_paired"].format(when="10:00") in listed[1]
    assert "Brian&#x27;s &lt;b&gt;tablet&lt;/b&gt;" in listed[1]
    assert "Code 123456, good for one. 3 paired now." in page(view(**WELL), "en")

    asked = revoking(language, CLIENTS[1], "secret")
    assert "Brian&#x27;s &lt;b&gt;tablet&lt;/b&gt;" in asked
    assert words["revoke_means"] in asked
    assert 'http-equiv="refresh"' not in asked, "a question does not go away by itself"


async def test_a_client_that_is_taken_away_is_cut_off_at_once_and_for_good(
    make_edge: MakeEdge, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_edge(status_port=0) as edge, aiohttp.ClientSession() as session:
        base = f"http://127.0.0.1:{edge.status_port}"
        async with connected(edge) as tablet:
            house = await paired(session, edge)
            (listed, csrf) = await clients(session, base)
            assert [(one["name"], one["is_connected"]) for one in listed] == [
                ("Home Assistant", True),
                ("Home Assistant", False),
            ]
            lost = listed[0]["id"]
            for form in ({"client": lost}, {"client": lost, "csrf": "of another site"}):
                async with session.post(f"{base}/revoke", data=form) as response:
                    assert response.status == 403
            async with session.get(f"{base}/?revoke={lost}&lang=sw") as response:
                assert f'name="csrf" value="{csrf}"' in await response.text()

            form = {"client": lost, "csrf": csrf, "lang": "sw"}
            async with session.post(f"{base}/revoke", data=form) as response:
                assert str(response.url) == f"{base}/?lang=sw"  # from where Home Assistant shows the page, too
                assert WORDS["sw"]["clients"] in await response.text()
            while (last := await tablet.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.POLICY_VIOLATION)
        (listed, _) = await clients(session, base)
        assert listed[0]["revoked_by"] == "the page, from 127.0.0.1"
        assert listed[0]["seen_at"] is not None
        assert f"({lost}) is paired no more: revoked by 'the page, from 127.0.0.1'" in caplog.text
        async with session.get(url(edge, "power"), headers=house) as response:
            assert response.status == 200, "the other one stays"


async def test_a_program_takes_a_client_away_and_a_restart_forgets_nothing(
    make_edge: MakeEdge, tmp_path: Any
) -> None:
    async with aiohttp.ClientSession() as session:
        async with make_edge(status_port=0) as edge:
            base, lost = f"http://127.0.0.1:{edge.status_port}", await paired(session, edge)
            ((client,), csrf) = await clients(session, base)
            path = f"{base}/clients/{client['id']}/revoke"
            async with session.post(path) as response:
                assert response.status == 403
            async with session.post(f"{base}/clients/x/revoke", headers={"X-CSRF-Token": csrf}) as response:
                assert response.status == 404
            async with session.post(path, headers={"X-CSRF-Token": csrf}) as response:
                assert (await response.json())["revoked_at"] is not None
            folder = edge.config.data_dir
        store = await Store.open(folder)
        pairing = await Pairing.load(store, now)
        assert pairing.client_of(lost["Authorization"].removeprefix("Bearer ")) is None
        assert [one.revoked_by for one in pairing.clients] == ["the page, from 127.0.0.1"]
        await store.close()


async def test_only_ingress_says_who_it_let_in(make_edge: MakeEdge) -> None:
    said = {"X-Remote-User-Name": "amina"}
    for peers, who in ((("127.0.0.1",), "amina"), (None, "the page, from 127.0.0.1")):
        async with make_edge(status_port=0, status_peers=peers) as edge, aiohttp.ClientSession() as session:
            base = f"http://127.0.0.1:{edge.status_port}"
            await paired(session, edge)
            (listed, csrf) = await clients(session, base)
            client = next(one for one in listed if one["revoked_at"] is None)  # the folder is the same
            path, headers = f"{base}/clients/{client['id']}/revoke", {"X-CSRF-Token": csrf} | said
            async with session.post(path, headers=headers) as response:
                assert (await response.json())["revoked_by"] == who


async def clients(session: aiohttp.ClientSession, base: str) -> tuple[list[dict[str, Any]], str]:
    async with session.get(f"{base}/clients") as response:
        body = await response.json()
        return body["clients"], body["csrf"]


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
    assert [pairing.client_of(token) is not None for token in (phone, first, second)] == [True, False, True]
    again = await Pairing.load(store, now)
    assert [again.client_of(token) is not None for token in (phone, first, second)] == [True, False, True]
    await store.close()
