"""One household's edge: its parts, put together, with a beginning and an end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from importlib.metadata import version
from typing import Any, Self
from zoneinfo import ZoneInfo

import aiohttp

from .api.announcement import announced
from .api.pairing import PairedClient, Pairing
from .api.reads import Reads
from .api.server import LocalApi
from .api.status_page import StatusPage, View
from .backoff import Backoff
from .command_error import CommandError
from .commands import Commands
from .config import EdgeConfig
from .counsel import Counsel
from .events import EventLog
from .forecast.household import HouseholdForecast
from .forecast.renewal import ForecastKeeper, weather_sources
from .forecast.weather.home_assistant import HomeAssistantWeather
from .forecast.weather.source import WeatherError
from .forward import FrameForwarder, MessageCourier
from .history.periods import History
from .household import HouseholdState
from .housekeeping import Housekeeping
from .hub_client import HubClient
from .intake import MeterIntake
from .keys import HouseholdKey, load_or_create_key
from .live_power import LivePower
from .membership import Membership
from .meter_control import MeterControl
from .outlook import Outlook
from .records import HubRecords
from .settings import OwnSettings
from .state import Clock, HubLink, LiveState, unix
from .store import Store
from .trader.journal import Journal
from .trader.offers import Offers
from .trader.trader import Trader

_LOGGER = logging.getLogger(__name__)


class Edge:
    """One household. Many can live in one process; they share nothing.

    Use ``async with edge``, or ``start`` … ``stop``, or ``run`` as a task of its own.
    """

    def __init__(self, config: EdgeConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._key: HouseholdKey | None = None
        self._store: Store | None = None
        self._pairing: Pairing | None = None
        self._api: LocalApi | None = None
        self._port: int | None = None
        self.status_port: int | None = None
        self._intake: MeterIntake | None = None
        self.state = LiveState(unix(clock))
        self.weather = HomeAssistantWeather()
        self._started = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def config(self) -> EdgeConfig:
        """What this edge was told."""
        return self._config

    @property
    def pairing_code(self) -> str:
        """The six digits that pair the next client; they change after each use."""
        return _started(self._pairing).code

    @property
    def key(self) -> HouseholdKey:
        """The household's key."""
        return _started(self._key)

    @property
    def store(self) -> Store:
        """What the edge keeps on disk."""
        return _started(self._store)

    @property
    def edge_id(self) -> str:
        """The name by which Home Assistant knows this edge."""
        return self.key.edge_id

    @property
    def api_port(self) -> int:
        """The port on which the local API listens."""
        return _started(self._port)

    @property
    def is_listening(self) -> bool:
        """Whether the MQTT broker delivers the meter's messages now."""
        return _started(self._intake).is_listening

    @property
    def rejected(self) -> dict[str, int]:
        """How many MQTT messages were no good, by topic."""
        return dict(_started(self._intake).rejected)

    def _view(self) -> View:
        intake, pairing = _started(self._intake), _started(self._pairing)
        return View(
            name=self._config.name,
            edge_version=version("energy-swap-edge"),
            state=self.state.snapshot(),
            is_listening=intake.is_listening,
            listening_since=intake.listening_since,
            pairing_code=pairing.code,
            clients=tuple(pairing.clients),
            connected=frozenset(_started(self._api).connected_clients),
            now=unix(self._clock),
            zone=ZoneInfo(self._config.time_zone),
        )

    async def introduce(self, tell: Callable[[dict[str, Any]], Awaitable[bool]], host: str) -> bool:
        """Have ``tell`` announce this edge to Home Assistant with a token of its own.

        Return whether it was taken.
        """
        pairing, client = _started(self._pairing), "Home Assistant, by the Supervisor"
        token = await pairing.give_token(client)
        if not await tell({"host": host, "port": self.api_port, "token": token, "id": self.edge_id}):
            return False
        await pairing.keep_only(client, token)
        return True

    async def revoke(self, client_id: str, by: str) -> PairedClient:
        """Let a paired client's token count no more, and disconnect it; raises `LookupError` for an unknown id."""
        client = await _started(self._pairing).revoke(client_id, by)
        await _started(self._api).turn_out(client_id)
        return client

    async def start(self) -> None:
        """Start in the background and return when the local API listens; raise what prevents it."""
        self._task = asyncio.get_running_loop().create_task(self._live(), name=f"edge {self._config.name}")
        listening = asyncio.ensure_future(self._started.wait())
        try:
            await asyncio.wait({self._task, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
        if self._task.done():
            await self._task

    async def wait(self) -> None:
        """Return when the edge has stopped; raise the failure that ended it."""
        await asyncio.shield(_started(self._task))

    async def stop(self) -> None:
        """Stop and return when everything is closed; raise the failure that had ended it before, if any."""
        self._stopping.set()
        await self.wait()

    async def run(self) -> None:
        """Start, and stay until `stop` is called, this is cancelled (it stops in order first), or a part fails."""
        try:
            await self.start()
            await self.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _live(self) -> None:
        config, clock = self._config, self._clock
        async with AsyncExitStack() as stack:
            key = self._key = await asyncio.to_thread(load_or_create_key, config.data_dir, config.passphrase)
            store = self._store = await Store.open(config.data_dir)
            stack.push_async_callback(store.close)
            session = await stack.enter_async_context(aiohttp.ClientSession())

            link = HubLink(self.state, clock)
            hub = HubClient(session, config.hub_url, config.community, key, clock)
            history, events, outlook, power = History(store), EventLog(store), Outlook(), LivePower()

            def reconsider() -> None:
                counsel.changed()

            housekeeping = Housekeeping(
                store, history, events, hub, state=self.state, clock=clock, rolled_up=reconsider
            )
            records = HubRecords(
                hub,
                history,
                events,
                state=self.state,
                clock=clock,
                zone=ZoneInfo(config.time_zone),
                changed=reconsider,
                is_told_of_meter=lambda: housekeeping.has_told_of_meter,
            )
            forwarder = FrameForwarder(store, hub, link)
            courier = MessageCourier(store, hub, link)
            control = MeterControl(config.mqtt, config.meter, f"ec-{key.edge_id}", hub=hub, state=self.state)

            def take(household: HouseholdState) -> None:
                records.take(household)
                control.take(household)

            membership = Membership(
                config,
                key,
                store=store,
                hub=hub,
                state=self.state,
                link=link,
                clock=clock,
                changed=forwarder.set_admitted,
                taken=take,
                outbox_changed=(courier.message_added, forwarder.waiting_changed),
            )
            courier.answered = membership.reconsider
            intake = self._intake = MeterIntake(
                config.mqtt,
                config.meter,
                f"es-{key.edge_id}",
                store=store,
                state=self.state,
                clock=clock,
                frames_stored=(forwarder.waiting_changed, membership.frames_stored),
                power=power,
            )
            settings = await OwnSettings.load(store)
            counsel = Counsel(
                config, history, events, outlook, housekeeping, settings, state=self.state, clock=clock
            )
            journal = Journal(store)
            trader = Trader(
                key,
                config.community,
                settings,
                journal,
                history,
                Offers(hub, key, config.community, journal, state=self.state, clock=clock),
                state=self.state,
                clock=clock,
                zone=ZoneInfo(config.time_zone),
                situation=lambda: counsel.situation,
                outbox_changed=courier.message_added,
                settings_changed=counsel.changed,
            )
            pairing = self._pairing = await Pairing.load(store, clock)
            commands = Commands(hub, key, config.community, state=self.state, clock=clock)
            reads = Reads(
                hub=hub,
                history=history,
                state=self.state,
                clock=clock,
                curves=outlook,
                power=power,
                decisions=journal.newest,
            )
            api = self._api = LocalApi(
                edge_id=key.edge_id,
                name=config.name,
                time_zone=config.time_zone,
                pairing=pairing,
                carry_out=_carry_out(commands, trader, control, self.weather, clock),
                state=self.state,
                events=events,
                reads=reads,
            )

            def take_forecast(forecast: HouseholdForecast) -> None:
                outlook.newest_forecast = forecast
                counsel.changed()

            keeper = ForecastKeeper(
                config, store, self.state, clock, take_forecast, weather_sources(config, session, self.weather)
            )
            self._port = await api.start(config.api_host, config.api_port)
            stack.push_async_callback(api.stop)
            if config.zeroconf:
                await stack.enter_async_context(announced(key.edge_id, config.name, config.api_host, self._port))

            if config.status_port is not None:
                status = StatusPage(self._view, config.status_peers, self.revoke)
                self.status_port = await status.start(config.status_host, config.status_port)
                stack.push_async_callback(status.stop)

            _LOGGER.info("edge %s of %r, household key %s", key.edge_id, config.name, key.wallet)
            _LOGGER.info("local API on port %d, pairing code %s", self._port, pairing.code)
            self._started.set()
            async with asyncio.TaskGroup() as group:
                parts = [
                    group.create_task(part)
                    for part in (
                        intake.run(),
                        intake.watch(),
                        control.run(),
                        forwarder.run(),
                        courier.run(),
                        membership.run(),
                        _kept_alive(keeper.run, "forecast"),
                        _kept_alive(records.run, "records"),
                        _kept_alive(counsel.run, "adviser"),
                        _kept_alive(trader.run, "trader"),
                        _kept_alive(housekeeping.run, "housekeeping"),
                        _kept_alive(housekeeping.watch_time, "clock watch"),
                        api.publish_changes(),
                    )
                ]
                await self._stopping.wait()
                for part in parts:
                    part.cancel()


async def _kept_alive(part: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
    """Run a part for ever; one that fails must not stop the readings, and begins again."""
    backoff = Backoff(1.0, 300.0)
    while True:
        try:
            await part()
        except Exception:
            _LOGGER.exception("%s failed and begins again", name)
        await asyncio.sleep(backoff.seconds())


def _started[T](value: T | None) -> T:
    if value is None:
        raise RuntimeError("the edge has not been started")
    return value


def _carry_out(
    commands: Commands, trader: Trader, control: MeterControl, weather: HomeAssistantWeather, clock: Clock
) -> Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]:
    """Return what takes every local command to whom it is for."""

    async def carry_out(command: str, data: dict[str, Any]) -> dict[str, Any]:
        if command == "claim_meter":
            return await control.claim(data)
        if command == "report_weather":
            return _weather_reported(weather, data, clock())
        if command in trader.commands:
            return await trader.carry_out(command, data)
        result = await commands.carry_out(command, data)
        if command == "set_limits":
            await trader.own_limits_set(data["sell_at_least"], data["buy_at_most"])
        return result

    return carry_out


def _weather_reported(weather: HomeAssistantWeather, data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    forecast = data.get("forecast")
    if not isinstance(forecast, list) or not all(isinstance(one, dict) for one in forecast):
        raise CommandError("invalid_data", "forecast: a list of hours as weather.get_forecasts answers")
    try:
        weather.put(forecast, now)
    except WeatherError as error:
        raise CommandError("invalid_data", f"forecast: {error}") from None
    return {"hours": len(forecast)}
