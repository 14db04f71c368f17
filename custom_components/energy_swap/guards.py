"""What a household has chosen to forbid: who may trade from Home Assistant, and for how much at once."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError, Unauthorized

from .const import CONF_ADMINS_ONLY, CONF_MOST_KES, DOMAIN
from .coordinator import EnergySwapCoordinator
from .state import State

HARMLESS = frozenset({"simulate_strategy", "cancel_order"})


async def check_permission(
    coordinator: EnergySwapCoordinator, command: str, data: Mapping[str, Any], context: Context | None
) -> None:
    """Raise Unauthorized or ServiceValidationError if the household's options forbid a command.

    What automations do without a person is for the administrators who wrote them.
    """
    options = coordinator.config_entry.options
    if options.get(CONF_ADMINS_ONLY) and command not in HARMLESS and context is not None and context.user_id:
        user = await coordinator.hass.auth.async_get_user(context.user_id)
        if user is None or not user.is_admin:
            raise Unauthorized(context=context)
    most, kes = options.get(CONF_MOST_KES), spends_kes(coordinator.data, command, data)
    if most and kes > most:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="too_much_at_once",
            translation_placeholders={"amount": f"{kes:.2f}", "most": f"{most:.0f}"},
        )


def spends_kes(state: State, command: str, data: Mapping[str, Any]) -> Decimal:
    """Return how many KES a command can take from the wallet or the phone at most, without fees."""
    match command:
        case "buy":
            return _worth(data["wh"], data["at_most"])
        case "bid":
            lots = {auction["id"]: auction["wh"] for auction in state["auctions"]}
            return _worth(lots.get(data["auction"], 0), data["price"])
        case "top_up":
            return Decimal(data["kes"])
    return Decimal(0)


def _worth(wh: int, cents_per_kwh: int) -> Decimal:
    return Decimal(wh) * cents_per_kwh / 100_000
