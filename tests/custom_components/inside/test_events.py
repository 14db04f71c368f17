"""What happened, told once: by event entities, on the bus, in the logbook, and after an absence."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.energy_swap.logbook import async_describe_events, sentence
from tests.custom_components.contract_edge import ContractEdge


async def until_told(events: list[Event[Any]], count: int) -> None:
    async with asyncio.timeout(60):
        while len(events) < count:
            await asyncio.sleep(0.01)
    assert len(events) == count


@pytest.mark.parametrize(
    ("kind", "entity", "event_type"),
    [
        ("order_matched", "order", "matched"),
        ("order_ended", "order", "ended"),
        ("trade_settled", "trade", "settled"),
        ("paid_out", "payment", "paid_out"),
        ("payment_failed", "payment", "failed"),
        ("price_alert", "price_alert", "alert"),
        ("meter_silent", "meter_alert", "silent"),
    ],
)
async def test_each_kind_has_its_entity(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, kind: str, entity: str, event_type: str
) -> None:
    on_bus = async_capture_events(hass, "energy_swap_event")
    await edge.happen(kind, wh=500, sentence="So it is.")
    await until_told(on_bus, 1)
    await hass.async_block_till_done()
    state = hass.states.get(f"event.amina_s_house_{entity}")
    assert state is not None
    assert state.attributes["event_type"] == event_type
    assert (state.attributes["at"], state.attributes["wh"]) == (1795168900, 500)
    data = on_bus[0].data
    assert (data["kind"], data["name"], data["entry_id"]) == (kind, "Amina's house", household.entry_id)


async def test_an_event_is_told_once_even_over_a_restart(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, hass_storage: dict[str, Any]
) -> None:
    assert edge.asked_for_events == []  # nobody who is new has missed anything
    on_bus = async_capture_events(hass, "energy_swap_event")
    await edge.happen("order_matched")
    await until_told(on_bus, 1)
    await hass.config_entries.async_unload(household.entry_id)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=11))
    await hass.async_block_till_done()
    assert hass_storage[f"energy_swap.{household.entry_id}"]["data"] == {"last": 1}

    edge.events.append({"id": 2, "kind": "paid_out", "at": 1795169000, "data": {"cents": 4200}})
    await hass.config_entries.async_setup(household.entry_id)
    await until_told(on_bus, 2)
    assert edge.asked_for_events == [1]
    assert on_bus[1].data["kind"] == "paid_out"

    await edge.stop()
    edge.events.append({"id": 3, "kind": "meter_silent", "at": 1795169100, "data": {}})
    await edge.start()
    await until_told(on_bus, 3)
    assert edge.asked_for_events == [1, 2]


async def test_what_was_missed_may_come_after_what_happens_now(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.energy_swap.events.MOST_TOLD", 3)
    on_bus = async_capture_events(hass, "energy_swap_event")
    (socket,) = edge._sockets
    for number in (5, 3, 5, 4, 3, 6, 7, 2, 3):
        event: dict[str, Any] = {"id": number, "kind": "order_ended", "at": number, "data": {}}
        await socket.send_json({"type": "event", "event": event})
    await until_told(on_bus, 5)
    await hass.async_block_till_done()
    # 3 is forgotten in the end, as the smallest of more than there is room for; so 2 and 3 count as told.
    assert [event.data["at"] for event in on_bus] == [5, 3, 4, 6, 7]


async def test_an_event_that_comes_before_anybody_listens_is_not_lost(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_bus = async_capture_events(hass, "energy_swap_event")
    forward = hass.config_entries.async_forward_entry_setups

    async def slowly(*args: Any) -> None:
        await edge.happen("price_alert")
        async with asyncio.timeout(60):
            while not entry.runtime_data._early_events:
                await asyncio.sleep(0.01)
        await forward(*args)

    monkeypatch.setattr(hass.config_entries, "async_forward_entry_setups", slowly)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await until_told(on_bus, 1)
    state = hass.states.get("event.amina_s_house_price_alert")
    assert state is not None
    assert state.attributes["event_type"] == "alert"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_events_of_the_future_are_told_on_the_bus_and_nonsense_is_not(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    on_bus = async_capture_events(hass, "energy_swap_event")
    for socket in edge._sockets:
        await socket.send_json({"type": "event", "event": {"id": "one", "kind": "order_matched"}})
        await socket.send_json({"type": "a message of the future"})
        await socket.send_json({"type": "event", "event": {"id": 7, "kind": "eclipse", "at": 1, "data": None}})
    await until_told(on_bus, 1)
    assert on_bus[0].data["kind"] == "eclipse"


async def test_the_logbook_speaks_the_language_of_the_household(
    hass: HomeAssistant, household: MockConfigEntry
) -> None:
    described: dict[str, Any] = {}

    @callback
    def describe(domain: str, event_type: str, describe_event: Any) -> None:
        described[f"{domain}/{event_type}"] = describe_event

    async_describe_events(hass, describe)
    line = described["energy_swap/energy_swap_event"](
        Event("energy_swap_event", {"kind": "paid_out", "name": "Amina's house", "sentence": "KES 42.00"})
    )
    assert line == {"name": "Amina's house", "message": "money was paid out: KES 42.00"}
    assert sentence(hass, {"kind": "eclipse"}) == "eclipse"
    assert sentence(hass, {"kind": "meter_silent"}) == "the meter is silent"

    hass.config.language = "sw"
    await hass.async_block_till_done()
    from homeassistant.helpers.translation import async_get_translations

    await async_get_translations(hass, "sw", "common", ["energy_swap"])
    assert sentence(hass, {"kind": "meter_silent"}) == "mita iko kimya"
    shading = {"kind": "shading", "sentence": "A shadow.", "from": 15, "until": 17, "by_hour": {"15": 40}}
    assert sentence(hass, shading).startswith("paneli ziko kivulini: Kati ya 15:00 na 17:00 ")


async def test_home_assistants_logbook_takes_our_lines(hass: HomeAssistant, household: MockConfigEntry) -> None:
    hass.config.components.add("recorder")
    assert await async_setup_component(hass, "logbook", {})
    from homeassistant.components.logbook.const import DOMAIN

    assert "energy_swap_event" in hass.data[DOMAIN].external_events
