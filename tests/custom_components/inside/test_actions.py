"""The actions: for whom they are, who may use them, and what they answer."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_USER
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.energy_swap.fields import days
from custom_components.energy_swap.guards import spends_kes
from tests.custom_components.contract_edge import AUCTION, ORDER, ContractEdge

SALE = {"energy": 1, "minimum_price": 12}


async def act(hass: HomeAssistant, action: str, fields: dict[str, Any] | None = None, **more: Any) -> Any:
    return await hass.services.async_call(
        "energy_swap", action, dict(fields or {}), blocking=True, return_response=True, **more
    )


async def test_a_household_can_be_targeted_by_what_belongs_to_it(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, device_registry: dr.DeviceRegistry
) -> None:
    (device,) = dr.async_entries_for_config_entry(device_registry, household.entry_id)
    await act(hass, "sell", SALE, target={"entity_id": "sensor.amina_s_house_kes_balance"})
    await act(hass, "sell", SALE, target={"device_id": device.id})
    await act(hass, "sell", SALE | {"config_entry": household.entry_id})
    assert len(edge.commands) == 3
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "sell", SALE, target={"entity_id": "sensor.of_somebody_else"})
    assert refused.value.translation_key == "not_one_household"
    assert len(edge.commands) == 3


async def test_a_household_that_is_not_set_up_cannot_trade(
    hass: HomeAssistant, household: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(household.entry_id)
    with pytest.raises(ServiceValidationError, match="loaded") as refused:
        await act(hass, "sell", SALE)
    assert refused.value.translation_key is not None


async def test_a_strategy_is_tried_out(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    answer = await act(hass, "simulate_strategy", {"strategy": "never_below_average"})
    assert (answer["gain_cents"], answer["days"]) == (600, 30)
    assert edge.commands == [{"command": "simulate_strategy", "strategy": "never_below_average", "days": 30}]


async def test_what_may_be_spent_at_once_is_kept_to(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    hass.config_entries.async_update_entry(household, options={"most_kes": 50})
    await act(hass, "buy", {"energy": 2, "maximum_price": 25})
    for action, fields in (
        ("buy", {"energy": 2, "maximum_price": 25.01}),
        ("top_up", {"amount": 51}),
        ("bid", {"auction": AUCTION, "price": 100.01}),
    ):
        with pytest.raises(ServiceValidationError) as refused:
            await act(hass, action, fields)
        assert refused.value.translation_key == "too_much_at_once"
    assert len(edge.commands) == 1
    assert spends_kes(household.runtime_data.data, "sell", {"wh": 1, "at_least": 1}) == 0


async def test_only_administrators_trade_if_the_household_wants_it_so(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    hass.config_entries.async_update_entry(household, options={"admins_only": True})
    child, admin = MockUser().add_to_hass(hass), MockUser().add_to_hass(hass)
    await hass.auth.async_update_user(child, group_ids=[GROUP_ID_USER])
    await hass.auth.async_update_user(admin, group_ids=[GROUP_ID_ADMIN])
    button = {"entity_id": "button.amina_s_house_pay_out"}
    limit = {"entity_id": "number.amina_s_house_sell_at_least", "value": 11}
    for context in (Context(user_id=child.id), Context(user_id="nobody")):
        with pytest.raises(Unauthorized):
            await act(hass, "pay_out", context=context)
    with pytest.raises(Unauthorized):
        await hass.services.async_call("button", "press", button, blocking=True, context=Context(user_id=child.id))
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            "number", "set_value", limit, blocking=True, context=Context(user_id=child.id)
        )
    assert edge.commands == []
    await act(hass, "simulate_strategy", {"strategy": "never_below_average"}, context=Context(user_id=child.id))
    await act(hass, "pay_out", context=Context(user_id=admin.id))
    await act(hass, "pay_out", context=Context())  # an automation
    assert [command["command"] for command in edge.commands] == ["simulate_strategy", "pay_out", "pay_out"]


async def test_what_the_edge_keeps_is_answered(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    past = [{"start": 1795168800, "cents_per_kwh": 1735, "traded_wh": 4200}]
    edge.records |= {
        "prices": {"past": past, "expected": []},
        "forecast": {"made_at": 1, "periods": []},
        "statement": {"household": "h-001", "lines": []},
        "market": {"book": {"buys": [], "sells": []}, "trades": []},
    }
    assert (await act(hass, "get_prices"))["past"] == past
    assert await act(hass, "get_forecast") == {"made_at": 1, "periods": []}
    assert (await act(hass, "get_statement", {"from": "2026-11-01", "to": "2026-11-20"}))["household"] == "h-001"
    assert edge.questions[-1] == ("statement", {"from": "2026-11-01", "to": "2026-11-20"})
    market = await act(hass, "get_market")
    assert market["book"] == {"buys": [], "sells": []}
    assert market["orders"] == edge.state["orders"]

    span = {"from": "2026-11-20 06:00:00+03:00", "to": "2026-11-20 18:00:00+03:00"}
    await act(hass, "get_prices", span)
    six, eighteen = (int(datetime(2026, 11, 20, hour, tzinfo=UTC).timestamp()) for hour in (3, 15))
    assert edge.questions[-1] == ("prices", {"from": str(six), "to": str(eighteen)})


@pytest.mark.parametrize(
    ("action", "fields", "key"),
    [
        ("get_prices", {"from": "2026-11-20 12:00", "to": "2026-11-20 11:00"}, "ends_before_start"),
        ("get_prices", {"from": "2024-11-20 12:00", "to": "2026-11-20 11:00"}, "span_too_long"),
        ("get_statement", {"from": "2026-11-20", "to": "2026-11-19"}, "ends_before_start"),
        # Both days count: the hub's statements have 366 at most.
        ("get_statement", {"from": "2025-11-20", "to": "2026-11-21"}, "span_too_long"),
        ("export_history", {"from": "2020-11-20", "to": "2026-11-19"}, "span_too_long"),
    ],
)
async def test_a_wrong_span_of_time_is_named(
    hass: HomeAssistant, household: MockConfigEntry, action: str, fields: dict[str, Any], key: str
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, action, fields)
    assert refused.value.translation_key == key


def test_the_history_card_may_ask_from_a_year_ago_until_tomorrow() -> None:
    asked = date(2025, 11, 22), date(2026, 11, 23)
    assert days(*asked, today=date(2026, 11, 22)) == asked


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (None, "not_kept"),
        (web.Response(text="[]"), "cannot_connect"),
        (web.Response(text="{"), "cannot_connect"),
        (web.Response(status=500, text="oh"), "cannot_connect"),
        (web.Response(status=500, text="[]"), "cannot_connect"),
        (
            web.json_response({"code": "hub_unreachable", "message": "the hub is away"}, status=503),
            "refused_hub_unreachable",
        ),
    ],
)
async def test_what_cannot_be_read_says_why(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, record: Any, key: str
) -> None:
    edge.records["statement"] = record
    with pytest.raises(HomeAssistantError) as refused:
        await act(hass, "get_statement")
    assert refused.value.translation_key == key


async def test_an_edge_that_is_away_or_forgot_us_is_no_defect(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    edge.records["history"] = {"no": "periods"}
    with pytest.raises(HomeAssistantError):
        await act(hass, "export_history")
    edge.tokens.clear()
    with pytest.raises(HomeAssistantError) as refused:
        await act(hass, "get_forecast")
    assert refused.value.translation_key == "cannot_connect"
    await edge.stop()
    with pytest.raises(HomeAssistantError):
        await act(hass, "get_forecast")


async def test_the_market_is_unknown_while_the_hub_is_away(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    edge.state["hub"]["status"] = "unreachable"
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    with pytest.raises(HomeAssistantError) as refused:
        await act(hass, "get_market")
    assert refused.value.translation_key == "hub_away"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_history_is_exported_as_a_table_and_a_file(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, tmp_path: Path
) -> None:
    period = {
        "start": 1795168800,
        "export_wh": 820,
        "import_wh": 0,
        "generation_wh": 1300,
        "sold_wh": 820,
        "bought_wh": 0,
        "earned_cents": 1423,
        "paid_cents": 0,
    }
    edge.records |= {"history": {"periods": [period]}, "statement.csv": "entry,kes\n1,12.00\n"}
    answer = await act(hass, "export_history")
    assert answer == {
        "csv": "start,export_wh,import_wh,generation_wh,sold_wh,bought_wh,earned_cents,paid_cents,revision\n"
        "2026-11-20T10:00:00+00:00,820,0,1300,820,0,1423,0,0\n",
        "rows": 1,
    }
    hass.config.config_dir = str(tmp_path)
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    answer = await act(hass, "export_history", {"kind": "statement", "file": "statement.csv"})
    assert answer["file"] == str(tmp_path / "statement.csv")
    assert (tmp_path / "statement.csv").read_text() == "entry,kes\n1,12.00\n"

    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "export_history", {"file": "../outside.csv"})
    assert refused.value.translation_key == "path_not_allowed"
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "export_history", {"file": "no/such/folder.csv"})
    assert failed.value.translation_key == "not_written"
    await hass.services.async_call("energy_swap", "export_history", {"file": "quiet.csv"}, blocking=True)
    assert (tmp_path / "quiet.csv").exists()


async def test_days_are_the_communitys_wherever_home_assistant_thinks_it_is(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await hass.config.async_set_time_zone("US/Pacific")
    edge.records |= {"history": {"periods": []}, "statement": {"lines": []}, "statement.csv": "entry,kes\n"}

    async def asked(fields: dict[str, str]) -> tuple[datetime, ...]:
        await act(hass, "export_history", fields)
        return tuple(datetime.fromtimestamp(int(edge.questions[-1][1][way]), UTC) for way in ("from", "to"))

    begin, end = (datetime(2026, *day, 21, tzinfo=UTC) for day in ((10, 31), (11, 30)))  # midnights in Nairobi
    assert await asked({"from": "2026-11-01", "to": "2026-11-30"}) == (begin, end)
    assert [moment.hour for moment in await asked({})] == [21, 21]
    # What the hub reports on it knows the day of itself.
    await act(hass, "get_statement")
    await act(hass, "export_history", {"kind": "statement", "from": "2026-11-01"})
    assert edge.questions[-2:] == [("statement", {}), ("statement.csv", {"from": "2026-11-01"})]


async def test_invoices_are_listed_and_saved(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, tmp_path: Path
) -> None:
    hass.config.config_dir = str(tmp_path)
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    draft, october = {"number": None, "month": "2026-11"}, {"number": 7, "month": "2026-10", "total_cents": 41_250}
    edge.records["invoices"] = {"invoices": [draft]}
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "save_invoice", {"file": "invoice.pdf"})
    assert refused.value.translation_key == "no_invoice"

    edge.records |= {"invoices": {"invoices": [draft, october]}, "invoices/7.pdf": "%PDF of October"}
    assert await act(hass, "get_invoices") == {"invoices": [draft, october]}
    hass.config.language = "sw"
    saved = {"invoice": 7, "file": str(tmp_path / "invoice.pdf")}
    assert await act(hass, "save_invoice", {"file": "invoice.pdf"}) == saved
    assert edge.questions[-1] == ("invoices/7.pdf", {"language": "sw"})
    assert (tmp_path / "invoice.pdf").read_bytes() == b"%PDF of October"
    await act(hass, "save_invoice", {"file": "invoice.pdf", "invoice": 7, "language": "en"})
    assert edge.questions[-1] == ("invoices/7.pdf", {"language": "en"})
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "save_invoice", {"file": "../invoice.pdf"})
    assert refused.value.translation_key == "path_not_allowed"
    edge.records["invoices"] = {"invoices": None}
    with pytest.raises(HomeAssistantError):
        await act(hass, "get_invoices")


async def test_limits_that_the_hub_does_not_show_are_said_to_be_unsure(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.energy_swap.commands.SHOWN_SECONDS", 0.05)
    monkeypatch.setattr(edge, "change", _nothing)
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "set_limits", {"sell_at_least": 11})
    assert failed.value.translation_key == "limits_not_shown"


async def _nothing(**_parts: Any) -> None:
    """Show no change."""


async def test_an_answer_that_never_comes_is_not_called_failed(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.energy_swap.api.connection.COMMAND_SECONDS", 0.05)
    edge.mute()
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "sell", SALE)
    assert failed.value.translation_key == "answer_lost"
    edge.is_mute = False
    edge.refusal = {"code": "no_answer", "message": "the hub did not answer"}
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "sell", SALE)
    assert failed.value.translation_key == "answer_lost"


@pytest.mark.parametrize(
    ("action", "fields", "key"),
    [
        ("sell", {"energy": True}, "amount_not_a_number"),
        ("sell", {"energy": "lots"}, "amount_not_a_number"),
        ("sell", {"energy": "nan"}, "amount_not_a_number"),
        ("sell", {"energy": 0}, "amount_not_positive"),
        ("sell", {"energy": 1e30}, "amount_too_large"),
        ("sell", {"energy": 10_000.1}, "amount_too_large"),
        ("sell", {"energy": 0.0001}, "amount_too_fine"),
        ("sell", {"energy": 0.05}, "amount_too_small"),
        ("sell", {"duration": {"seconds": 90}}, "duration_not_minutes"),
        ("sell", {"duration": {"days": 367}}, "duration_too_long"),
        ("cancel_order", {"order": "mine"}, "not_an_id"),
        ("set_limits", {}, "no_limit_given"),
        ("set_limits", {"buy_at_most": 20, "stop_buying": True}, "limit_and_stop"),
    ],
)
async def test_a_wrong_value_is_named(
    hass: HomeAssistant,
    household: MockConfigEntry,
    edge: ContractEdge,
    action: str,
    fields: dict[str, Any],
    key: str,
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, action, SALE | fields if action == "sell" else fields)
    assert refused.value.translation_key == key
    assert edge.commands == []


async def test_a_limit_and_a_stop_are_set_at_once_and_an_order_has_its_time(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await act(hass, "set_limits", {"sell_at_least": 12.5, "stop_buying": True})
    await act(hass, "sell", SALE | {"duration": "02:00:00"})
    await act(hass, "cancel_order", {"order": ORDER})
    assert edge.commands == [
        {"command": "set_limits", "sell_at_least": 1250, "buy_at_most": None},
        {"command": "sell", "wh": 1000, "at_least": 1200, "valid_for_minutes": 120},
        {"command": "cancel_order", "order": ORDER},
    ]


async def test_limits_that_nobody_knows_are_not_changed(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    edge.state["market"] = edge.state["meter"] = None
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "set_limits", {"sell_at_least": 11})
    assert failed.value.translation_key == "limits_unknown"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_an_order_whose_answer_was_lost_is_not_called_failed(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    edge.mute()
    order = asyncio.create_task(act(hass, "sell", SALE))
    await edge.command_came.wait()
    await edge.drop()
    with pytest.raises(HomeAssistantError) as failed:
        await order
    assert failed.value.translation_key == "answer_lost"
