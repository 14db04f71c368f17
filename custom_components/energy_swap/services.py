"""The actions: trade with the neighbours, set the limit prices, put money in and take it out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

import probatio
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv

from .commands import carry_out, change_limits
from .const import DOMAIN
from .fields import ENERGY, MONEY, PRICE, amount, identity, minutes
from .households import HOUSEHOLD_FIELDS, async_get_household

ATTR_DURATION: Final = "duration"

# Amounts are taken as they come: fields.amount says more clearly what is wrong with them.
AMOUNT: Final = object

type Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """An action that is one command: what may be filled in, and how the command says it."""

    command: str
    schema: Mapping[probatio.Marker, Any]
    data_fn: Callable[[Fields], dict[str, Any]]


def _valid_for(fields: Fields) -> dict[str, int]:
    duration: timedelta | None = fields.get(ATTR_DURATION)
    return {} if duration is None else {"valid_for_minutes": minutes(duration)}


MOST_DAYS: Final = 366  # that a simulation may look back

ACTIONS: Final = (
    Action(
        "sell",
        {
            probatio.Required("energy"): AMOUNT,
            probatio.Required("minimum_price"): AMOUNT,
            probatio.Optional(ATTR_DURATION): cv.time_period,
        },
        lambda fields: {
            "wh": amount("energy", fields["energy"], ENERGY),
            "at_least": amount("minimum_price", fields["minimum_price"], PRICE),
            **_valid_for(fields),
        },
    ),
    Action(
        "buy",
        {
            probatio.Required("energy"): AMOUNT,
            probatio.Required("maximum_price"): AMOUNT,
            probatio.Optional(ATTR_DURATION): cv.time_period,
        },
        lambda fields: {
            "wh": amount("energy", fields["energy"], ENERGY),
            "at_most": amount("maximum_price", fields["maximum_price"], PRICE),
            **_valid_for(fields),
        },
    ),
    Action(
        "cancel_order",
        {probatio.Required("order"): cv.string},
        lambda fields: {"order": identity("order", fields["order"])},
    ),
    Action(
        "start_auction",
        {
            probatio.Required("energy"): AMOUNT,
            probatio.Required("start_price"): AMOUNT,
            probatio.Required(ATTR_DURATION): cv.time_period,
        },
        lambda fields: {
            "wh": amount("energy", fields["energy"], ENERGY),
            "start_price": amount("start_price", fields["start_price"], PRICE),
            "minutes": minutes(fields[ATTR_DURATION]),
        },
    ),
    Action(
        "bid",
        {probatio.Required("auction"): cv.string, probatio.Required("price"): AMOUNT},
        lambda fields: {
            "auction": identity("auction", fields["auction"]),
            "price": amount("price", fields["price"], PRICE),
        },
    ),
    Action(
        "top_up",
        {probatio.Required("amount"): AMOUNT},
        lambda fields: {"kes": amount("amount", fields["amount"], MONEY)},
    ),
    Action(
        "pay_out",
        {probatio.Optional("amount"): AMOUNT},
        lambda fields: {"kes": amount("amount", fields["amount"], MONEY)} if "amount" in fields else {},
    ),
    Action(
        "simulate_strategy",
        {
            probatio.Required("strategy"): cv.string,
            probatio.Optional("days", default=30): probatio.All(
                probatio.Coerce(int), probatio.Range(min=1, max=MOST_DAYS)
            ),
        },
        lambda fields: {"strategy": fields["strategy"], "days": fields["days"]},
    ),
)

# Each limit price: its field, the one that ends trading on its side, and the command's name for it.
LIMITS: Final = (("sell_at_least", "stop_selling"), ("buy_at_most", "stop_buying"))


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for action in ACTIONS:
        handler: Callable[[ServiceCall], Any] = partial(_send, hass, action)
        _register(hass, action.command, handler, action.schema, SupportsResponse.OPTIONAL)
    _register(
        hass,
        "set_limits",
        partial(_set_limits, hass),
        {
            probatio.Optional("sell_at_least"): AMOUNT,
            probatio.Optional("stop_selling"): cv.boolean,
            probatio.Optional("buy_at_most"): AMOUNT,
            probatio.Optional("stop_buying"): cv.boolean,
        },
        SupportsResponse.OPTIONAL,
    )


@callback
def _register(
    hass: HomeAssistant,
    name: str,
    handler: Callable[[ServiceCall], Any],
    schema: Mapping[probatio.Marker, Any],
    supports_response: SupportsResponse,
) -> None:
    hass.services.async_register(
        DOMAIN,
        name,
        handler,
        schema=probatio.Schema({**HOUSEHOLD_FIELDS, **schema}),
        supports_response=supports_response,
    )


async def _send(hass: HomeAssistant, action: Action, call: ServiceCall) -> ServiceResponse:
    coordinator = await async_get_household(hass, call)
    answer = await carry_out(coordinator, action.command, action.data_fn(call.data), call.context)
    return answer if call.return_response else None


async def _set_limits(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    coordinator = await async_get_household(hass, call)
    changes: dict[str, int | None] = {}
    for limit, stop in LIMITS:
        if call.data.get(stop):
            if limit in call.data:
                raise ServiceValidationError(
                    translation_domain=DOMAIN,
                    translation_key="limit_and_stop",
                    translation_placeholders={"limit": limit, "stop": stop},
                )
            changes[limit] = None
        elif limit in call.data:
            changes[limit] = amount(limit, call.data[limit], PRICE)
    if not changes:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_limit_given")
    answer = await change_limits(coordinator, changes, call.context)
    return answer if call.return_response else None
