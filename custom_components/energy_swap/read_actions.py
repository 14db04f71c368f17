"""The actions that only look: the market, prices, forecasts, statements, and everything as a table to keep."""

import csv
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, Final, cast

import probatio
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from .api import CommandRefusedError, EdgeError, NotKeptError
from .const import DOMAIN
from .coordinator import EnergySwapCoordinator
from .fields import days, span
from .households import HOUSEHOLD_FIELDS, async_get_household
from .state import is_hub_connected

ATTR_FROM: Final = "from"
ATTR_TO: Final = "to"
ATTR_FILE: Final = "file"

HISTORY_COLUMNS: Final = (
    "start",
    "export_wh",
    "import_wh",
    "generation_wh",
    "sold_wh",
    "bought_wh",
    "earned_cents",
    "paid_cents",
    "revision",
)

type Fields = dict[probatio.Marker, Any]
type Reader = Callable[[HomeAssistant, EnergySwapCoordinator, ServiceCall], Awaitable[dict[str, Any]]]


@callback
def async_setup_read_actions(hass: HomeAssistant) -> None:
    """Register the actions."""
    moments: Fields = {probatio.Optional(ATTR_FROM): cv.datetime, probatio.Optional(ATTR_TO): cv.datetime}
    dates: Fields = {probatio.Optional(ATTR_FROM): cv.date, probatio.Optional(ATTR_TO): cv.date}
    readers: tuple[tuple[str, Reader, Fields], ...] = (
        ("get_market", _market, {}),
        ("get_prices", _prices, moments),
        ("get_forecast", _forecast, {}),
        ("get_statement", _statement, dates),
        (
            "export_history",
            _export,
            {
                **dates,
                probatio.Optional("kind", default="history"): probatio.In(["history", "statement"]),
                probatio.Optional(ATTR_FILE): cv.string,
            },
        ),
    )
    for name, reader, schema in readers:
        hass.services.async_register(
            DOMAIN,
            name,
            partial(_answer, hass, reader),
            schema=probatio.Schema({**HOUSEHOLD_FIELDS, **schema}),
            supports_response=SupportsResponse.OPTIONAL if name == "export_history" else SupportsResponse.ONLY,
        )


async def _answer(hass: HomeAssistant, reader: Reader, call: ServiceCall) -> ServiceResponse:
    coordinator = await async_get_household(hass, call)
    try:
        answer = await reader(hass, coordinator, call)
    except NotKeptError as err:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_kept") from err
    except CommandRefusedError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="refused",
            translation_placeholders={"reason": err.message},
        ) from err
    except EdgeError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="cannot_connect",
            translation_placeholders={"address": str(coordinator.address)},
        ) from err
    return cast("JsonObjectType", answer) if call.return_response else None


async def _market(_hass: HomeAssistant, coordinator: EnergySwapCoordinator, _call: ServiceCall) -> dict[str, Any]:
    state = coordinator.data
    if (market := state["market"]) is None or not is_hub_connected(state):
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="hub_away")
    known = {
        "orders": state["orders"],
        "auctions": state["auctions"],
        "best_sell": market["best_sell"],
        "best_buy": market["best_buy"],
    }
    try:
        return known | await coordinator.records.market()
    except NotKeptError:
        return known  # an older edge knows no more than its state


async def _prices(_hass: HomeAssistant, coordinator: EnergySwapCoordinator, call: ServiceCall) -> dict[str, Any]:
    start, end = call.data.get(ATTR_FROM), call.data.get(ATTR_TO)
    if start is None and end is None:
        return await coordinator.records.prices(None)  # the edge knows best what time it is in its community
    around = (timedelta(days=1), timedelta(days=1))
    return await coordinator.records.prices(span(start, end, dt_util.utcnow(), around))


async def _forecast(
    _hass: HomeAssistant, coordinator: EnergySwapCoordinator, _call: ServiceCall
) -> dict[str, Any]:
    return await coordinator.records.forecast()


async def _statement(
    _hass: HomeAssistant, coordinator: EnergySwapCoordinator, call: ServiceCall
) -> dict[str, Any]:
    first, last = _days(call)
    return await coordinator.records.statement(first, last)


async def _export(hass: HomeAssistant, coordinator: EnergySwapCoordinator, call: ServiceCall) -> dict[str, Any]:
    first, last = _days(call)
    if call.data["kind"] == "statement":
        text = await coordinator.records.statement_csv(first, last)
    else:
        midnight = dt_util.start_of_local_day
        periods = await coordinator.records.history(midnight(first), midnight(last + timedelta(days=1)))
        text = as_csv(periods)
    answer: dict[str, Any] = {"csv": text, "rows": max(0, len(text.splitlines()) - 1)}
    if (file := call.data.get(ATTR_FILE)) is not None:
        path = Path(hass.config.path(file))
        if not hass.config.is_allowed_path(str(path)):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="path_not_allowed",
                translation_placeholders={"file": file},
            )
        try:
            await hass.async_add_executor_job(path.write_text, text, "utf-8")
        except OSError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="not_written",
                translation_placeholders={"file": file, "reason": err.strerror or str(err)},
            ) from err
        answer["file"] = str(path)
    return answer


def as_csv(periods: list[dict[str, Any]]) -> str:
    """Return a table with a row for each settled period: ISO times in UTC, energy in Wh, money in cents."""
    text = StringIO()
    table = csv.DictWriter(text, HISTORY_COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for period in periods:
        start = dt_util.utc_from_timestamp(period["start"]).isoformat()
        table.writerow({**period, "start": start, "revision": period.get("revision", 0)})
    return text.getvalue()


def _days(call: ServiceCall) -> tuple[date, date]:
    return days(call.data.get(ATTR_FROM), call.data.get(ATTR_TO), _today())


def _today() -> date:
    now: datetime = dt_util.now()
    return now.date()
