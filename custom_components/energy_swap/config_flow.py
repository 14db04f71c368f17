"""Finding an edge, pairing with it, and pairing again when it no longer knows us."""

from collections.abc import Mapping
from typing import Any, override

import probatio
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from . import api
from .addresses import ADDRESS_SCHEMA, address_of
from .const import DEFAULT_PORT, DOMAIN, EXTRA_METER, STANDING_OFFER
from .options_flow import EnergySwapOptionsFlow
from .subentry_flows import ExtraMeterFlow, StandingOfferFlow

CONF_CODE = "code"

CODE_SCHEMA = probatio.Schema({probatio.Required(CONF_CODE): cv.string})


class EnergySwapConfigFlow(ConfigFlow, domain=DOMAIN):
    """Sets up one household's edge."""

    VERSION = 1

    _address: api.EdgeAddress
    _name: str
    _token: str
    _versions: Mapping[str, str] = {"edge": "", "integration": str(api.API_VERSION)}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow of a household's preferences."""
        return EnergySwapOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to a household."""
        return {STANDING_OFFER: StandingOfferFlow, EXTRA_METER: ExtraMeterFlow}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the edge is."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._find(address_of(user_input))
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

    @override
    async def async_step_hassio(self, discovery_info: HassioServiceInfo) -> ConfigFlowResult:
        """The app told the Supervisor where it is; with a token of its own nothing has to be typed."""
        config = discovery_info.config
        if not config.get("host"):
            return self.async_abort(reason="not_an_edge")
        self._address = api.EdgeAddress(str(config["host"]), int(config.get("port", DEFAULT_PORT)))
        if errors := await self._find(self._address):
            return self.async_abort(reason=errors["base"], description_placeholders=self._versions)
        token = config.get("token")
        self._abort_if_unique_id_configured(
            updates={**self._address_data(), **({CONF_TOKEN: token} if token else {})}
        )
        self.context["title_placeholders"] = {"name": self._name}
        if not token:
            return await self.async_step_pair()
        self._token = str(token)
        return await self.async_step_hassio_confirm()

    async def async_step_hassio_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to use the app that was found."""
        if user_input is not None:
            return self.async_create_entry(
                title=self._name, data={**self._address_data(), CONF_TOKEN: self._token}
            )
        self._set_confirm_only()
        return self.async_show_form(
            step_id="hassio_confirm",
            description_placeholders={"name": self._name, "address": str(self._address)},
        )

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
        self._address = address_of(entry_data)
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
            errors = await self._find(address_of(user_input))
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
