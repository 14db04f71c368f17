"""The reason of the advice, in the language of the household."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_cached_translations

from .api.model import Advice
from .const import DOMAIN

ENGLISH = "en"


def reason(hass: HomeAssistant, advice: Advice, amounts: Mapping[str, Any]) -> str:
    """Return why this is advised: the edge's own English sentence, or ours where the language has one.

    ``amounts`` has ``energy`` in kWh, ``price`` in KES per kWh and ``gain`` in KES.
    """
    if hass.config.language.startswith(ENGLISH):
        return advice["sentence"]
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)
    text = texts.get(f"component.{DOMAIN}.common.advice_{advice['key']}")
    if text is None:
        return advice["sentence"]
    return text.format(**{name: amounts.get(name) or 0 for name in ("energy", "price", "gain")})
