"""Keep the shown forecast up to date: read the registers, compute away from the event loop, show the result."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from energy_swap_edge.config import EdgeConfig
from energy_swap_edge.state import Clock, LiveState, unix
from energy_swap_edge.store import Registers, Store

from .history import NO_WEATHER, Site, history_of
from .household import HouseholdForecast, as_snapshot
from .model import make_forecast

_LOGGER = logging.getLogger(__name__)
_RENEW_SECONDS: Final = 300  # by the clock
_CADENCE_SECONDS: Final = 5.0  # real: the fastest that a fast clock can make it
_SAMPLE_SECONDS: Final = 300
_HISTORY_DAYS: Final = 60
_MIN_SECONDS: Final = 3 * 86_400  # of readings, where the place is not known


class ForecastKeeper:
    """Holds the newest forecast of one household and renews it; ``renewed`` is told of each new one."""

    def __init__(
        self,
        config: EdgeConfig,
        store: Store,
        state: LiveState,
        clock: Clock,
        renewed: Callable[[HouseholdForecast], None] | None = None,
    ) -> None:
        self._site = Site(ZoneInfo(config.time_zone), config.rated_pv_w, config.latitude, config.longitude)
        self._store = store
        self._state = state
        self._clock = clock
        self._renewed = renewed
        self.newest: HouseholdForecast | None = None

    async def run(self) -> None:
        """Renew the forecast every five minutes, for ever."""
        while True:
            try:
                await self._renew()
            except sqlite3.Error as error:
                _LOGGER.warning("no forecast: the readings cannot be read (%s)", error)
            made_at = unix(self._clock)
            while True:
                await asyncio.sleep(_CADENCE_SECONDS)
                if not 0 <= unix(self._clock) - made_at < _RENEW_SECONDS or self.newest is None:
                    break

    async def _renew(self) -> None:
        now = self._clock()
        start = now - timedelta(days=_HISTORY_DAYS)
        registers = await self._store.registers_since(int(start.timestamp()), every_seconds=_SAMPLE_SECONDS)
        self.newest = forecast = await asyncio.to_thread(_forecast, registers, self._site, now)
        self._state.set("forecast", None if forecast is None else as_snapshot(forecast))
        if forecast is not None and self._renewed is not None:
            self._renewed(forecast)


def _forecast(registers: list[Registers], site: Site, now: datetime) -> HouseholdForecast | None:
    if site.latitude is None and (not registers or now.timestamp() - registers[0].measured_at < _MIN_SECONDS):
        return None
    begin = now if not registers else datetime.fromtimestamp(registers[0].measured_at, site.zone)
    return make_forecast(history_of(registers, now, begin), site, NO_WEATHER, now)
