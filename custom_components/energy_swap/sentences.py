"""What the edge says in English, in the language of the household."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_cached_translations

from .api.model import Advice, Alert, Decision, Reputation
from .const import DOMAIN
from .refusals import in_words

ENGLISH = "en"
CLOCKS = ("hub_offset_seconds", "meter_offset_seconds")


def reason(hass: HomeAssistant, advice: Advice, amounts: Mapping[str, Any]) -> str:
    """Return why this is advised: the edge's own English sentence, or ours where the language has one.

    ``amounts`` has ``energy`` in kWh, ``price`` in KES per kWh and ``gain`` in KES.
    """
    shown = {"energy": ".1f", "price": ".2f", "gain": ".2f"}
    blanks = {name: format(amounts.get(name) or 0, places) for name, places in shown.items()}
    return _said(hass, f"advice_{advice['key']}", blanks) or advice["sentence"]


def decision_text(hass: HomeAssistant, decision: Decision) -> str:
    """Return why the trader decided so."""
    reasons = decision.get("because") or []
    said = [_said(hass, f"because_{one['key']}", in_words(one["numbers"])) for one in reasons]
    known = [text for text in said if text is not None]
    return " ".join(known) if known and len(known) == len(said) else decision["sentence"]


def reputation_text(hass: HomeAssistant, reputation: Reputation) -> str:
    """Return what the household's reputation comes from."""
    facts = reputation.get("facts")
    if not facts:
        return reputation["reason"]
    try:
        promised = facts["promised_wh"]
        kept = round(100 * facts["delivered_wh"] / promised) if promised else 0
        blanks = in_words(facts) | {"percent": str(kept)}
        told = [key for key in ("contracts", "top_ups", "ended") if facts[key]]
    except KeyError:  # an edge of another age tells other facts
        return reputation["reason"]
    parts = [_said(hass, f"reputation_{key}", blanks) for key in told]
    key, list_of = ("reputation_facts", ", ".join(filter(None, parts))) if parts else ("reputation_new", "")
    return _said(hass, key, blanks | {"facts": list_of}) or reputation["reason"]


def alert_text(hass: HomeAssistant, alert: Alert) -> str:
    """Return what an alert of the equipment says, as the edge does or in the language of the household."""
    return trouble_text(hass, alert["key"], alert.get("numbers") or {}) or alert["sentence"]


def trouble_text(hass: HomeAssistant, key: str, numbers: Mapping[str, Any]) -> str | None:
    """Return what a trouble of the equipment is in another language than English, None without words for it."""
    blanks = {name: abs(number) for name, number in numbers.items() if isinstance(number, int)}
    if key == "clock_off":  # of the edge against the hub, of the meter, or the meter has no time at all
        key = next((f"clock_{name.partition('_')[0]}" for name in CLOCKS if name in blanks), "clock_unknown")
    return _said(hass, f"trouble_{key}", blanks)


def _said(hass: HomeAssistant, key: str, blanks: Mapping[str, Any]) -> str | None:
    """Return a text of ours in the household's language; None for English and for what we have no text of."""
    if hass.config.language.startswith(ENGLISH):
        return None
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)
    text = texts.get(f"component.{DOMAIN}.common.{key}")
    try:
        return None if text is None else text.format(**blanks)
    except KeyError:  # an edge of another age tells other numbers
        return None
