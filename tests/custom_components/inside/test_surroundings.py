"""What Home Assistant shows of us elsewhere, and how we come and go."""

import asyncio
import gc
import json
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import llm
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_swap import api
from custom_components.energy_swap.diagnostics import async_get_config_entry_diagnostics
from custom_components.energy_swap.llm import async_get_tools
from custom_components.energy_swap.pages import async_register_frontend, async_show_page
from custom_components.energy_swap.system_health import async_register, system_health_info
from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.inside.conftest import TOKEN


async def test_diagnostics_are_as_they_were_and_give_nothing_away(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, snapshot: SnapshotAssertion
) -> None:
    report = await async_get_config_entry_diagnostics(hass, household)
    text = json.dumps(report, default=str)
    for secret in (edge.state["meter"]["key"], TOKEN, "127.0.0.1", "123450", "Amina", "4210", "1423"):
        assert secret not in text, secret
    report["entry"]["port"] = 8480
    assert report == snapshot


async def test_the_device_is_as_it_was(
    hass: HomeAssistant, household: MockConfigEntry, device_registry: dr.DeviceRegistry
) -> None:
    (device,) = dr.async_entries_for_config_entry(device_registry, household.entry_id)
    assert (device.name, device.manufacturer, device.model, device.sw_version, device.entry_type) == (
        "Amina's house",
        "Energy Swap",
        "Household edge",
        "0.1.0",
        dr.DeviceEntryType.SERVICE,
    )


async def test_system_health_counts_households(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    assert await system_health_info(hass) == {
        "households": 1,
        "edges_connected": 1,
        "edge_versions": "0.1.0",
        "hubs_connected": 1,
        "readings_waiting": 0,
        "last_settlement": "2026-11-20T11:30Z",
    }
    await hass.config_entries.async_unload(household.entry_id)
    assert (await system_health_info(hass))["last_settlement"] == "-"
    assert await async_setup_component(hass, "system_health", {})
    registered: list[Any] = []

    class Registration:
        def async_register_info(self, info: Any) -> None:
            registered.append(info)

    async_register(hass, Registration())  # type: ignore[arg-type]
    assert registered == [system_health_info]


def asked(assistant: str = "conversation") -> llm.LLMContext:
    return llm.LLMContext(platform="test", context=Context(), language="en", assistant=assistant, device_id=None)


async def test_a_language_model_can_look_and_nothing_else(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    found = async_get_tools(hass, asked(), llm.LLM_API_ASSIST)
    assert found is not None
    tools = {tool.name: tool for tool in found.tools}
    assert all(tool.annotations.read_only and not tool.annotations.destructive for tool in tools.values())
    assert async_get_tools(hass, asked(), "another") is None
    assert async_get_tools(hass, asked(""), llm.LLM_API_ASSIST) is None

    async def ask(name: str) -> Any:
        result = await tools[name].async_call(hass, llm.ToolInput(name, {}), asked())
        assert isinstance(result, llm.ToolResult)
        households = cast("list[Any]", result.data["households"])
        return households[0]

    now = await ask("energy_swap__market_now")
    assert (now["household"], now["price_kes_per_kwh"], now["advice"]) == ("Amina's house", 17.35, "sell")
    assert await ask("energy_swap__trades_today") == {
        "household": "Amina's house",
        "note": "the household's edge does not tell its history",
    }
    settled = {"start": 1, "sold_wh": 820, "bought_wh": None, "earned_cents": 1423, "settled": True}
    # Not settled yet, but something was sold and bought on the spot market in it.
    running = {
        "start": 1801,
        "sold_wh": 100,
        "bought_wh": 250,
        "earned_cents": 120,
        "paid_cents": 300,
        "settled": False,
    }
    edge.records["history"] = {"periods": [settled, running]}
    assert await ask("energy_swap__trades_today") == {
        "household": "Amina's house",
        "sold_kwh": 0.92,
        "bought_kwh": 0.25,
        "earned_kes": 15.43,
        "paid_kes": 3.0,
        "settled_periods": 1,
    }
    assert edge.commands == []

    await edge.stop()
    async with asyncio.timeout(60):
        while "note" not in await ask("energy_swap__market_now"):
            await asyncio.sleep(0.01)


async def test_the_cards_and_the_page_are_there_without_a_step_of_the_user(
    hass: HomeAssistant, household: MockConfigEntry, tmp_path: Path, hass_client: ClientSessionGenerator
) -> None:
    url = "/energy_swap_frontend/energy-swap.js?v=0.1.0"
    urls = hass.data[DATA_EXTRA_MODULE_URL].urls
    assert url in urls
    page = hass.data["frontend_panels"]["energy-swap-household"]
    assert page.config == {
        "_panel_custom": {
            "name": "energy-swap-panel",
            "embed_iframe": False,
            "trust_external": False,
            "handle_safe_area": False,
            "module_url": url,
        }
    }
    client = await hass_client()
    answer = await client.get(url)
    assert "energy-swap-panel" in await answer.text()

    await hass.config_entries.async_remove(household.entry_id)
    assert "energy-swap-household" not in hass.data["frontend_panels"]

    before = set(urls)
    await async_register_frontend(hass, tmp_path)  # as in a checkout where nothing was built
    await async_show_page(hass, tmp_path)
    assert set(hass.data[DATA_EXTRA_MODULE_URL].urls) == before
    assert "energy-swap-household" not in hass.data["frontend_panels"]


async def test_a_hundred_reloads_leave_nothing_behind(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    async def reload(times: int) -> tuple[int, int, int, int]:
        for _ in range(times):
            assert await hass.config_entries.async_reload(household.entry_id)
        await hass.async_block_till_done()
        gc.collect()
        coordinators = sum(type(found).__name__ == "EnergySwapCoordinator" for found in gc.get_objects())
        listeners = sum(hass.bus.async_listeners().values())
        async with asyncio.timeout(60):
            while len(edge._sockets) > 1:
                await asyncio.sleep(0.01)
        return coordinators, listeners, len(asyncio.all_tasks()), len(hass.states.async_all())

    first, last = await reload(1), await reload(99)
    # What Home Assistant has to save at a moment may be one listener more or less; a leak would be 99.
    assert all(new <= old + 3 for old, new in zip(first, last, strict=True)), (first, last)
    assert (first[0], last[0]) == (1, 1)


async def test_an_edge_that_is_away_at_the_start_is_tried_again(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.stop()
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state.value == "setup_retry"
    assert "does not answer" in (entry.reason or "")
    await edge.start()
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_token_that_is_taken_away_while_connected_asks_for_a_code(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    edge.tokens.clear()
    await edge.drop()
    async with asyncio.timeout(60):
        while not (flows := hass.config_entries.flow.async_progress()):
            await asyncio.sleep(0.01)
    assert flows[0]["context"]["source"] == "reauth"


async def test_a_new_version_and_name_of_the_edge_are_shown(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, device_registry: dr.DeviceRegistry
) -> None:
    await edge.stop()
    edge.edge_version = "0.2.0"
    await edge.start()
    async with asyncio.timeout(60):
        while dr.async_entries_for_config_entry(device_registry, household.entry_id)[0].sw_version != "0.2.0":
            await asyncio.sleep(0.01)


async def test_a_household_without_connection_refuses_orders(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.stop()
    async with asyncio.timeout(60):
        while household.runtime_data.last_update_success:
            await asyncio.sleep(0.01)
    with pytest.raises(Exception, match="does not answer"):
        await household.runtime_data.command("sell", {})
    await household.runtime_data.async_refresh()  # a polled refresh finds nothing either
    assert household.runtime_data.last_update_success is False


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        ([{"api_version": 1, "edge_id": "e", "name": "n", "edge_version": "1"}, {"type": "change"}], "snapshot"),
        ([[1, 2]], "JSON object"),
        ([], "closed"),
    ],
)
async def test_a_connection_that_begins_wrongly_is_given_up(
    hass: HomeAssistant, edge: ContractEdge, aiohttp_server: Any, frames: list[Any], error: str
) -> None:
    async def speak(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in frames:
            await socket.send_json(frame)
        await socket.close()
        return socket

    other = web.Application()
    other.router.add_get("/api/v1/ws", speak)
    server = await aiohttp_server(other)
    with pytest.raises(api.EdgeError, match=error):
        await api.connect(async_get_clientsession(hass), api.EdgeAddress("127.0.0.1", server.port), "token")


async def test_a_token_refused_at_the_door_and_a_closed_door_are_told_apart(
    hass: HomeAssistant, edge: ContractEdge, aiohttp_server: Any
) -> None:
    session = async_get_clientsession(hass)
    with pytest.raises(api.TokenRefusedError):
        await api.connect(session, api.EdgeAddress("127.0.0.1", edge.port), "another token")
    server = await aiohttp_server(web.Application())
    with pytest.raises(api.CannotConnectError, match="404"):
        await api.connect(session, api.EdgeAddress("127.0.0.1", server.port), "token")
    await edge.stop()
    with pytest.raises(api.CannotConnectError):
        await api.connect(session, api.EdgeAddress("127.0.0.1", edge.port), TOKEN)


class Silent:
    """Whoever takes nothing."""

    def take_state(self, state: Any) -> None:
        """Take no state."""

    def take_event(self, event: Any) -> None:
        """Take no event."""


async def test_a_connection_that_ends_says_so_to_everybody(hass: HomeAssistant, edge: ContractEdge) -> None:
    connection = await api.connect(async_get_clientsession(hass), api.EdgeAddress("127.0.0.1", edge.port), TOKEN)
    listening = asyncio.create_task(connection.listen(Silent()))
    (socket,) = edge._sockets
    await socket.send_json({"type": "snapshot", "state": {**edge.state, "membership": "applied"}})
    await socket.send_json({"type": "result", "id": 99, "ok": True, "result": {}})  # an answer to nobody
    async with asyncio.timeout(60):
        while connection.state["membership"] != "applied":
            await asyncio.sleep(0.01)
    await connection.close()
    await listening
    with pytest.raises(api.AnswerLostError):
        await connection.command("sell", {})
    with pytest.raises(api.CannotConnectError):
        await connection.ask_for_events(1)


async def test_an_edge_that_talks_nonsense_is_left(hass: HomeAssistant, edge: ContractEdge) -> None:
    connection = await api.connect(async_get_clientsession(hass), api.EdgeAddress("127.0.0.1", edge.port), TOKEN)
    (socket,) = edge._sockets
    await socket.send_str("{")
    with pytest.raises(api.CannotConnectError, match="not JSON"):
        await connection.listen(Silent())


async def test_an_edge_that_answers_pings_is_there_and_a_silent_one_is_not(
    hass: HomeAssistant, edge: ContractEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.energy_swap.api.connection.PING_SECONDS", 0.05)
    monkeypatch.setattr("custom_components.energy_swap.api.connection.SILENT_SECONDS", 0.5)
    session = async_get_clientsession(hass)
    connection = await api.connect(session, api.EdgeAddress("127.0.0.1", edge.port), TOKEN)
    listening = asyncio.create_task(connection.listen(Silent()))
    await asyncio.wait([listening], timeout=1.2)
    assert not listening.done()  # the edge says nothing, but it answers pings

    monkeypatch.setattr(web.WebSocketResponse, "pong", _no_answer)
    async with asyncio.timeout(60):
        await listening


async def _no_answer(*_: Any) -> None:
    """Answer no ping."""


async def test_pings_of_the_edge_are_answered(hass: HomeAssistant, edge: ContractEdge) -> None:
    connection = await api.connect(async_get_clientsession(hass), api.EdgeAddress("127.0.0.1", edge.port), TOKEN)
    listening = asyncio.create_task(connection.listen(Silent()))
    (socket,) = edge._sockets
    heard = connection._heard_at
    await socket.ping()
    async with asyncio.timeout(60):
        while connection._heard_at == heard:
            await asyncio.sleep(0.01)
    await edge.stop()
    await listening


async def test_a_reconnection_waits_longer_each_time_and_survives_an_edge_that_vanishes_at_once(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator = household.runtime_data
    coordinator._events.last = 3

    async def vanish(self: api.EdgeConnection, after: int) -> None:
        raise api.CannotConnectError("gone")

    monkeypatch.setattr(api.EdgeConnection, "ask_for_events", vanish)
    monkeypatch.setattr("custom_components.energy_swap.coordinator.FIRST_WAIT_SECONDS", 0.01)
    await edge.stop()
    async with asyncio.timeout(60):
        while coordinator.last_update_success:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    await edge.start()
    async with asyncio.timeout(60):
        while not coordinator.last_update_success:
            await asyncio.sleep(0.01)
