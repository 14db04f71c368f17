"""Keep the shown forecast up to date: read the registers, compute away from the event loop, show the result."""

import asyncio
import logging
import sqlite3
from typing import Final
from zoneinfo import ZoneInfo

from energy_swap_edge.config import EdgeConfig
from energy_swap_edge.state import Clock, LiveState, unix
from energy_swap_edge.store import Store

from .surplus import HISTORY_DAYS, Sample, Site, SurplusForecast, forecast_surplus

_LOGGER = logging.getLogger(__name__)
_RENEW_SECONDS: Final = 300  # by the clock
_CADENCE_SECONDS: Final = 5.0  # real: the fastest that a fast clock can make it
_SAMPLE_SECONDS: Final = 300


async def keep_forecast(config: EdgeConfig, store: Store, state: LiveState, clock: Clock) -> None:
    """Renew the forecast every five minutes, for ever."""
    site = Site(ZoneInfo(config.time_zone), config.rated_pv_w, config.latitude, config.longitude)
    while True:
        try:
            await _renew(site, store, state, clock)
        except sqlite3.Error as error:
            _LOGGER.warning("no forecast: the readings cannot be read (%s)", error)
        made_at = unix(clock)
        while True:
            await asyncio.sleep(_CADENCE_SECONDS)
            if not 0 <= unix(clock) - made_at < _RENEW_SECONDS or state["forecast"] is None:
                break


async def _renew(site: Site, store: Store, state: LiveState, clock: Clock) -> None:
    now = clock()
    start = int(now.timestamp()) - (HISTORY_DAYS + 1) * 86_400
    registers = await store.registers_since(start, every_seconds=_SAMPLE_SECONDS)
    samples = [Sample(one.measured_at, one.export_wh) for one in registers]
    forecast: SurplusForecast | None = await asyncio.to_thread(forecast_surplus, samples, now, site)
    state.set(
        "forecast",
        None
        if forecast is None
        else {
            "surplus_today_wh": forecast.surplus_today_wh,
            "surplus_remaining_wh": forecast.surplus_remaining_wh,
            "tier": forecast.tier,
            "made_at": unix(clock),
        },
    )
