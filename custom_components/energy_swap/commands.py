"""Carry out a command at the edge, and say in Home Assistant's way why it was not."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.core import Context, callback
from homeassistant.exceptions import HomeAssistantError

from .api import AnswerLostError, CommandRefusedError
from .const import DOMAIN
from .coordinator import EnergySwapCoordinator
from .guards import check_permission
from .refusals import refused

SHOWN_SECONDS: Final = 10


async def carry_out(
    coordinator: EnergySwapCoordinator, command: str, data: Mapping[str, Any], context: Context | None = None
) -> dict[str, Any]:
    """Return the hub's answer to a command; ``context`` says who wants it.

    Raises ServiceValidationError for what the caller can change, HomeAssistantError for everything else.
    """
    await check_permission(coordinator, command, data, context)
    try:
        return await coordinator.command(command, data)
    except CommandRefusedError as err:
        raise refused(coordinator.hass, err) from err
    except AnswerLostError as err:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="answer_lost") from err


async def change_limits(
    coordinator: EnergySwapCoordinator, changes: Mapping[str, int | None], context: Context | None = None
) -> dict[str, Any]:
    """Change one limit price or both (cents per kWh; None keeps out of that side of the market).

    A command always says both limits. So one change waits until the state shows the change before it, which it
    would else undo. Raises like `carry_out`.
    """
    async with coordinator.limits_lock:
        limits = _limits(coordinator)
        if limits is None:
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="limits_unknown")
        wanted = {**limits, **changes}
        answer = await carry_out(coordinator, "set_limits", wanted, context)
        await _until_shown(coordinator, wanted)
        return answer


def _limits(coordinator: EnergySwapCoordinator) -> dict[str, int | None] | None:
    market = coordinator.data["market"]
    return market and {side: market[side] for side in ("sell_at_least", "buy_at_most")}


async def _until_shown(coordinator: EnergySwapCoordinator, limits: Mapping[str, int | None]) -> None:
    shown = asyncio.Event()

    @callback
    def look() -> None:
        if _limits(coordinator) == limits:
            shown.set()

    stop_looking = coordinator.async_add_listener(look)
    look()
    try:
        async with asyncio.timeout(SHOWN_SECONDS):
            await shown.wait()
    except TimeoutError as err:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="limits_not_shown") from err
    finally:
        stop_looking()
