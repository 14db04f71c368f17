"""Finding an edge, pairing with it, and pairing again when it no longer knows us."""

from collections.abc import Mapping
from typing import Any, override

import probatio
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from yarl import URL

from . import api
from .const import DEFAULT_PORT, DOMAIN

CONF_CODE = "code"

ADDRESS_SCHEMA = probatio.Schema(
    {probatio.Required(CONF_HOST): cv.string, probatio.Required(CONF_PORT, default=DEFAULT_PORT): cv.port}
)
CODE_SCHEMA = probatio.Schema({probatio.Required(CONF_CODE): cv.string})


class EnergySwapConfigFlow(ConfigFlow, domain=DOMAIN):
    """Sets up one household's edge."""

    VERSION = 1

    _address: api.EdgeAddress
    _name: str
    _versions: Mapping[str, str] = {"edge": "", "integration": str(api.API_VERSION)}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the edge is."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._find(_address(user_input))
            if not errors:
                self._abort_if_unique_id_configured(updates=self._address_data())
                return await self.async_step_pair()
        return self._show_address_form("user", user_input, errors)

    @override
    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """An edge announced itself on the local network."""
        edge_id = discovery_info.properties.get("id")
        if not edge_id:
            return self.async_abort(reason="not_an_edge")
        self._address = api.EdgeAddress(discovery_info.host, discovery_info.port or DEFAULT_PORT)
        await self.async_set_unique_id(edge_id)
        self._abort_if_unique_id_configured(updates=self._address_data())
        if errors := await self._find(self._address):
            return self.async_abort(reason=errors["base"], description_placeholders=self._versions)
        self.context["title_placeholders"] = {"name": self._name}
        return await self.async_step_pair()

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the pairing code that the edge shows."""
        errors: dict[str, str] = {}
        if user_input is not None:
            token, errors = await self._pair(user_input[CONF_CODE])
            if token:
                self._abort_if_unique_id_configured()
                return self.async_create_entry(title=self._name, data={**self._address_data(), CONF_TOKEN: token})
        return self._show_code_form("pair", errors)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """The edge no longer takes our token."""
        self._address = _address(entry_data)
        self._name = self._get_reauth_entry().title
        await self.async_set_unique_id(self._get_reauth_entry().unique_id)
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a new pairing code."""
        errors: dict[str, str] = {}
        if user_input is not None:
            token, errors = await self._pair(user_input[CONF_CODE])
            if token:
                return self.async_update_reload_and_abort(
                    self._get_reauth_entry(), data_updates={CONF_TOKEN: token}
                )
        return self._show_code_form("reauth_confirm", errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the edge is now; it stays paired."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._find(_address(user_input))
            if not errors:
                self._abort_if_unique_id_mismatch(reason="wrong_edge")
                return self.async_update_reload_and_abort(entry, data_updates=self._address_data())
        return self._show_address_form("reconfigure", user_input or dict(entry.data), errors)

    async def _find(self, address: api.EdgeAddress) -> dict[str, str]:
        """Look who is at the address; return the errors of the form, none if it is an edge we can talk to."""
        self._address = address
        try:
            info = await api.read_info(async_get_clientsession(self.hass), address)
        except api.CannotConnectError:
            return {"base": "cannot_connect"}
        except api.NotAnEdgeError:
            return {"base": "not_an_edge"}
        except api.UnsupportedVersionError as err:
            self._versions = {**self._versions, "edge": str(err.api_version)}
            return {"base": "unsupported_version"}
        self._name = info.name
        await self.async_set_unique_id(info.edge_id, raise_on_progress=False)
        return {}

    async def _pair(self, code: str) -> tuple[str | None, dict[str, str]]:
        """Trade the code for a token; return it, or the errors of the form."""
        digits = "".join(character for character in code if character not in " -")
        try:
            edge_id, token = await api.pair(async_get_clientsession(self.hass), self._address, digits)
        except api.WrongCodeError:
            return None, {CONF_CODE: "wrong_code"}
        except api.TooManyAttemptsError:
            return None, {"base": "too_many_attempts"}
        except api.CannotConnectError:
            return None, {"base": "cannot_connect"}
        except api.NotAnEdgeError:
            return None, {"base": "not_an_edge"}
        if edge_id != self.unique_id:
            return None, {"base": "wrong_edge"}
        return token, {}

    def _show_address_form(
        self, step: str, suggested: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(ADDRESS_SCHEMA, suggested),
            errors=errors,
            description_placeholders=self._versions,
            last_step=step == "reconfigure",
        )

    def _show_code_form(self, step: str, errors: dict[str, str]) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=CODE_SCHEMA,
            errors=errors,
            description_placeholders={"name": self._name, "address": str(self._address)},
        )

    def _address_data(self) -> dict[str, Any]:
        return {CONF_HOST: self._address.host, CONF_PORT: self._address.port}


def _address(data: Mapping[str, Any]) -> api.EdgeAddress:
    """Take the host as people write it, even as a pasted URL, whose port then counts."""
    host, port = data[CONF_HOST].strip(), data[CONF_PORT]
    if "://" in host:
        try:
            url = URL(host)
        except ValueError:
            return api.EdgeAddress(host, port)
        host, port = url.host or host, url.explicit_port or port
    return api.EdgeAddress(host, port)
