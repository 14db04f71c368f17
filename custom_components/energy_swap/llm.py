"""Tools for language models: they look at prices, trades and forecasts, and can move neither money nor energy."""

from abc import abstractmethod
from datetime import timedelta
from typing import Any, override

import probatio
from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.components.llm import LLMTools
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.llm import LLM_API_ASSIST, LLMContext, Tool, ToolAnnotations, ToolInput, ToolResult
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType

from .api import EdgeError
from .const import DOMAIN
from .coordinator import EnergySwapConfigEntry, EnergySwapCoordinator
from .state import is_hub_connected, value

READS_ONLY = ToolAnnotations(read_only=True, destructive=False, idempotent=True, open_world=False)


class _HouseholdTool(Tool):
    """Looks at each household that the assistant may see."""

    parameters = probatio.Schema({})
    annotations = READS_ONLY
    integration = DOMAIN

    @override
    async def async_call(self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext) -> ToolResult:
        households: list[JsonValueType] = [
            {"household": entry.title, **await self.look(entry.runtime_data)}
            for entry in _exposed(hass, llm_context.assistant)
        ]
        return ToolResult(data={"households": households})

    @abstractmethod
    async def look(self, coordinator: EnergySwapCoordinator) -> JsonObjectType:
        """Return what is known of one household."""


class MarketNowTool(_HouseholdTool):
    """Prices, limits, advice and balances as they are now."""

    name = f"{DOMAIN}__market_now"
    title = "Energy market now"
    description = (
        "Tells what a kilowatt-hour costs among the neighbours now, the household's limit prices, the advice to "
        "sell, buy or hold with its reason, the balance in KES and kWh, and what was earned and saved today. "
        "It reads only; trading is not possible with it."
    )

    @override
    async def look(self, coordinator: EnergySwapCoordinator) -> JsonObjectType:
        state = coordinator.data
        if not coordinator.last_update_success:
            return {"note": "the household's edge does not answer"}
        read: dict[str, Any] = {
            "is_community_hub_connected": is_hub_connected(state),
            "price_kes_per_kwh": _kes(value("market", "clearing_cents_per_kwh")(state)),
            "sell_at_least_kes_per_kwh": _kes(value("market", "sell_at_least")(state)),
            "buy_at_most_kes_per_kwh": _kes(value("market", "buy_at_most")(state)),
            "price_against_week_percent": value("guidance", "now_against_week_percent")(state),
            "advice": value("advice", "action")(state),
            "advice_reason": value("advice", "sentence")(state),
            "surplus_w": value("power", "surplus_w")(state),
            "surplus_left_today_kwh": _kwh(value("forecast", "surplus_remaining_wh")(state)),
            "balance_kes": _kes(value("wallet", "kes_cents")(state)),
            "balance_kwh": _kwh(value("wallet", "ekwh_wh")(state)),
            "earned_today_kes": _kes(value("earnings", "earned_today_cents")(state)),
            "saved_today_kes": _kes(value("earnings", "saved_today_cents")(state)),
            "open_orders": len(state["orders"]),
        }
        return {key: known for key, known in read.items() if known is not None}


class TradesTodayTool(_HouseholdTool):
    """What was traded today."""

    name = f"{DOMAIN}__trades_today"
    title = "Energy trades today"
    description = (
        "Tells how much energy the household sold to and bought from its neighbours today, in kWh, "
        "and how much it earned and paid, in KES. It reads only."
    )

    @override
    async def look(self, coordinator: EnergySwapCoordinator) -> JsonObjectType:
        start = dt_util.now(await coordinator.async_time_zone()).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            periods = await coordinator.records.history(start, start + timedelta(days=1))
        except EdgeError:
            return {"note": "the household's edge does not tell its history"}
        total = {
            field: sum(period.get(field) or 0 for period in periods)
            for field in ("sold_wh", "bought_wh", "earned_cents", "paid_cents")
        }
        return {
            "sold_kwh": _kwh(total["sold_wh"]),
            "bought_kwh": _kwh(total["bought_wh"]),
            "earned_kes": _kes(total["earned_cents"]),
            "paid_kes": _kes(total["paid_cents"]),
            "settled_periods": sum(bool(period.get("settled", True)) for period in periods),
        }


@callback
def async_get_tools(hass: HomeAssistant, llm_context: LLMContext, api_id: str) -> LLMTools | None:
    """Return the tools, if the assistant may see any entity of a household."""
    if api_id != LLM_API_ASSIST or not llm_context.assistant or not _exposed(hass, llm_context.assistant):
        return None
    return LLMTools(tools=[MarketNowTool(), TradesTodayTool()])


@callback
def _exposed(hass: HomeAssistant, assistant: str) -> list[EnergySwapConfigEntry]:
    registry = er.async_get(hass)
    return [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.state is ConfigEntryState.LOADED
        and any(
            async_should_expose(hass, assistant, entity.entity_id)
            for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        )
    ]


def _kes(cents: int | None) -> float | None:
    return None if cents is None else cents / 100


def _kwh(wh: int | None) -> float | None:
    return None if wh is None else wh / 1000
