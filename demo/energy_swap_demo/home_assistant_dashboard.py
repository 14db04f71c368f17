"""The dashboard of one household, made of Home Assistant's own cards."""

from collections.abc import Mapping, Sequence
from typing import Any

type Card = dict[str, Any]

URL_PATH = "energy-swap"
TITLE = "Energy Swap"
ICON = "mdi:solar-power-variant"
OWN_NAME = {"type": "entity"}  # the entity's name without its device's


def household_dashboard(entities: Mapping[str, str], *, hours: float = 3) -> Card:
    """Return the dashboard's configuration; ``entities`` maps our keys to entity ids, graphs show ``hours``."""
    return {
        "views": [
            {
                "type": "sections",
                "title": TITLE,
                "path": "household",
                "icon": ICON,
                "max_columns": 3,
                "badges": [
                    _badge(entities["meter"]),
                    _badge(entities["hub_connection"]),
                    _badge(entities["readings_waiting"], "Readings waiting"),
                ],
                "sections": [
                    _section("Now", "mdi:home-lightning-bolt", _now(entities, hours)),
                    _section("Market", "mdi:scale-balance", _market(entities, hours)),
                    _section("Wallet", "mdi:wallet", _wallet(entities, hours)),
                ],
            }
        ]
    }


def _now(entities: Mapping[str, str], hours: float) -> list[Card]:
    return [
        _tile(entities["surplus_power"], "green", features=[{"type": "trend-graph", "hours_to_show": hours}]),
        _tile(entities["generation_power"], "amber", "Generation", columns=6),
        _tile(entities["net_power"], "blue", columns=6),
        _tile(entities["surplus_today"], "amber", "Expected today", columns=6),
        _tile(entities["surplus_remaining"], "amber", "Left today", columns=6),
        {
            "type": "history-graph",
            "hours_to_show": hours,
            "entities": [
                {"entity": entities["generation_power"], "name": "Generation", "color": "#f6a821"},
                {"entity": entities["net_power"], "name": "Net", "color": "#1c7fb6"},
            ],
            "grid_options": {"columns": 12, "rows": 5},
        },
    ]


def _market(entities: Mapping[str, str], hours: float) -> list[Card]:
    return [
        _tile(entities["clearing_price"], "purple", features=[{"type": "trend-graph", "hours_to_show": hours}]),
        _tile(entities["sell_limit"], "green", columns=6),
        _tile(entities["buy_limit"], "blue", columns=6),
        _tile(entities["last_settlement"], "grey", time_format={"type": "datetime", "style": "short"}),
        _tile(entities["sold_energy"], "green", columns=6),
        _tile(entities["bought_energy"], "blue", columns=6),
    ]


def _wallet(entities: Mapping[str, str], hours: float) -> list[Card]:
    return [
        _tile(entities["kes_balance"], "green", features=[{"type": "trend-graph", "hours_to_show": hours}]),
        _tile(entities["token_balance"], "amber", columns=6),
        _pay_out(entities["pay_out"]),
        {"type": "heading", "heading": "Meter", "heading_style": "subtitle", "icon": "mdi:meter-electric"},
        _tile(entities["exported_energy"], "green", "Exported", columns=6),
        _tile(entities["imported_energy"], "blue", "Imported", columns=6),
        _tile(entities["generated_energy"], "amber", "Generated"),
    ]


def _section(title: str, icon: str, cards: Sequence[Card]) -> Card:
    return {"type": "grid", "cards": [{"type": "heading", "heading": title, "icon": icon}, *cards]}


def _pay_out(entity_id: str) -> Card:
    ask_first = {
        "action": "perform-action",
        "perform_action": "button.press",
        "target": {"entity_id": entity_id},
        "confirmation": {"text": "Send your money to your phone by M-Pesa? Its charge is taken off."},
    }
    # A tap on the icon alone would else press the button without a question.
    actions = {"tap_action": ask_first, "icon_tap_action": ask_first}
    return {**_tile(entity_id, "green", columns=6), "hide_state": True, **actions}


def _badge(entity_id: str, name: str | None = None) -> Card:
    return {"type": "entity", "entity": entity_id, "name": name or OWN_NAME, "show_name": True}


def _tile(
    entity_id: str,
    color: str,
    name: str | None = None,
    *,
    columns: int = 12,
    features: Sequence[Card] = (),
    time_format: Card | None = None,
) -> Card:
    tile: Card = {
        "type": "tile",
        "entity": entity_id,
        "name": name or OWN_NAME,
        "color": color,
        "grid_options": {"columns": columns},
    }
    if features:
        tile["features"] = list(features)
    if time_format is not None:
        tile["time_format"] = time_format
    return tile
