"""What the edge or the hub refused, as an error with a text in every language we speak."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util import dt as dt_util

from .amounts import CENTS_PER_KES, WH_PER_KWH
from .api import CommandRefusedError
from .const import DOMAIN

# Refusals that no other input would have avoided.
NOT_THE_CALLERS_FAULT: Final = frozenset({"hub_unreachable", "busy", "internal_error", "unknown_command"})


def refused(hass: HomeAssistant, err: CommandRefusedError) -> HomeAssistantError:
    """Return the error that says a refusal: a ServiceValidationError where the caller can change something.

    It is said in our words where we have some for its reason, and else in the English of who refused.
    """
    kind = HomeAssistantError if err.code in NOT_THE_CALLERS_FAULT else ServiceValidationError
    blanks = in_words(err.numbers)
    for name in (err.key, err.code):
        text = _texts(hass).get(f"component.{DOMAIN}.exceptions.refused_{name}.message")
        if text is not None and set(re.findall(r"{(\w+)}", text)) <= blanks.keys():
            return kind(
                translation_domain=DOMAIN, translation_key=f"refused_{name}", translation_placeholders=blanks
            )
    return kind(
        translation_domain=DOMAIN, translation_key="refused", translation_placeholders={"reason": err.message}
    )


def text_of(hass: HomeAssistant, err: HomeAssistantError) -> str:
    """Return what an error says in Home Assistant's language; the error's own text is always English."""
    text = _texts(hass).get(f"component.{err.translation_domain}.exceptions.{err.translation_key}.message")
    return str(err) if text is None else text.format(**(err.translation_placeholders or {}))


def in_words(numbers: Mapping[str, Any]) -> dict[str, str]:
    """Return figures as a text shows them, under their names without the unit: Wh as kWh, cents as KES.

    Unix seconds are told as local date and time.
    """
    found: dict[str, str] = {}
    for name, value in numbers.items():
        if not isinstance(value, int):
            continue
        what, _, unit = name.rpartition("_")
        match unit if what else "":
            case "wh":
                found[what] = f"{Decimal(value) / WH_PER_KWH:f}"
            case "cents":
                found[what] = f"{Decimal(value) / CENTS_PER_KES:.2f}"
            case "kes":
                found[what] = str(value)
            case "time":
                found[what] = f"{dt_util.as_local(dt_util.utc_from_timestamp(value)):%Y-%m-%d %H:%M}"
            case _:
                found[name] = str(value)
    return found


def _texts(hass: HomeAssistant) -> dict[str, str]:
    return async_get_cached_translations(hass, hass.config.language, "exceptions", DOMAIN)
