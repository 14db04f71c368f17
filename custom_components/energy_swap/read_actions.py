"""The actions that only look: the market, prices, forecasts, statements, invoices, and everything as a table."""

import csv
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from functools import partial
from io import StringIO
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
from .fields import check_days, days, span
from .files import allowed_path, async_write
from .households import HOUSEHOLD_FIELDS, async_get_household
from .refusals import refused
from .state import is_hub_connected

ATTR_FROM: Final = "from"
ATTR_TO: Final = "to"
ATTR_FILE: Final = "file"
ATTR_INVOICE: Final = "invoice"
ATTR_LANGUAGE: Final = "language"
LANGUAGES: Final = ("en", "sw")

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

WRITING: Final = frozenset({"export_history", "save_invoice"})

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
        ("get_invoices", _invoices, {}),
        (
            "save_invoice",
            _save_invoice,
            {
                probatio.Required(ATTR_FILE): cv.string,
                probatio.Optional(ATTR_INVOICE): cv.positive_int,
                probatio.Optional(ATTR_LANGUAGE): probatio.In(LANGUAGES),
            },
        ),
    )
    for name, reader, schema in readers:
        hass.services.async_register(
            DOMAIN,
            name,
            partial(_answer, hass, reader),
            schema=probatio.Schema({**HOUSEHOLD_FIELDS, **schema}),
            supports_response=SupportsResponse.OPTIONAL if name in WRITING else SupportsResponse.ONLY,
        )


async def _answer(hass: HomeAssistant, reader: Reader, call: ServiceCall) -> ServiceResponse:
    coordinator = await async_get_household(hass, call)
    try:
        answer = await reader(hass, coordinator, call)
    except NotKeptError as err:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_kept") from err
    except CommandRefusedError as err:
        raise refused(hass, err) from err
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
    asked = call.data.get(ATTR_FROM), call.data.get(ATTR_TO)
    check_days(*asked)
    return await coordinator.records.statement(*asked)


async def _export(hass: HomeAssistant, coordinator: EnergySwapCoordinator, call: ServiceCall) -> dict[str, Any]:
    first, last = call.data.get(ATTR_FROM), call.data.get(ATTR_TO)
    file: str | None = call.data.get(ATTR_FILE)
    path = None if file is None else allowed_path(hass, file)
    if call.data["kind"] == "statement":
        check_days(first, last)
        text = await coordinator.records.statement_csv(first, last)
    else:
        zone = await coordinator.async_time_zone()
        first, last = days(first, last, dt_util.now(zone).date())
        start, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
        text = as_csv(await coordinator.records.history(start, end))
    answer: dict[str, Any] = {"csv": text, "rows": max(0, len(text.splitlines()) - 1)}
    if path is not None:
        await async_write(hass, path, text.encode())
        answer["file"] = str(path)
    return answer


async def _invoices(
    _hass: HomeAssistant, coordinator: EnergySwapCoordinator, _call: ServiceCall
) -> dict[str, Any]:
    return {"invoices": await coordinator.records.invoices()}


async def _save_invoice(
    hass: HomeAssistant, coordinator: EnergySwapCoordinator, call: ServiceCall
) -> dict[str, Any]:
    path = allowed_path(hass, call.data[ATTR_FILE])
    number: int | None = call.data.get(ATTR_INVOICE)
    if number is None:  # the newest one that was issued; a draft has no number
        issued = [one["number"] for one in await coordinator.records.invoices() if one.get("number") is not None]
        if not issued:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_invoice")
        number = int(issued[0])
    own = hass.config.language.partition("-")[0]
    language = call.data.get(ATTR_LANGUAGE, own if own in LANGUAGES else LANGUAGES[0])
    await async_write(hass, path, await coordinator.records.invoice_pdf(number, language))
    return {"invoice": number, "file": str(path)}


def as_csv(periods: list[dict[str, Any]]) -> str:
    """Return a table with a row for each settled period: ISO times in UTC, energy in Wh, money in cents."""
    text = StringIO()
    table = csv.DictWriter(text, HISTORY_COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for period in periods:
        start = dt_util.utc_from_timestamp(period["start"]).isoformat()
        table.writerow({**period, "start": start, "revision": period.get("revision", 0)})
    return text.getvalue()
