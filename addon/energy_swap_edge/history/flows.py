"""Where a period's energy came from and went to: panels, tokens and the utility, every Wh once."""

from collections.abc import Mapping
from typing import Any, Final


def booked_flows(row: Mapping[str, Any]) -> dict[str, int]:
    """Return what of a booked period's export became tokens, what of its import used tokens up, and the rest.

    ``row`` is as the hub booked it, in Wh; the rest is the utility's. Tokens are used up by what was bought in the
    period (or ahead for it) and by what the household had before. What it trades on the spot market or in an
    auction flowed when it was minted, or flows when it is used up, so it is not in here. ``minted_wh`` is None in
    what an older hub told: then it is all net export that the utility did not buy.
    """
    minted = row["minted_wh"]
    if minted is None:
        minted = max(row["export_wh"] - row["import_wh"], 0) - max(row["grid_wh"], 0)
    return _split(row, minted, row["bought_wh"] + row["own_wh"])


def unbooked_flows(row: Mapping[str, Any]) -> dict[str, int]:
    """Return the flows of a measured period that the hub has not booked: as far as is known, all the utility's."""
    return _split(row, 0, 0)


def with_measured_before(
    flows: Mapping[str, int], row: Mapping[str, Any], booked: Mapping[str, Any]
) -> dict[str, int]:
    """Return the flows of the first booked period with what was measured in it before the household was a member.

    ``row`` is as the own meter measured it, ``booked`` as the hub did.
    """
    return {
        name: flows[name] + max(row[register] - booked[register], 0)
        if (register := _REST.get(name))
        else flows[name]
        for name in flows
    }


def _split(row: Mapping[str, Any], minted: int, burned: int) -> dict[str, int]:
    return {
        "minted_wh": minted,
        "burned_wh": burned,
        "utility_import_wh": max(row["import_wh"] - burned, 0),
        "utility_export_wh": max(row["export_wh"] - minted, 0),
        "made_wh": row["generation_wh"],
    }


_REST: Final = {"utility_import_wh": "import_wh", "utility_export_wh": "export_wh", "made_wh": "generation_wh"}
