"""Finding, pairing, moving and re-pairing an edge through Home Assistant's own config flows."""

import asyncio
from typing import Any

import pytest
from energy_swap_demo.home_assistant import PATIENCE_SECONDS, FlowStoppedError, HomeAssistant

from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def pair_step(home: HomeAssistant, edge: ContractEdge) -> dict[str, Any]:
    step = await home.start_flow("energy_swap")
    return await home.answer_flow(step["flow_id"], {"host": "127.0.0.1", "port": edge.port})


async def entry(home: HomeAssistant, entry_id: str) -> dict[str, Any]:
    entries = await home.command("config_entries/get", domain="energy_swap")
    return next(found for found in entries if found["entry_id"] == entry_id)


async def cancel(home: HomeAssistant, step: dict[str, Any]) -> None:
    await home.request("DELETE", f"config/config_entries/flow/{step['flow_id']}")


async def test_a_wrong_address_and_a_wrong_code_can_be_corrected(
    home: HomeAssistant, edge: ContractEdge, closed_port: int
) -> None:
    step = await home.start_flow("energy_swap")
    assert step["step_id"] == "user"
    assert {field["name"]: field.get("default") for field in step["data_schema"]} == {"host": None, "port": 8480}

    step = await home.answer_flow(step["flow_id"], {"host": "127.0.0.1", "port": closed_port})
    assert (step["step_id"], step["errors"]) == ("user", {"base": "cannot_connect"})

    step = await home.answer_flow(step["flow_id"], {"host": "no host at all", "port": edge.port})
    assert (step["step_id"], step["errors"]) == ("user", {"base": "cannot_connect"})

    step = await home.answer_flow(step["flow_id"], {"host": "127.0.0.1", "port": edge.port})
    assert (step["step_id"], step["errors"]) == ("pair", {})
    assert step["description_placeholders"]["name"] == "Amina's house"

    step = await home.answer_flow(step["flow_id"], {"code": "000000"})
    assert (step["step_id"], step["errors"]) == ("pair", {"code": "wrong_code"})

    step = await home.answer_flow(step["flow_id"], {"code": " 482 913 "})
    assert (step["type"], step["title"]) == ("create_entry", "Amina's house")
    await home.request("DELETE", f"config/config_entries/entry/{step['result']['entry_id']}")


async def test_a_pasted_url_is_understood(home: HomeAssistant, edge: ContractEdge) -> None:
    step = await home.start_flow("energy_swap")
    step = await home.answer_flow(step["flow_id"], {"host": f"http://127.0.0.1:{edge.port}/", "port": 8480})
    assert step["step_id"] == "pair"
    await cancel(home, step)


async def test_something_else_at_the_address_is_told_apart(home: HomeAssistant) -> None:
    port = int(home.url.rpartition(":")[2])  # Home Assistant itself
    step = await home.start_flow("energy_swap")
    step = await home.answer_flow(step["flow_id"], {"host": "127.0.0.1", "port": port})
    assert step["errors"] == {"base": "not_an_edge"}
    await cancel(home, step)


async def test_an_edge_of_another_version_says_which(home: HomeAssistant, edge: ContractEdge) -> None:
    edge.api_version = 2
    step = await pair_step(home, edge)
    assert step["errors"] == {"base": "unsupported_version"}
    assert step["description_placeholders"] == {"edge": "2", "integration": "1"}

    edge.api_version = 1  # the edge was updated
    step = await home.answer_flow(step["flow_id"], {"host": "127.0.0.1", "port": edge.port})
    assert step["step_id"] == "pair"
    await cancel(home, step)


async def test_too_many_wrong_codes_say_to_wait(home: HomeAssistant, edge: ContractEdge) -> None:
    step = await pair_step(home, edge)
    for _ in range(5):
        step = await home.answer_flow(step["flow_id"], {"code": "111111"})
        assert step["errors"] == {"code": "wrong_code"}
    step = await home.answer_flow(step["flow_id"], {"code": edge.code})
    assert step["errors"] == {"base": "too_many_attempts"}

    edge.wrong_codes = 0  # five minutes later
    step = await home.answer_flow(step["flow_id"], {"code": edge.code})
    assert step["type"] == "create_entry"
    await home.request("DELETE", f"config/config_entries/entry/{step['result']['entry_id']}")


async def test_an_edge_that_goes_away_while_pairing_can_come_back(home: HomeAssistant, edge: ContractEdge) -> None:
    step = await pair_step(home, edge)
    await edge.stop()
    step = await home.answer_flow(step["flow_id"], {"code": edge.code})
    assert step["errors"] == {"base": "cannot_connect"}

    await edge.start()
    step = await home.answer_flow(step["flow_id"], {"code": edge.code})
    assert step["type"] == "create_entry"
    await home.request("DELETE", f"config/config_entries/entry/{step['result']['entry_id']}")


async def test_another_edge_that_took_the_address_is_not_paired(home: HomeAssistant, edge: ContractEdge) -> None:
    step = await pair_step(home, edge)
    edge.edge_id = "00" * 8
    step = await home.answer_flow(step["flow_id"], {"code": edge.code})
    assert step["errors"] == {"base": "wrong_edge"}
    await cancel(home, step)


async def test_a_household_is_set_up_once_and_followed_to_its_new_address(household: Household) -> None:
    home, edge = household.home, household.edge
    with pytest.raises(FlowStoppedError) as stopped:
        await home.add_energy_swap("127.0.0.1", edge.port, edge.code)
    assert stopped.value.step["reason"] == "already_configured"

    await edge.stop()
    edge.port = 0
    await edge.start()
    with pytest.raises(FlowStoppedError):
        await home.add_energy_swap("127.0.0.1", edge.port, edge.code)
    await household.wait_for("surplus_power", "1850")


async def test_reconfiguring_takes_the_same_edge_only(household: Household) -> None:
    home, edge = household.home, household.edge
    other = ContractEdge()
    await other.start()
    try:
        step = await home.start_flow("energy_swap", entry_id=household.entry_id)
        assert step["step_id"] == "reconfigure"
        step = await home.answer_flow(step["flow_id"], {"host": "127.0.0.1", "port": other.port})
        assert (step["type"], step["reason"]) == ("abort", "wrong_edge")
    finally:
        await other.stop()

    await edge.stop()
    edge.port = 0
    await edge.start()
    step = await home.start_flow("energy_swap", entry_id=household.entry_id)
    step = await home.answer_flow(step["flow_id"], {"host": "127.0.0.1", "port": edge.port})
    assert (step["type"], step["reason"]) == ("abort", "reconfigure_successful")
    await household.wait_for("surplus_power", "1850")


async def test_an_edge_that_forgot_us_is_paired_again(household: Household) -> None:
    home, edge = household.home, household.edge
    edge.tokens.clear()
    await edge.drop()
    await household.wait_for("surplus_power", "unavailable")

    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            flows = await home.command("config_entries/flow/progress")
            if flow := next((flow for flow in flows if flow["context"]["source"] == "reauth"), None):
                break
            await asyncio.sleep(0.1)
    step = await home.answer_flow(flow["flow_id"], {"code": "000000"})
    assert (step["step_id"], step["errors"]) == ("reauth_confirm", {"code": "wrong_code"})
    step = await home.answer_flow(flow["flow_id"], {"code": edge.code})
    assert (step["type"], step["reason"]) == ("abort", "reauth_successful")
    await household.wait_for("surplus_power", "1850")


async def test_set_up_waits_for_an_edge_that_is_away_and_says_so(household: Household) -> None:
    home, edge = household.home, household.edge
    await edge.stop()
    await home.request("POST", f"config/config_entries/entry/{household.entry_id}/reload")
    found = await entry(home, household.entry_id)
    assert found["state"] == "setup_retry"
    assert found["reason"] == f"The edge at 127.0.0.1:{edge.port} does not answer"

    await edge.start()
    await home.request("POST", f"config/config_entries/entry/{household.entry_id}/reload")
    assert (await entry(home, household.entry_id))["state"] == "loaded"


async def test_set_up_asks_to_pair_where_the_edge_forgot_us(household: Household) -> None:
    home, edge = household.home, household.edge
    edge.tokens.clear()
    await home.request("POST", f"config/config_entries/entry/{household.entry_id}/reload")
    assert (await entry(home, household.entry_id))["state"] == "setup_error"
    flows = await home.command("config_entries/flow/progress")
    assert [flow["context"]["source"] for flow in flows] == ["reauth"]


async def announce(home: HomeAssistant, edge: ContractEdge, **properties: str) -> list[dict[str, Any]]:
    """Announce an edge on the network; return the flows that this began."""
    data = {
        "address": "127.0.0.1",
        "port": edge.port,
        "properties": {"id": edge.edge_id, "api": "1", **properties},
    }
    await home.call("announcer", "announce", data, with_response=False)
    flows: list[dict[str, Any]] = await home.command("config_entries/flow/progress")
    return [flow for flow in flows if flow["context"]["source"] == "zeroconf"]


async def test_an_announced_edge_only_needs_its_code(home: HomeAssistant, edge: ContractEdge) -> None:
    (flow,) = await announce(home, edge)
    assert flow["step_id"] == "pair"
    assert flow["context"]["title_placeholders"] == {"name": "Amina's house"}
    step = await home.answer_flow(flow["flow_id"], {"code": edge.code})
    assert (step["type"], step["title"]) == ("create_entry", "Amina's house")
    await home.request("DELETE", f"config/config_entries/entry/{step['result']['entry_id']}")


async def test_an_announcement_of_a_known_edge_only_updates_its_address(household: Household) -> None:
    edge = household.edge
    await edge.stop()
    await household.wait_for("surplus_power", "unavailable")
    edge.port = 0
    await edge.start()
    assert await announce(household.home, edge) == []
    await household.wait_for("surplus_power", "1850")


async def test_an_announced_edge_that_cannot_be_used_is_left_alone(
    home: HomeAssistant, edge: ContractEdge
) -> None:
    assert await announce(home, edge, id="") == []
    edge.api_version = 2
    assert await announce(home, edge) == []
    await edge.stop()
    assert await announce(home, edge) == []
