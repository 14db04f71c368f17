"""Mend with one click, or one form, what an issue is about."""

from typing import Any, Final

import probatio
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_CODE, CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from . import api
from .addresses import ADDRESS_SCHEMA, address_of
from .commands import change_limits
from .const import DOMAIN
from .state import value

CODE_DIGITS: Final = 8
CODE_SCHEMA: Final = probatio.Schema({probatio.Required(CONF_CODE): str})


class _HouseholdRepair(RepairsFlow):
    """A repair of one household."""

    def __init__(self, entry: ConfigEntry) -> None:
        self.entry = entry

    @property
    def placeholders(self) -> dict[str, str] | None:
        """What the texts of the issue name."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return None if issue is None else issue.translation_placeholders

    def ask(self, errors: dict[str, str], schema: probatio.Schema | None = None) -> RepairsFlowResult:
        """Show what there is to confirm or to fill in."""
        return self.async_show_form(
            step_id="confirm",
            data_schema=schema or probatio.Schema({}),
            errors=errors,
            description_placeholders=self.placeholders,
        )

    async def find(self, address: api.EdgeAddress) -> dict[str, str]:
        """Look whether this household's edge answers at an address; return the errors of the form."""
        try:
            info = await api.read_info(async_get_clientsession(self.hass), address)
        except api.CannotConnectError:
            return {"base": "cannot_connect"}
        except api.NotAnEdgeError:
            return {"base": "not_an_edge"}
        except api.UnsupportedVersionError:
            return {"base": "still_unsupported"}
        return {} if info.edge_id == self.entry.unique_id else {"base": "wrong_edge"}

    def done(self) -> RepairsFlowResult:
        """Set the household up anew; that withdraws the issue, too."""
        self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
        return self.async_create_entry(data={})


class EdgeAwayRepair(_HouseholdRepair):
    """The edge does not answer: say where it is now."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask for the address and try it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            address = address_of(user_input)
            errors = await self.find(address)
            if not errors:
                data = {**self.entry.data, CONF_HOST: address.host, CONF_PORT: address.port}
                self.hass.config_entries.async_update_entry(self.entry, data=data)
                return self.done()
        suggested = user_input or self.entry.data
        return self.ask(errors, self.add_suggested_values_to_schema(ADDRESS_SCHEMA, suggested))


class VersionRepair(_HouseholdRepair):
    """Edge and integration are of different ages: look again after the update."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask the edge once more which version it speaks."""
        if user_input is None:
            return self.ask({})
        errors = await self.find(address_of(self.entry.data))
        return self.ask(errors) if errors else self.done()


class NoLimitsRepair(_HouseholdRepair):
    """The household keeps out of the market: take the suggested limits."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Set the limits that are suggested now."""
        if user_input is None:
            return self.ask({})
        if self.entry.state is not ConfigEntryState.LOADED:
            return self.ask({"base": "cannot_connect"})
        coordinator = self.entry.runtime_data
        sell, buy = (value("guidance", side)(coordinator.data) for side in ("suggested_sell", "suggested_buy"))
        try:
            await change_limits(coordinator, {"sell_at_least": sell, "buy_at_most": buy})
        except HomeAssistantError:
            return self.ask({"base": "limits_not_taken"})
        return self.async_create_entry(data={})


class UnclaimedMeterRepair(_HouseholdRepair):
    """Nobody may command the meter's relay yet: claim it with the code that it shows."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask for the code and have the edge prove it to the meter."""
        if user_input is None:
            return self.ask({}, CODE_SCHEMA)
        digits = "".join(character for character in user_input[CONF_CODE] if character not in " -")
        if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdecimal()):
            return self.ask({CONF_CODE: "not_a_code"}, CODE_SCHEMA)
        if self.entry.state is not ConfigEntryState.LOADED:
            return self.ask({"base": "cannot_connect"}, CODE_SCHEMA)
        try:
            await self.entry.runtime_data.command("claim_meter", {"code": digits})
        except api.CommandRefusedError as err:
            known = {"hub_unreachable", "meter_unreachable", "not_claimed"}
            return self.ask({"base": err.code if err.code in known else "not_claimed"}, CODE_SCHEMA)
        except api.AnswerLostError, HomeAssistantError:
            return self.ask({"base": "cannot_connect"}, CODE_SCHEMA)
        return self.async_create_entry(data={})


FLOWS: dict[str, type[EdgeAwayRepair | VersionRepair | NoLimitsRepair | UnclaimedMeterRepair]] = {
    "edge_away": EdgeAwayRepair,
    "unsupported_version": VersionRepair,
    "no_limits": NoLimitsRepair,
    "meter_unclaimed": UnclaimedMeterRepair,
}


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    entry = hass.config_entries.async_get_known_entry(str((data or {})["entry_id"]))
    return FLOWS[issue_id.removesuffix(f"_{entry.entry_id}")](entry)
