"""Relays: what admin and household ask of a connection, what its meter reports, and the command that follows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from energy_swap_protocol.relay import (
    Reason,
    RelayCommand,
    RelayError,
    RelayReport,
    decode_command,
    decode_report,
    sign_command,
)
from nacl.signing import SigningKey
from sqlalchemy import Connection, bindparam, insert, select, update

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.explained import Explained
from energy_swap_hub.membership.households import Household, by_id, record_audit
from energy_swap_hub.storage import Lookup, is_in

from .relay_rules import Standing, command_for, wanted
from .relay_tables import relay


class SwitchRefused(Explained, ValueError):  # noqa: N818 - reads as the answer it is
    """A household's connection cannot be switched as it asks; the text says why."""


@dataclass(frozen=True, slots=True)
class Relay:
    """What is known of a household's relay; ``report`` None: its meter has none, or nobody claimed it."""

    household: str
    is_protected: bool
    is_ended: bool
    is_asked_off: bool
    command: bytes | None
    report: bytes | None
    reported_at: datetime | None

    @property
    def last_report(self) -> RelayReport | None:
        """What the meter said last."""
        return None if self.report is None else _report_in(self.report)


# Its signature was checked when it came; who looks at all relays again and again need not wait for that each time.
_report_in: Final = lru_cache(65_536)(decode_report)

_RELAYS: Final = (
    select(relay.c.household_id, *(relay.c[field.name] for field in fields(Relay)[1:]))
    .where(relay.c.community_id == bindparam("community_id"))
    .order_by(relay.c.household_id)
)
_OF_ALL: Final = Lookup(_RELAYS)
_OF_SOME: Final = Lookup(_RELAYS.where(is_in(relay.c.household_id, "household_ids")))


def relay_of(connection: Connection, community_id: str, household_id: str) -> Relay:
    """Return the household's relay."""
    return relays_of(connection, community_id, (household_id,))[household_id]


def relays_of(connection: Connection, community_id: str, household_ids: Collection[str]) -> dict[str, Relay]:
    """Return the relay of each of some households."""
    known = _OF_SOME.all(connection, community_id=community_id, household_ids=household_ids)
    nothing = {one: Relay(one, False, False, False, None, None, None) for one in household_ids}
    return nothing | {found[0]: Relay(*found) for found in known}


def relays(connection: Connection, community_id: str) -> list[Relay]:
    """Return every relay that anything is known of, by household."""
    return [Relay(*found) for found in _OF_ALL.all(connection, community_id=community_id)]


def wanted_of(connection: Connection, community: CommunityConfig, known: Relay) -> Reason | None:
    """Return why the hub wants a household's connection to be open, or None: it is to be closed."""
    return wanted_with(community, known, ledger.wallet(connection, community.id, known.household))


def wanted_with(community: CommunityConfig, known: Relay, wallet: Mapping[str, int]) -> Reason | None:
    """Return what `wanted_of` returns, to who has the household's wallet."""
    return wanted(_standing(community, known, wallet))


def wanted_of_all(
    connection: Connection, community: CommunityConfig, known: Iterable[Relay]
) -> dict[str, Reason | None]:
    """Return what `wanted_of` returns of each of many households, by its id."""
    balances = ledger.balances(connection, community.id)
    return {one.household: wanted_with(community, one, ledger.wallet_in(balances, one.household)) for one in known}


def ask(
    connection: Connection, community: CommunityConfig, household: Household, *, on: bool, now: datetime
) -> dict[str, object]:
    """Keep a household's own wish to be switched off, or take it back; return what is wanted then.

    Raises `SwitchRefused` where no relay could carry it out, and for a protected household.
    """
    known = relay_of(connection, community.id, household.id)
    if known.report is None:
        text = "on: no meter of this household has told of a relay: it has none, or nobody has claimed it"
        raise SwitchRefused(text, "no_relay")
    if not on and known.is_protected:
        text = "on: the community protects this household from being cut off; ask its office to take that back"
        raise SwitchRefused(text, "protected_from_being_off")
    asked = replace(known, is_asked_off=not on)
    if asked != known:
        _put(connection, community.id, asked)
        what = f"relay: the household asks to be {'on again' if on else 'off'}"
        record_audit(connection, community.id, who=household.id, what=what, subject=household.id, now=now)
    reason = wanted_of(connection, community, asked)
    return {"on": reason is None, "reason": (reason or Reason.NONE).name.lower()}


def mark(
    connection: Connection,
    community_id: str,
    household_id: str,
    *,
    is_protected: bool | None,
    is_ended: bool | None,
    who: str,
    reason: str,
    now: datetime,
) -> Relay:
    """Protect a household from being cut off, or end its connection (or neither any more); None leaves it.

    Raises `LookupError` when there is no such household, and `ValueError` for a protected one that is to end.
    """
    household = by_id(connection, community_id, household_id)
    known = relay_of(connection, community_id, household.id)
    marked = replace(
        known,
        is_protected=known.is_protected if is_protected is None else is_protected,
        is_ended=known.is_ended if is_ended is None else is_ended,
    )
    if marked.is_protected and marked.is_ended:
        raise ValueError("a protected household's connection is not ended; take the protection back first")
    if marked.is_protected:
        # Nothing that was asked before may cut it off on the day the protection ends.
        marked = replace(marked, is_asked_off=False)
    _put(connection, community_id, marked)
    what = (
        f"relay: {'protected' if marked.is_protected else 'not protected'}, "
        f"{'ended' if marked.is_ended else 'not ended'}: {reason}"
    )
    record_audit(connection, community_id, who=who, what=what, subject=household.id, now=now)
    return marked


def take_report(
    connection: Connection,
    community: CommunityConfig,
    household: Household,
    report: bytes,
    authority: SigningKey,
    now: datetime,
) -> bytes | None:
    """Keep what a household's meter says of its relay and return the signed command that it is to have, if any.

    An applicant is never cut off, nor is a household whose meter is older than what it said before. Raises
    `ValueError` for bytes that are no report, or another meter's.
    """
    try:
        said = decode_report(report)
    except RelayError as error:
        raise ValueError(f"report: {error}") from None
    if said.meter != household.meter:
        raise ValueError("report: signed by another meter than the one this household has")
    known = relay_of(connection, community.id, household.id)
    before = known.last_report
    if (
        before is not None
        and before.meter == said.meter
        and (said.sequence, said.at) < (before.sequence, before.at)
    ):
        raise ValueError("report: older than the one before")
    last = command_of(known, authority)
    command = None
    if household.is_admitted:
        standing = _standing(community, known, ledger.wallet(connection, community.id, household.id))
        command = command_for(standing, said, last, int(now.timestamp()))
    signed = known.command if command is None or command == last else sign_command(command, authority)
    _put(connection, community.id, replace(known, command=signed, report=report, reported_at=now))
    return None if command is None else signed


def _standing(community: CommunityConfig, known: Relay, wallet: Mapping[str, int]) -> Standing:
    return Standing(
        wallet["kes_cents"],
        wallet["ekwh_wh"],
        community.cut_off_below_cents,
        known.is_protected,
        known.is_ended,
        known.is_asked_off,
    )


def command_of(known: Relay, authority: SigningKey) -> RelayCommand | None:
    """Return the newest command that was signed for a household's meter; None before the first."""
    return None if known.command is None else decode_command(known.command, bytes(authority.verify_key))


def _put(connection: Connection, community_id: str, one: Relay) -> None:
    values = {
        "is_protected": one.is_protected,
        "is_ended": one.is_ended,
        "is_asked_off": one.is_asked_off,
        "command": one.command,
        "report": one.report,
        "reported_at": one.reported_at,
    }
    row, here = relay.c, {"community_id": community_id, "household_id": one.household}
    change = update(relay).where(row.community_id == community_id, row.household_id == one.household)
    if connection.execute(change.values(values)).rowcount == 0:
        connection.execute(insert(relay).values(**here, **values))
