"""What the hub may still burn for each household: what the household granted on the chain, less what is booked."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from energy_swap_hub.chain.intent import Intent, State
from energy_swap_hub.chain.payload import BURN_PERIOD, BurnPeriod, decode
from energy_swap_hub.chain.tables import chain_intent
from energy_swap_hub.membership.households import by_key
from energy_swap_hub.membership.tables import household
from energy_swap_hub.storage import Lookup, change_rows, is_among, is_in, is_one_of

from .tables import burn_allowance, message

_REMAINING: Final = select(burn_allowance.c.household_id, burn_allowance.c.remaining_wh).where(
    burn_allowance.c.community_id == bindparam("community_id")
)
_REMAINING_OF_ALL: Final = Lookup(_REMAINING)
_REMAINING_OF_SOME: Final = Lookup(_REMAINING.where(is_in(burn_allowance.c.household_id, "household_ids")))
_GRANTS_UNDER_WAY: Final = Lookup(
    select(chain_intent.c.number, chain_intent.c.id).where(
        chain_intent.c.community_id == bindparam("community_id"),
        is_one_of(chain_intent.c.state, State.QUEUED, State.SENT),
        chain_intent.c.id.startswith("allow:"),
    )
)


def open_allowance(connection: Connection, community_id: str, household_id: str) -> None:
    """Begin with none for a newly admitted household."""
    connection.execute(
        insert(burn_allowance).values(community_id=community_id, household_id=household_id, remaining_wh=0)
    )


def allowance_wh(connection: Connection, community_id: str, household_id: str) -> int:
    """Return the Wh that may still be booked to be burned for a household."""
    return allowances(connection, community_id, (household_id,)).get(household_id, 0)


def allowances(
    connection: Connection, community_id: str, household_ids: Collection[str] | None = None
) -> dict[str, int]:
    """Return the Wh that may still be booked to be burned, by household: of all, or of some.

    The chain carries things out in order: what is booked now is burned under the grant that is still on its way
    there. A smaller one therefore counts at once, a larger one when the chain has it.
    """
    remaining = _remaining(connection, community_id, household_ids)
    grants = [
        (number, household_id, wh)
        for number, household_id, wh in _grants_under_way(connection, community_id)
        if household_id in remaining
    ]
    if grants:
        booked = _booked_since(connection, community_id, min(number for number, _, _ in grants))
        for number, household_id, wh in grants:
            left = wh - sum(burned for at, burned in booked.get(household_id, ()) if at > number)
            remaining[household_id] = min(remaining[household_id], left)
    return remaining


def use_allowance(connection: Connection, community_id: str, household_id: str, wh: int) -> None:
    """Count ``wh`` as burned against what the household granted."""
    use_allowances(connection, community_id, {household_id: wh})


def use_allowances(connection: Connection, community_id: str, burned: Mapping[str, int]) -> None:
    """Count Wh as burned against what each household granted."""
    remaining = _remaining(connection, community_id, burned)
    change_rows(
        connection,
        burn_allowance,
        ("community_id", "household_id"),
        ("remaining_wh",),
        [(remaining[name] - wh, community_id, name) for name, wh in burned.items() if name in remaining],
    )


def lose_allowance(connection: Connection, community_id: str, household_id: str) -> None:
    """The chain refused to burn for a household: count nothing as granted until it grants again."""
    set_allowance(connection, community_id, household_id, 0)


def lose_allowances(connection: Connection, community_id: str) -> dict[str, int]:
    """Another key is the hub's, to which nobody has granted anything; return the Wh that each household loses."""
    lost = {name: wh for name, wh in _remaining(connection, community_id, None).items() if wh > 0}
    connection.execute(
        update(burn_allowance).where(burn_allowance.c.community_id == community_id).values(remaining_wh=0)
    )
    return lost


def set_allowance(connection: Connection, community_id: str, household_id: str, wh: int) -> None:
    """Count ``wh`` as what is granted and not used, which the chain shows while nothing is on its way there."""
    connection.execute(
        update(burn_allowance)
        .where(burn_allowance.c.community_id == community_id, burn_allowance.c.household_id == household_id)
        .values(remaining_wh=wh)
    )


def grant_confirmed(connection: Connection, grant: Intent, message_id: str) -> None:
    """The chain has a new allowance; what was booked after it and is not burned yet still comes off it."""
    row = message.c
    details, signer = connection.execute(
        select(row.details, row.signer).where(row.community_id == grant.community, row.id == message_id)
    ).one()
    household = by_key(connection, bytes(signer))
    assert household is not None, "only a household's message grants an allowance"
    booked = _booked_since(connection, grant.community, grant.number).get(household.id, ())
    remaining = details["wh"] - sum(wh for _, wh in booked)
    connection.execute(
        update(burn_allowance)
        .where(burn_allowance.c.community_id == grant.community, burn_allowance.c.household_id == household.id)
        .values(remaining_wh=remaining)
    )


def _remaining(connection: Connection, community_id: str, household_ids: Collection[str] | None) -> dict[str, int]:
    if household_ids is None:
        found = _REMAINING_OF_ALL.all(connection, community_id=community_id)
    else:
        found = _REMAINING_OF_SOME.all(connection, community_id=community_id, household_ids=household_ids)
    return {household_id: int(wh) for household_id, wh in found}


def _grants_under_way(connection: Connection, community_id: str) -> list[tuple[int, str, int]]:
    """Return the grants that the chain does not have yet: the intent's number, the household, and the Wh."""
    under_way = _GRANTS_UNDER_WAY.all(connection, community_id=community_id)
    numbers = {intent_id.partition(":")[2]: number for number, intent_id in under_way}
    if not numbers:
        return []
    told = (
        select(message.c.id, household.c.id, message.c.details)
        .join(household, household.c.key == message.c.signer)
        .where(message.c.community_id == community_id, is_among(connection, message.c.id, numbers))
    )
    return [
        (numbers[message_id], household_id, int(details["wh"]))
        for message_id, household_id, details in connection.execute(told)
    ]


def _booked_since(connection: Connection, community_id: str, number: int) -> dict[str, list[tuple[int, int]]]:
    """Return what is booked to be burned after intent ``number`` and not final: by household (number, Wh)."""
    intent = chain_intent.c
    query = select(intent.number, intent.payload).where(
        intent.community_id == community_id,
        intent.state.in_((State.QUEUED, State.SENT)),
        intent.number > number,
        intent.kind == BURN_PERIOD,
    )
    booked: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, text in connection.execute(query):
        payload = decode(text)
        assert isinstance(payload, BurnPeriod), "the kind of an intent is that of its payload"
        for burn in payload.burns:
            booked[burn.household].append((at, burn.wh))
    return booked
