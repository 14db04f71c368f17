"""Keeps one WebSocket to the edge open, and gives every entity the newest state."""

import asyncio
from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from . import api
from .const import DOMAIN, LOGGER
from .state import State

type EnergySwapConfigEntry = ConfigEntry[EnergySwapCoordinator]

FIRST_WAIT_SECONDS = 1
LONGEST_WAIT_SECONDS = 30


class EnergySwapCoordinator(DataUpdateCoordinator[State]):
    """The state of one household's edge, pushed."""

    config_entry: EnergySwapConfigEntry
    info: api.EdgeInfo

    def __init__(self, hass: HomeAssistant, entry: EnergySwapConfigEntry) -> None:
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title)
        self.address = api.EdgeAddress(entry.data[CONF_HOST], entry.data[CONF_PORT])
        self.limits_lock = asyncio.Lock()
        self._connection: api.EdgeConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def command(self, name: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Send a command to the edge and return its answer.

        Raises CommandRefusedError, AnswerLostError, or HomeAssistantError while there is no connection.
        """
        if self._connection is None:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="cannot_connect",
                translation_placeholders={"address": str(self.address)},
            )
        return await self._connection.command(name, data)

    @override
    async def _async_setup(self) -> None:
        try:
            connection = await self._connect()
        except api.TokenRefusedError as err:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN,
                translation_key="token_refused",
                translation_placeholders={"address": str(self.address)},
            ) from err
        except api.UnsupportedVersionError as err:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="unsupported_version",
                translation_placeholders={"edge": str(err.api_version), "integration": str(api.API_VERSION)},
            ) from err
        except api.EdgeError as err:
            raise self._unreachable() from err
        self._connection, self.info, self.data = connection, connection.info, connection.state
        self._task = self.config_entry.async_create_background_task(
            self.hass, self._stay_connected(connection), f"{DOMAIN} {self.address}"
        )

    @override
    async def _async_update_data(self) -> State:
        # Nothing is ever fetched: what was pushed last is the newest there is.
        if self._connection is None:
            raise self._unreachable()
        return self.data

    @override
    async def async_shutdown(self) -> None:
        """Close the connection for good."""
        await super().async_shutdown()
        if self._task is not None:
            self._task.cancel()

    async def _stay_connected(self, connection: api.EdgeConnection) -> None:
        while True:
            reason = "it closed the connection"
            try:
                await connection.listen(self.async_set_updated_data)
            except api.EdgeError as err:
                reason = str(err)
            finally:
                self._connection = None
            self._announce_lost(reason)
            try:
                connection = await self._reconnect()
            except api.TokenRefusedError:
                LOGGER.info("The edge at %s has to be paired again", self.address)
                self.config_entry.async_start_reauth(self.hass)
                return
            self._announce_back(connection)

    async def _reconnect(self) -> api.EdgeConnection:
        wait = FIRST_WAIT_SECONDS
        while True:
            await asyncio.sleep(wait)
            try:
                return await self._connect()
            except api.TokenRefusedError:
                raise
            except api.EdgeError as err:
                LOGGER.debug("No connection to the edge at %s yet: %s", self.address, err)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _connect(self) -> api.EdgeConnection:
        session = async_get_clientsession(self.hass)
        return await api.connect(session, self.address, self.config_entry.data[CONF_TOKEN])

    @callback
    def _announce_lost(self, reason: str) -> None:
        LOGGER.info("Lost the edge at %s: %s", self.address, reason)
        self.last_update_success = False
        self.async_update_listeners()

    @callback
    def _announce_back(self, connection: api.EdgeConnection) -> None:
        LOGGER.info("Connected to the edge at %s again", self.address)
        self._connection = connection
        if connection.info != self.info:
            self.info = connection.info
            registry = dr.async_get(self.hass)
            registry.async_get_or_create(config_entry_id=self.config_entry.entry_id, **self.device_info())
        self.async_set_updated_data(connection.state)

    def device_info(self) -> dr.DeviceInfo:
        """Describe the edge as a device."""
        return dr.DeviceInfo(
            identifiers={(DOMAIN, self.info.edge_id)},
            entry_type=dr.DeviceEntryType.SERVICE,  # a program, and "hub" would be taken for the community's
            name=self.info.name,
            manufacturer="Energy Swap",
            model="Household edge",
            sw_version=self.info.edge_version,
        )

    def _unreachable(self) -> UpdateFailed:
        return UpdateFailed(
            translation_domain=DOMAIN,
            translation_key="cannot_connect",
            translation_placeholders={"address": str(self.address)},
        )
