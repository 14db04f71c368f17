"""What happened on the market, as lines of the logbook."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.components.logbook.const import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN, EVENT
from .sentences import trouble_text

KNOWN: Final = frozenset(
    {
        "admitted",
        "allowance_lost",
        "auction_ended",
        "contract_made",
        "failed_string",
        "leaving",
        "meter_silent",
        "order_ended",
        "order_matched",
        "outbid",
        "paid_out",
        "payment_failed",
        "payout_failed",
        "price_alert",
        "readmitted",
        "recovered",
        "rewarded",
        "shading",
        "soiling",
        "suspended",
        "topped_up",
        "trade_settled",
        "trued_up",
        "wallet_differs",
    }
)


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Say how an event of ours reads."""

    @callback
    def describe(event: Event[Mapping[str, Any]]) -> dict[str, str]:
        return {
            LOGBOOK_ENTRY_NAME: str(event.data.get("name", "Energy Swap")),
            LOGBOOK_ENTRY_MESSAGE: sentence(hass, event.data),
        }

    async_describe_event(DOMAIN, EVENT, describe)


def sentence(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return what happened, in the household's language; what only the edge knows it says in its own words."""
    kind = str(data.get("kind"))
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)
    said = texts.get(f"component.{DOMAIN}.common.event_{kind}") if kind in KNOWN else None
    own = data.get("sentence") and (trouble_text(hass, kind, data) or data["sentence"])
    if said is None:
        return str(own or kind)
    return f"{said}: {own}" if own else said
