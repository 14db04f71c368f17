"""Keep the shown forecast up to date: read what was measured, learn at night, compute away from the event loop."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import aiohttp

from energy_swap_edge.config import EdgeConfig
from energy_swap_edge.history.periods import History as Measured
from energy_swap_edge.household import calendar_of
from energy_swap_edge.state import Clock, LiveState, unix
from energy_swap_edge.store import Store

from .history import History, Site, history_of_quarters
from .household import HouseholdForecast, as_snapshot
from .learning import HomeModel
from .model import HORIZON_HOURS, LEARNING_DAYS, make_forecast, retrain
from .weather.home_assistant import HomeAssistantWeather
from .weather.keeper import WeatherKeeper
from .weather.open_meteo import OpenMeteo
from .weather.source import WeatherSource

_LOGGER = logging.getLogger(__name__)
_RENEW_SECONDS: Final = 300  # by the clock
_CADENCE_SECONDS: Final = 5.0  # real: the fastest that a fast clock can make it
_NIGHT_HOUR: Final = 2  # of the household's day
_LEAST_SECONDS: Final = 3 * 86_400  # of readings, where the place of the panels is not known


class ForecastKeeper:
    """Holds the newest forecast of one household and renews it; ``renewed`` is told of each new one.

    ``sources`` tell the weather, the first that can; without any the forecast is made from historical patterns.
    """

    def __init__(
        self,
        config: EdgeConfig,
        store: Store,
        state: LiveState,
        clock: Clock,
        renewed: Callable[[HouseholdForecast], None] | None = None,
        sources: Sequence[WeatherSource] = (),
    ) -> None:
        self._site = Site(
            ZoneInfo(config.time_zone),
            config.rated_pv_w,
            config.latitude,
            config.longitude,
            config.panel_tilt,
            config.panel_azimuth,
        )
        self._measured = Measured(store)
        self._state = state
        self._clock = clock
        self._renewed = renewed
        self._weather = WeatherKeeper(sources, config.data_dir)
        self._model: HomeModel | None = None
        self.newest: HouseholdForecast | None = None

    async def run(self) -> None:
        """Renew the forecast every five minutes, for ever."""
        while True:
            try:
                await self.renew()
            except sqlite3.Error as error:
                _LOGGER.warning("no forecast: the readings cannot be read (%s)", error)
            made_at = unix(self._clock)
            while True:
                await asyncio.sleep(_CADENCE_SECONDS)
                if not 0 <= unix(self._clock) - made_at < _RENEW_SECONDS or self.newest is None:
                    break

    @property
    def learned_at(self) -> datetime | None:
        """When the home was learned of last; None: not since the edge started."""
        return None if self._model is None else self._model.trained_at

    async def renew(self) -> None:
        """Make the forecast anew; learn of the home first, if a night has come since it was done.

        What was learned is not kept on disk: after a start it is done at once, and then in the night.
        """
        now = self._clock()
        history = await self._history(now)
        if history is None:
            return
        weather = await self._weather.weather(now)
        if self._must_learn(now):
            self._model = await asyncio.to_thread(retrain, history, self._site, weather, now)
        self.newest = forecast = await asyncio.to_thread(
            make_forecast, history, self._site, weather, now, model=self._model, period=self._length(now)
        )
        self._state.set("forecast", as_snapshot(forecast))
        if self._renewed is not None:
            self._renewed(forecast)

    def _length(self, now: datetime) -> timedelta:
        """Return how long the periods are; the shorter ones where another length begins within the forecast."""
        calendar = calendar_of(self._state["tariffs"])
        return min(calendar.length_at(now), calendar.length_at(now + timedelta(hours=HORIZON_HOURS)))

    async def _history(self, now: datetime) -> History | None:
        second = int(now.timestamp())
        await self._measured.roll_up(second)
        quarters = await self._measured.measured(second - LEARNING_DAYS * 86_400, second)
        if self._site.latitude is None and (not quarters or second - quarters[0].start < _LEAST_SECONDS):
            return None
        return history_of_quarters(quarters, now)

    def _must_learn(self, now: datetime) -> bool:
        """Say whether a night has come since the model was trained, or the clock went back."""
        if self._model is None or now < self._model.trained_at:
            return True
        local = now.astimezone(self._site.zone)
        night = local.replace(hour=_NIGHT_HOUR, minute=0, second=0, microsecond=0)
        if local < night:
            night -= timedelta(days=1)
        return self._model.trained_at < night


def weather_sources(
    config: EdgeConfig, session: aiohttp.ClientSession, home_assistant: HomeAssistantWeather
) -> list[WeatherSource]:
    """Return who is asked for the weather, in their order: the configured server, then Home Assistant."""
    if config.latitude is None:
        return []
    if config.weather_url is None or config.longitude is None:
        return [home_assistant]
    url, key = config.weather_url, config.weather_api_key
    return [OpenMeteo(session, config.latitude, config.longitude, url=url, api_key=key), home_assistant]
