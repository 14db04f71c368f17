"""Callbacks made odd or hostile: other types, odd items, other prose, markup, size, depth, wrong charset."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

_MARKUP: Final = "<script>alert('1')</script>\u202e\x1b[31m\x00'; DROP TABLE payments;--"
_HUGE: Final = 1_100_000
_DEPTH: Final = 5_000
_PROSE: Final = "Mambo bado. Processing of request ended (ref. 0x1F)."
_NAMES: Final = ("FirstName", "ReceiverPartyPublicName", "ResultDesc", "CreditPartyPublicName")


def _walk(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return ``value`` with ``change`` applied to every object in it, inner ones first."""
    if isinstance(value, dict):
        return change({key: _walk(inner, change) for key, inner in value.items()})
    if isinstance(value, list):
        return [_walk(inner, change) for inner in value]
    return value


def other_prose(body: dict[str, Any]) -> dict[str, Any]:
    """Replace every ResultDesc."""
    return _replaced(body, {"ResultDesc": _PROSE})


def other_types(body: dict[str, Any]) -> dict[str, Any]:
    """Turn numbers into strings, whole amounts into ``1.00``."""

    def change(of: dict[str, Any]) -> dict[str, Any]:
        name = of.get("Name", of.get("Key", ""))
        told = {key: str(v) if isinstance(v, int) else v for key, v in of.items()}
        if "Amount" in str(name) and isinstance(of.get("Value"), int | float):
            told["Value"] = f"{of['Value']:.2f}"
        if isinstance(of.get("TransAmount"), str):
            told["TransAmount"] = float(of["TransAmount"])
        return told

    changed: dict[str, Any] = _walk(body, change)
    return changed


def odd_items(body: dict[str, Any], random: Random) -> dict[str, Any]:
    """Add items without Value and unknown ones, shuffle; a reference list instead of one object."""

    def change(of: dict[str, Any]) -> dict[str, Any]:
        told = dict(of)
        for place, label in (("Item", "Name"), ("ResultParameter", "Key")):
            if isinstance(of.get(place), list):
                told[place] = [*of[place], {label: "Balance"}, {label: "Unheard", "Value": {"Of": [None]}}]
                random.shuffle(told[place])
        if isinstance(of.get("ReferenceItem"), dict):
            told["ReferenceItem"] = [of["ReferenceItem"], {"Key": "Occasion"}]
        stk = of.get("stkCallback")
        if isinstance(stk, dict) and "CallbackMetadata" not in stk:
            told["stkCallback"] = {**stk, "CallbackMetadata": {"Item": {"Name": "Balance"}}}
        inner = of.get("Result")
        if isinstance(inner, dict) and "ResultParameters" not in inner:
            told["Result"] = {**inner, "ResultParameters": {"ResultParameter": {"Key": "BOCompletedTime"}}}
        if "TransID" in of:
            told |= {"Unheard": None}
        return told

    changed: dict[str, Any] = _walk(body, change)
    return changed


def hostile(body: dict[str, Any], variant: str) -> bytes:
    """Return the bytes of a callback that means harm."""
    match variant:
        case "markup":
            return msgspec.json.encode(_replaced(body, dict.fromkeys(_NAMES, _MARKUP)))
        case "huge":
            return msgspec.json.encode({**body, "Padding": "x" * _HUGE})
        case "deep":
            return msgspec.json.encode(body)[:-1] + b',"Deep":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}"
        case _:
            return msgspec.json.encode(body)[:-1] + b',"Name":"Wanjik\xfb \xff\xfe"}'


def _replaced(body: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    def change(of: dict[str, Any]) -> dict[str, Any]:
        told = {key: texts.get(key, value) for key, value in of.items()}
        if of.get("Key") in texts:
            told["Value"] = texts[of["Key"]]
        return told

    changed: dict[str, Any] = _walk(body, change)
    return changed
