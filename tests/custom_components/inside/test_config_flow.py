"""Finding, pairing, moving and re-pairing an edge; preferences, standing offers and extra meters."""

from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp import web
from homeassistant.config_entries import (
    SOURCE_HASSIO,
    SOURCE_IGNORE,
    SOURCE_USER,
    SOURCE_ZEROCONF,
    ConfigEntryState,
)
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.inside.conftest import EDGE_ID, TOKEN
from tests.custom_components.inside.test_entities import until

pytestmark = pytest.mark.usefixtures("edge")

type Flow = Any


async def begin(hass: HomeAssistant, source: str = SOURCE_USER, data: Any = None) -> Flow:
    return await hass.config_entries.flow.async_init("energy_swap", context={"source": source}, data=data)


async def answer(hass: HomeAssistant, step: Flow, **fields: Any) -> Flow:
    return await hass.config_entries.flow.async_configure(step["flow_id"], fields)


def announced(edge: ContractEdge, **properties: str) -> ZeroconfServiceInfo:
    address = ip_address("127.0.0.1")
    return ZeroconfServiceInfo(
        ip_address=address,
        ip_addresses=[address],
        port=edge.port,
        hostname="edge.local.",
        type="_energy-swap._tcp.local.",
        name="edge._energy-swap._tcp.local.",
        properties=properties,
    )


def app(**config: Any) -> HassioServiceInfo:
    return HassioServiceInfo(config=config, name="Energy Swap", slug="energy_swap", uuid="1234")


async def test_every_mistake_can_be_corrected(
    hass: HomeAssistant, edge: ContractEdge, unused_tcp_port: int
) -> None:
    step = await begin(hass)
    assert (step["type"], step["step_id"]) == (FlowResultType.FORM, "user")
    for host, port in (("127.0.0.1", unused_tcp_port), ("no host at all", edge.port), ("http://[", edge.port)):
        step = await answer(hass, step, host=host, port=port)
        assert step["errors"] == {"base": "cannot_connect"}
    edge.api_version = 2
    step = await answer(hass, step, host="127.0.0.1", port=edge.port)
    assert step["errors"] == {"base": "unsupported_version"}
    edge.api_version = 1
    step = await answer(hass, step, host=f" http://127.0.0.1:{edge.port}/ ", port=8480)
    assert step["step_id"] == "pair"

    step = await answer(hass, step, code="000000")
    assert step["errors"] == {"code": "wrong_code"}
    edge.wrong_codes = 5
    step = await answer(hass, step, code=edge.code)
    assert step["errors"] == {"base": "too_many_attempts"}
    edge.wrong_codes = 0
    edge.edge_id = "another"
    step = await answer(hass, step, code=edge.code)
    assert step["errors"] == {"base": "wrong_edge"}
    edge.edge_id = EDGE_ID
    await edge.stop()
    step = await answer(hass, step, code=edge.code)
    assert step["errors"] == {"base": "cannot_connect"}
    await edge.start()
    step = await answer(hass, step, code=" 482-913 ")
    assert (step["type"], step["title"]) == (FlowResultType.CREATE_ENTRY, "Amina's house")
    assert step["result"].unique_id == EDGE_ID
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(step["result"].entry_id)


@pytest.mark.parametrize(
    "strange",
    [
        web.Response(text="hello"),
        web.Response(status=500),
        web.Response(text="[1]", content_type="application/json"),
        web.Response(text="{", content_type="application/json"),
        web.Response(text='{"api_version": "one"}', content_type="application/json"),
        web.Response(text='{"api_version": 1}', content_type="application/json"),
    ],
)
async def test_something_else_at_the_address_is_told_apart(
    hass: HomeAssistant, aiohttp_server: Any, strange: web.Response
) -> None:
    async def speak(_request: web.Request) -> web.Response:
        return web.Response(body=strange.body, status=strange.status, content_type=strange.content_type)

    other = web.Application()
    other.router.add_get("/api/v1/info", speak)
    server = await aiohttp_server(other)
    step = await answer(hass, await begin(hass), host="127.0.0.1", port=server.port)
    assert step["errors"] == {"base": "not_an_edge"}


@pytest.mark.parametrize("strange", [web.Response(status=500), web.json_response({"edge_id": EDGE_ID})])
async def test_a_strange_answer_to_pairing_can_be_tried_again(
    hass: HomeAssistant, edge: ContractEdge, aiohttp_server: Any, strange: web.Response
) -> None:
    async def info(_request: web.Request) -> web.Response:
        return web.json_response(edge._who())

    async def pair(_request: web.Request) -> web.Response:
        return web.Response(body=strange.body, status=strange.status, content_type=strange.content_type)

    half = web.Application()
    half.router.add_get("/api/v1/info", info)
    half.router.add_post("/api/v1/pair", pair)
    server = await aiohttp_server(half)
    step = await answer(hass, await begin(hass), host="127.0.0.1", port=server.port)
    step = await answer(hass, step, code="1")
    assert step["errors"] == {"base": "not_an_edge"}


async def test_a_household_is_set_up_once(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    step = await answer(hass, await begin(hass), host="127.0.0.1", port=edge.port)
    assert (step["type"], step["reason"]) == (FlowResultType.ABORT, "already_configured")
    step = await begin(hass, SOURCE_ZEROCONF, announced(edge, id=EDGE_ID))
    assert step["reason"] == "already_configured"


async def test_an_announced_edge_needs_only_its_code(hass: HomeAssistant, edge: ContractEdge) -> None:
    step = await begin(hass, SOURCE_ZEROCONF, announced(edge, id=EDGE_ID, name="Amina's house"))
    assert step["step_id"] == "pair"
    step = await answer(hass, step, code=edge.code)
    assert step["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(step["result"].entry_id)


async def test_what_is_announced_and_no_edge_is_left_alone(hass: HomeAssistant, edge: ContractEdge) -> None:
    assert (await begin(hass, SOURCE_ZEROCONF, announced(edge)))["reason"] == "not_an_edge"
    await edge.stop()
    assert (await begin(hass, SOURCE_ZEROCONF, announced(edge, id=EDGE_ID)))["reason"] == "cannot_connect"


async def test_an_edge_that_moved_is_followed(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, unused_tcp_port: int
) -> None:
    await edge.stop()
    edge.port = unused_tcp_port
    await edge.start()
    step = await begin(hass, SOURCE_ZEROCONF, announced(edge, id=EDGE_ID))
    assert step["reason"] == "already_configured"
    await hass.async_block_till_done()
    assert household.data["port"] == unused_tcp_port
    assert household.state is ConfigEntryState.LOADED


async def test_the_app_is_confirmed_with_one_click(hass: HomeAssistant, edge: ContractEdge) -> None:
    step = await begin(hass, SOURCE_HASSIO, app(host="127.0.0.1", port=edge.port, token=TOKEN))
    assert (step["step_id"], step["description_placeholders"]["name"]) == ("hassio_confirm", "Amina's house")
    step = await answer(hass, step)
    assert step["type"] is FlowResultType.CREATE_ENTRY
    assert step["data"] == {"host": "127.0.0.1", "port": edge.port, "token": TOKEN}
    await hass.async_block_till_done()
    assert step["result"].state is ConfigEntryState.LOADED
    await hass.config_entries.async_unload(step["result"].entry_id)


async def test_an_app_without_a_token_asks_for_the_code(hass: HomeAssistant, edge: ContractEdge) -> None:
    step = await begin(hass, SOURCE_HASSIO, app(host="127.0.0.1", port=edge.port))
    assert step["step_id"] == "pair"


async def test_an_app_that_is_not_there_is_not_offered(
    hass: HomeAssistant, edge: ContractEdge, unused_tcp_port: int
) -> None:
    assert (await begin(hass, SOURCE_HASSIO, app(port=1)))["reason"] == "not_an_edge"
    step = await begin(hass, SOURCE_HASSIO, app(host="127.0.0.1", port=unused_tcp_port))
    assert step["reason"] == "cannot_connect"


async def test_a_new_token_of_the_app_is_taken(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    edge.tokens.add("newer")
    step = await begin(hass, SOURCE_HASSIO, app(host="127.0.0.1", port=edge.port, token="newer"))
    assert step["reason"] == "already_configured"
    await hass.async_block_till_done()
    assert household.data["token"] == "newer"


async def test_an_ignored_edge_stays_ignored(hass: HomeAssistant, edge: ContractEdge) -> None:
    MockConfigEntry(domain="energy_swap", unique_id=EDGE_ID, source=SOURCE_IGNORE).add_to_hass(hass)
    step = await begin(hass, SOURCE_ZEROCONF, announced(edge, id=EDGE_ID))
    assert step["reason"] == "already_configured"


async def test_a_forgotten_home_assistant_pairs_again(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    edge.tokens.clear()
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state.value == "setup_error"
    (step,) = hass.config_entries.flow.async_progress()
    assert step["step_id"] == "reauth_confirm"
    shown = await answer(hass, step, code="111111")
    assert shown["errors"] == {"code": "wrong_code"}
    shown = await answer(hass, step, code=edge.code)
    assert shown["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    await hass.config_entries.async_unload(entry.entry_id)


async def test_the_address_can_be_changed_to_the_same_edge_only(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, unused_tcp_port: int
) -> None:
    step = await household.start_reconfigure_flow(hass)
    assert step["step_id"] == "reconfigure"
    shown = await answer(hass, step, host="127.0.0.1", port=unused_tcp_port)
    assert shown["errors"] == {"base": "cannot_connect"}
    await edge.stop()
    edge.port = unused_tcp_port
    await edge.start()
    shown = await answer(hass, step, host="127.0.0.1", port=edge.port)
    assert shown["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert household.data["port"] == unused_tcp_port

    other = ContractEdge()
    await other.start()
    step = await household.start_reconfigure_flow(hass)
    shown = await answer(hass, step, host="127.0.0.1", port=other.port)
    assert shown["reason"] == "wrong_edge"
    await other.stop()


async def test_preferences_are_kept_and_taken_up(hass: HomeAssistant, household: MockConfigEntry) -> None:
    before = household.runtime_data
    step = await hass.config_entries.options.async_init(household.entry_id)
    assert step["step_id"] == "init"
    wanted = {
        "power_seconds": 5,
        "statistics": False,
        "most_kes": 500,
        "admins_only": True,
        "weather": "weather.home",
    }
    shown = await hass.config_entries.options.async_configure(step["flow_id"], wanted)
    assert shown["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert household.options == wanted
    assert household.runtime_data is not before

    step = await hass.config_entries.options.async_init(household.entry_id)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(step["flow_id"], {**wanted, "power_seconds": 0})


OFFER = {
    "name": "Evening sale",
    "side": "sell",
    "energy": 1.5,
    "price": 14.25,
    "time": "17:00:00",
    "days": ["mon", "fri"],
    "minutes": 90,
}


async def begin_part(hass: HomeAssistant, household: MockConfigEntry, kind: str) -> Flow:
    handler = (household.entry_id, kind)
    return await hass.config_entries.subentries.async_init(handler, context={"source": SOURCE_USER})


async def answer_part(hass: HomeAssistant, step: Flow, fields: dict[str, Any]) -> Flow:
    return await hass.config_entries.subentries.async_configure(step["flow_id"], fields)


async def test_a_standing_offer_is_added_and_changed(hass: HomeAssistant, household: MockConfigEntry) -> None:
    step = await begin_part(hass, household, "standing_offer")
    shown = await answer_part(hass, step, {**OFFER, "energy": 1.00005, "days": []})
    assert shown["errors"] == {"energy": "too_fine", "days": "no_day"}
    shown = await answer_part(hass, step, OFFER)
    assert shown["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    (subentry,) = household.subentries.values()
    assert subentry.title == "Evening sale"
    assert (subentry.data["energy"], subentry.data["price"]) == (1500, 1425)
    assert hass.states.get("switch.evening_sale_active") is not None  # the household was set up anew by itself

    step = await household.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    suggested = {str(key): key.description["suggested_value"] for key in step["data_schema"].schema}
    assert suggested == OFFER
    shown = await answer_part(hass, step, {**OFFER, "price": 12.345})
    assert shown["errors"] == {"price": "too_fine"}
    shown = await answer_part(hass, step, {**OFFER, "name": "Late sale", "price": 12})
    assert shown["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    (subentry,) = household.subentries.values()
    assert (subentry.title, subentry.data["price"]) == ("Late sale", 1200)


async def test_a_new_standing_offer_begins_with_the_households_own_price(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    def proposed(step: dict[str, Any]) -> dict[str, Any]:
        descriptions = {str(key): key.description or {} for key in step["data_schema"].schema}
        return {key: said["suggested_value"] for key, said in descriptions.items() if "suggested_value" in said}

    assert proposed(await begin_part(hass, household, "standing_offer")) == {"energy": 1, "price": 14}
    await edge.change(market={**edge.state["market"], "sell_at_least": None})
    await until(hass, household, "sell_limit", STATE_UNKNOWN)
    assert proposed(await begin_part(hass, household, "standing_offer")) == {}
    await hass.config_entries.async_unload(household.entry_id)
    assert proposed(await begin_part(hass, household, "standing_offer")) == {}


async def test_an_extra_meter_is_added_changed_and_removed(
    hass: HomeAssistant, household: MockConfigEntry
) -> None:
    meter = {"name": "Borehole pump", "entity_id": "sensor.pump_energy", "grid_price": 25}
    shown = await answer_part(hass, await begin_part(hass, household, "extra_meter"), meter)
    assert shown["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert hass.states.get("sensor.borehole_pump_cost") is not None
    (subentry,) = household.subentries.values()
    step = await household.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    shown = await answer_part(hass, step, {**meter, "grid_price": 27.5})
    assert shown["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    (subentry,) = household.subentries.values()
    assert subentry.data["grid_price"] == 27.5
    hass.config_entries.async_remove_subentry(household, subentry.subentry_id)
    await hass.async_block_till_done()
    assert hass.states.get("sensor.borehole_pump_cost") is None
