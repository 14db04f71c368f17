"""Keeps one WebSocket to the edge open, and gives every entity the newest state."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from . import api
from .const import CONF_POWER_SECONDS, DEFAULT_POWER_SECONDS, DOMAIN, LOGGER
from .events import EventMemory
from .power_gate import PowerGate
from .problems import Problems
from .state import State

if TYPE_CHECKING:
    from .offers import OfferDesk

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
        self.records = api.EdgeRecords(async_get_clientsession(hass), self.address, entry.data[CONF_TOKEN])
        self.limits_lock = asyncio.Lock()
        self.problems = Problems(hass, entry)
        self.offers: dict[str, OfferDesk] = {}
        self._gate = PowerGate(entry.options.get(CONF_POWER_SECONDS, DEFAULT_POWER_SECONDS))
        self._flush: CALLBACK_TYPE | None = None
        self._events = EventMemory(hass, entry)
        self._event_listeners: list[Callable[[api.EdgeEvent], None]] = []
        self._early_events: list[api.EdgeEvent] | None = []
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

    async def async_time_zone(self) -> tzinfo:
        """Return the time zone of the household's days, whatever Home Assistant's own is."""
        name = self.info.time_zone
        zone = None if name is None else await dt_util.async_get_time_zone(name)
        return zone or dt_util.get_default_time_zone()

    @callback
    def async_listen_to_events(self, listener: Callable[[api.EdgeEvent], None]) -> CALLBACK_TYPE:
        """Call ``listener`` with each event of the edge, once; return how to stop that."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    async def async_start_events(self) -> None:
        """Tell what happened so far: everything that listens is there now."""
        early, self._early_events = self._early_events or [], None
        for event in early:
            self._tell(event)
        if self._connection is not None:
            await self._ask_for_missed_events(self._connection)

    @callback
    def take_state(self, state: State) -> None:
        """Show a new state, live power not more often than it should be."""
        now = self.hass.loop.time()
        wait = self._gate.wait(state["power"], now)
        if wait <= 0:
            self._show(state)
            return
        if any(part is not self.data.get(key) for key, part in state.items() if key != "power"):
            self._publish({**state, "power": self.data["power"]})
        if self._flush is None:
            self._flush = async_call_later(self.hass, wait, self._show_newest)

    @callback
    def take_event(self, event: api.EdgeEvent) -> None:
        """Tell an event to whoever listens, unless it was told before."""
        if self._early_events is not None:
            self._early_events.append(event)
        else:
            self._tell(event)

    @override
    async def _async_setup(self) -> None:
        await self._events.load()
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
        self._gate.show(self.data["power"], self.hass.loop.time())
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
        self._cancel_flush()
        if self._task is not None:
            self._task.cancel()

    async def _stay_connected(self, connection: api.EdgeConnection) -> None:
        while True:
            reason = "it closed the connection"
            try:
                await connection.listen(self)
            except api.EdgeError as err:
                reason = str(err)
            finally:
                self._connection = None
                self._cancel_flush()
            self._announce_lost(reason)
            try:
                connection = await self._reconnect()
            except api.TokenRefusedError:
                LOGGER.info("The edge at %s has to be paired again", self.address)
                self.config_entry.async_start_reauth(self.hass)
                return
            self._announce_back(connection)
            await self._ask_for_missed_events(connection)

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
        try:
            await api.read_info(session, self.address)  # says what is wrong before anything is opened
            connection = await api.connect(session, self.address, self.config_entry.data[CONF_TOKEN])
        except api.UnsupportedVersionError as err:
            self.problems.version_differs(err.api_version)
            raise
        self.problems.edge_answers()
        self._events.connected()
        return connection

    async def _ask_for_missed_events(self, connection: api.EdgeConnection) -> None:
        """Without a last event there was none to miss: this household is new here."""
        if self._events.last is None:
            return
        try:
            await connection.ask_for_events(self._events.last)
        except api.CannotConnectError as err:
            LOGGER.debug("The edge at %s is gone again: %s", self.address, err)

    @callback
    def _tell(self, event: api.EdgeEvent) -> None:
        if not self._events.is_new(event):
            return
        self._events.remember(event, self.device_id)
        for listener in list(self._event_listeners):
            listener(event)

    @callback
    def _show(self, state: State) -> None:
        self._cancel_flush()
        self._gate.show(state["power"], self.hass.loop.time())
        self._publish(state)

    @callback
    def _publish(self, state: State) -> None:
        self.async_set_updated_data(state)
        self.problems.look(state)

    @callback
    def _show_newest(self, _now: object) -> None:
        self._flush = None
        if self._connection is not None:
            self._show(self._connection.state)

    @callback
    def _cancel_flush(self) -> None:
        if self._flush is not None:
            self._flush()
            self._flush = None

    @callback
    def _announce_lost(self, reason: str) -> None:
        LOGGER.info("Lost the edge at %s: %s", self.address, reason)
        self.problems.edge_lost()
        self.last_update_success = False
        self.async_update_listeners()

    @callback
    def _announce_back(self, connection: api.EdgeConnection) -> None:
        LOGGER.info("Connected to the edge at %s again", self.address)
        self._connection = connection
        if connection.info != self.info:
            self.info = connection.info
            self.async_register_device()
        self._show(connection.state)

    @property
    def device_id(self) -> str:
        """The id of the edge in Home Assistant's register of devices."""
        return self.async_register_device().id

    @callback
    def async_register_device(self) -> dr.DeviceEntry:
        """Enter the edge into the register of devices, or bring what is there up to date."""
        registry = dr.async_get(self.hass)
        return registry.async_get_or_create(config_entry_id=self.config_entry.entry_id, **self.device_info())

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
