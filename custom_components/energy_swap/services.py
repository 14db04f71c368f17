"""The actions: offer energy to the neighbours, ask them for energy."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

import probatio
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import service

from .amounts import CENTS_PER_KES, LARGEST, WH_PER_KWH, AmountError, whole_units
from .api import AnswerLostError, CommandRefusedError
from .const import DOMAIN
from .coordinator import EnergySwapConfigEntry

ATTR_CONFIG_ENTRY: Final = "config_entry"
ATTR_ENERGY: Final = "energy"
ATTR_MINIMUM_PRICE: Final = "minimum_price"
ATTR_MAXIMUM_PRICE: Final = "maximum_price"
ATTR_DURATION: Final = "duration"

# Refusals that no other input would have avoided.
NOT_THE_CALLERS_FAULT: Final = frozenset({"hub_unreachable", "busy", "internal_error", "unknown_command"})


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the market: its command, and where its limit price comes from and goes to."""

    command: str
    price_field: str
    limit: str


SELL: Final = Side("sell", ATTR_MINIMUM_PRICE, "at_least")
BUY: Final = Side("buy", ATTR_MAXIMUM_PRICE, "at_most")


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for side in (SELL, BUY):
        handler: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]] = partial(_place_order, hass, side)
        hass.services.async_register(
            DOMAIN,
            side.command,
            handler,
            # Amounts are taken as they come: _amount says more clearly what is wrong with them.
            schema=probatio.Schema(
                {
                    probatio.Optional(ATTR_CONFIG_ENTRY): cv.string,
                    probatio.Required(ATTR_ENERGY): object,
                    probatio.Required(side.price_field): object,
                    probatio.Optional(ATTR_DURATION): cv.time_period,
                }
            ),
            supports_response=SupportsResponse.OPTIONAL,
        )


async def _place_order(hass: HomeAssistant, side: Side, call: ServiceCall) -> ServiceResponse:
    entry: EnergySwapConfigEntry = service.async_get_config_entry(hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY))
    order: dict[str, Any] = {
        "wh": _amount(call, ATTR_ENERGY, WH_PER_KWH),
        side.limit: _amount(call, side.price_field, CENTS_PER_KES),
    }
    if (duration := call.data.get(ATTR_DURATION)) is not None:
        order["valid_for_minutes"] = _minutes(duration)
    try:
        answer = await entry.runtime_data.command(side.command, order)
    except CommandRefusedError as err:
        refusal = HomeAssistantError if err.code in NOT_THE_CALLERS_FAULT else ServiceValidationError
        raise refusal(
            translation_domain=DOMAIN,
            translation_key="refused",
            translation_placeholders={"reason": err.message},
        ) from err
    except AnswerLostError as err:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="answer_lost") from err
    return answer if call.return_response else None


def _amount(call: ServiceCall, field: str, units: int) -> int:
    try:
        return whole_units(call.data[field], units)
    except AmountError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=f"amount_{err.problem}",
            translation_placeholders={
                "field": field,
                "value": str(call.data[field]),
                "step": "0.001 kWh" if units == WH_PER_KWH else "0.01 KES/kWh",
                "largest": str(LARGEST),
            },
        ) from err


def _minutes(duration: timedelta) -> int:
    minutes, rest = divmod(duration, timedelta(minutes=1))
    if rest or minutes < 1:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="duration_not_minutes",
            translation_placeholders={"value": str(duration)},
        )
    return minutes
