"""What the console shows of relays: a page of them, those that somebody should look at first."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypedDict

from aiohttp import web
from energy_swap_protocol.relay import Reason
from nacl.signing import SigningKey
from sqlalchemy import ColumnElement, Connection, case, false, func, or_

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.households import Household, by_id
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.membership.tables import household
from energy_swap_hub.settlement.relays import Relay, command_of, relays, relays_of, wanted_of_all, wanted_with
from energy_swap_hub.storage import is_among

from .answers import RelayCommanded, RelayReported, RelayState
from .household_lists import Order, asked_households, listed

# In this order: what somebody should look at comes first, households without a relay last.
_UNFOLLOWED: Final = "unfollowed"
_OPEN: Final = "open"
_CLOSED: Final = "closed"


class Relays(TypedDict):
    """A page of relays, one per member; ``next`` is the ``before`` of what follows.

    ``total`` and ``counts`` (how many are in each standing, and ``all``) are told if asked for.
    """

    relays: list[RelayState]
    next: str | None
    total: int | None
    counts: dict[str, int] | None


def _none(_ids: Collection[str]) -> ColumnElement[bool]:
    return false()


def relay_order(
    standing: Mapping[str, Collection[str]] | None = None,
    known: Collection[str] = (),
    is_in: Callable[[Collection[str]], ColumnElement[bool]] = _none,
) -> Order:
    """Return what the list can be sorted and chosen by; without arguments only the names.

    ``standing`` is whose relays stand how, ``known`` the households of whose relays anything is known.
    """
    home, stands = household.c, standing or {}
    each = {name: is_in(stands.get(name, ())) for name in (_UNFOLLOWED, _OPEN, _CLOSED)}
    return Order(
        keys={
            "attention": case(*((which, rank) for rank, which in enumerate(each.values())), else_=len(each)),
            "number": home.number,
            "name": func.lower(home.name),
        },
        standings=each,
        is_listed=or_(home.status != "applied", is_in(known)),
    )


def relays_page(
    connection: Connection,
    community: CommunityConfig,
    request: web.Request,
    who: Session,
    phones: PhoneBook,
    authority: SigningKey,
) -> Relays:
    """Return the part of the list that a request asks for; raises as `asked_households` and `listed`."""
    known = {one.household: one for one in relays(connection, community.id)}
    wanted = wanted_of_all(connection, community, known.values())
    standing: dict[str, list[str]] = defaultdict(list)
    for one in known.values():
        if one.report is not None:
            standing[_stands(one, wanted[one.household])].append(one.household)
    order = relay_order(standing, known, lambda ids: is_among(connection, household.c.id, ids))
    page = listed(connection, community.id, asked_households(request, who, order), order, phones)
    shown, wallets = (
        relays_of(connection, community.id, page.ids),
        ledger.wallets(connection, community.id, page.ids),
    )
    rows = []
    for household_id in page.ids:
        one = shown[household_id]
        reason = wanted_with(community, one, wallets[household_id])
        rows.append(shown_relay(by_id(connection, community.id, household_id), one, reason, authority))
    return {"relays": rows, "next": page.following, "total": page.total, "counts": page.counts}


def shown_relay(home: Household, one: Relay, wanted: Reason | None, authority: SigningKey) -> RelayState:
    """Return a household's relay as the console shows it."""
    return {
        "household": home.id,
        "name": home.name,
        "is_protected": one.is_protected,
        "is_ended": one.is_ended,
        "is_asked_off": one.is_asked_off,
        "wanted": (wanted or Reason.NONE).name.lower(),
        "command": _commanded(one, authority),
        "meter": _reported(one),
    }


def _stands(one: Relay, wanted: Reason | None) -> str:
    report = one.last_report
    assert report is not None, "of whom nothing was reported nothing is asked"
    if report.is_open != (wanted is not None) or report.is_protected != one.is_protected:
        return _UNFOLLOWED
    return _OPEN if report.is_open else _CLOSED


def _commanded(one: Relay, authority: SigningKey) -> RelayCommanded | None:
    command = command_of(one, authority)
    if command is None:
        return None
    return {
        "sequence": command.sequence,
        "action": command.action.name.lower(),
        "reason": command.reason.name.lower(),
        "issued_at": command.issued_at,
        "expires_at": command.expires_at,
        "open_until": command.open_until or None,
    }


def _reported(one: Relay) -> RelayReported | None:
    report = one.last_report
    if report is None or one.reported_at is None:
        return None
    return {
        "is_open": report.is_open,
        "is_protected": report.is_protected,
        "sequence": report.sequence,
        "outcome": report.outcome.name.lower(),
        "reason": report.reason.name.lower(),
        "open_until": report.open_until or None,
        "reported_at": int(one.reported_at.timestamp()),
    }
