"""Applications and members: store them, find them, change their status."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

from energy_swap_protocol.message import Application
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from energy_swap_hub.explained import Explained
from energy_swap_hub.storage import Lookup, is_in

from .phone import PhoneBook
from .tables import audit, household, recovery_claim

# Anybody may apply, and each application costs the hub the rent of two accounts.
_MOST_WAITING: Final = 50
_MOST_CLAIMS: Final = 5  # devices that ask to be one household's
_WHY_NOT: Final = {
    "suspended": "not_admitted_suspended",
    "leaving": "not_admitted_leaving",
    "left": "not_admitted_left",
}


class NotAdmitted(Explained, PermissionError):  # noqa: N818 - reads as the answer it is
    """Who asks is no admitted member; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Household:
    """A household as the rest of the hub knows it; ``key`` and ``meter`` are 32-byte public keys.

    Between ``net_metered_from`` and ``net_metered_until`` it has a net-metering contract: the utility credits what
    the meter exports, so that none of it is the household's to sell.
    """

    id: str
    name: str
    key: bytes
    meter: bytes
    rated_pv_w: int
    main_breaker_w: int
    status: str
    admitted_at: datetime | None
    net_metered_from: datetime | None = None
    net_metered_until: datetime | None = None

    @property
    def is_net_metered(self) -> bool:
        """Whether it has a net-metering contract as far as the office knows."""
        return self.net_metered_from is not None and self.net_metered_until is None

    def is_net_metered_at(self, time: datetime) -> bool:
        """Whether what is exported in the period that starts at ``time`` is the utility's by contract."""
        since, until = self.net_metered_from, self.net_metered_until
        return since is not None and since <= time and (until is None or time < until)

    @property
    def is_admitted(self) -> bool:
        """Whether it may trade."""
        return self.status == "admitted"

    @property
    def role(self) -> Literal["prosumer", "consumer"]:
        """What it does here: a household without panels of its own can only buy."""
        return "prosumer" if self.rated_pv_w else "consumer"


_COLUMNS: Final = tuple(household.c[field.name] for field in fields(Household))

_HOUSEHOLDS: Final = select(*_COLUMNS).order_by(household.c.number)
_IS_OURS: Final = household.c.community_id == bindparam("community_id")
_BY_KEY: Final = Lookup(_HOUSEHOLDS.where(household.c.key == bindparam("key")))
_BY_KEYS: Final = Lookup(select(*_COLUMNS).where(is_in(household.c.key, "keys")))
_BY_ID: Final = Lookup(_HOUSEHOLDS.where(_IS_OURS, household.c.id == bindparam("household_id")))

_ALL: Final = Lookup(_HOUSEHOLDS.where(_IS_OURS))
_OF_STATUS: Final = Lookup(_HOUSEHOLDS.where(_IS_OURS, household.c.status == bindparam("status")))
_SEALED_PHONES: Final = Lookup(select(household.c.id, household.c.phone_sealed).where(_IS_OURS))


def _household(row: Sequence[Any]) -> Household:
    return Household(*row)


def apply(
    connection: Connection,
    community_id: str,
    application: Application,
    *,
    signer: bytes,
    phones: PhoneBook,
    now: datetime,
) -> Household:
    """Record an application and return the household; the same key again returns the same household.

    Raises `ValueError` when the meter or phone belongs to another household.
    """
    known = by_key(connection, signer)
    if known is not None:
        return known
    if len(households(connection, community_id, status="applied")) >= _MOST_WAITING:
        raise ValueError("too many households wait for admission; try again when the approvers have caught up")
    number = (
        connection.execute(
            select(func.max(household.c.number)).where(household.c.community_id == community_id)
        ).scalar()
        or 0
    ) + 1
    try:
        connection.execute(
            insert(household).values(
                community_id=community_id,
                id=f"h-{number:03d}",
                number=number,
                name=application.name,
                key=signer,
                meter=bytes.fromhex(application.meter),
                phone_sealed=phones.seal(application.phone),
                phone_hash=phones.hash(application.phone),
                rated_pv_w=application.rated_pv_w,
                main_breaker_w=application.main_breaker_w,
                status="applied",
                applied_at=now,
            )
        )
    except IntegrityError:
        raise ValueError("this meter or this phone already belongs to a household of the community") from None
    added = by_key(connection, signer)
    assert added is not None
    return added


def by_key(connection: Connection, key: bytes) -> Household | None:
    """Return the household whose public key this is."""
    row = _BY_KEY.first(connection, key=key)
    return None if row is None else _household(row)


def by_id(connection: Connection, community_id: str, household_id: str) -> Household:
    """Return the household; raises `LookupError` when there is none."""
    row = _BY_ID.first(connection, community_id=community_id, household_id=household_id)
    if row is None:
        raise LookupError(f"no household {household_id}")
    return _household(row)


def member(connection: Connection, key: bytes) -> Household:
    """Return the admitted household whose key this is; raises `NotAdmitted` with what is missing."""
    return admitted(by_key(connection, key))


def admitted(found: Household | None, *, may_leave: bool = False) -> Household:
    """Return the household that a key was found to belong to; raises as `member`.

    ``may_leave``: one that is leaving may do this, too.
    """
    if found is None:
        raise stranger()
    if found.status == "applied":
        text = f"{found.id} has applied and waits for the community's approvers"
        raise NotAdmitted(text, "not_admitted_applied")
    if not found.is_admitted and not (may_leave and found.status == "leaving"):
        raise NotAdmitted(
            f"{found.id} is {found.status}; ask the community's office", _WHY_NOT.get(found.status, "")
        )
    return found


def stranger() -> NotAdmitted:
    """Return the refusal of a key that belongs to no household."""
    return NotAdmitted("this key belongs to no household here; apply first", "not_admitted_unknown")


def by_keys(connection: Connection, keys: Collection[bytes]) -> dict[bytes, Household]:
    """Return the households whose public keys these are, by key."""
    return {found.key: found for found in map(_household, _BY_KEYS.all(connection, keys=keys))}


def is_there(connection: Connection, community_id: str, household_id: str) -> bool:
    """Whether a household of this id has ever been admitted."""
    row = household.c
    query = select(row.id).where(
        row.community_id == community_id, row.id == household_id, row.admitted_at.is_not(None)
    )
    return connection.execute(query).first() is not None


def count_admitted(connection: Connection, community_id: str) -> int:
    """Return how many members a community has."""
    row = household.c
    query = select(func.count()).where(row.community_id == community_id, row.status == "admitted")
    return connection.execute(query).scalar_one()


def households(connection: Connection, community_id: str, *, status: str | None = None) -> list[Household]:
    """Return the community's households by number, those of one ``status`` or all."""
    if status is None:
        return [_household(row) for row in _ALL.all(connection, community_id=community_id)]
    return [_household(row) for row in _OF_STATUS.all(connection, community_id=community_id, status=status)]


def sealed_phone(connection: Connection, community_id: str, household_id: str) -> bytes:
    """Return the household's sealed phone number."""
    query = select(household.c.phone_sealed).where(
        household.c.community_id == community_id, household.c.id == household_id
    )
    return bytes(connection.execute(query).scalar_one())


def sealed_phones(connection: Connection, community_id: str) -> dict[str, bytes]:
    """Return every household's sealed phone number, by its id."""
    found = _SEALED_PHONES.all(connection, community_id=community_id)
    return {household_id: bytes(sealed) for household_id, sealed in found}


def set_status(
    connection: Connection, community_id: str, household_id: str, status: str, *, now: datetime
) -> None:
    """Change a household's status; becoming ``admitted`` records when."""
    values: dict[str, object] = {"status": status}
    if status == "admitted":
        values["admitted_at"] = now
    connection.execute(
        update(household)
        .where(household.c.community_id == community_id, household.c.id == household_id)
        .values(**values)
    )


def set_meter(connection: Connection, community_id: str, household_id: str, meter: bytes) -> None:
    """Take a household's readings from another meter from now on."""
    connection.execute(
        update(household)
        .where(household.c.community_id == community_id, household.c.id == household_id)
        .values(meter=meter)
    )


def set_net_metering(
    connection: Connection,
    community_id: str,
    household_id: str,
    *,
    is_on: bool,
    who: str,
    contract: str,
    now: datetime,
) -> None:
    """Note that a household's net-metering ``contract`` with the utility counts from now on, or has ended.

    What it exports in periods that start from then on is neither minted nor sold, or it would be paid twice. Of
    contracts that follow one another the hub remembers when the first began: what is told late from between them
    counts as the utility's. Raises `LookupError` for a household that is not there, ValueError when it is noted
    already, and for one without panels.
    """
    found = by_id(connection, community_id, household_id)
    if found.is_net_metered == is_on:
        raise ValueError(f"is_on: {found.id} is noted as {'' if is_on else 'not '}net-metered already")
    if is_on and not found.rated_pv_w:
        raise ValueError(f"is_on: {found.id} has no panels, so there is nothing for the utility to credit")
    values = {"net_metered_from": found.net_metered_from or now, "net_metered_until": None if is_on else now}
    row = household.c
    connection.execute(
        update(household).where(row.community_id == community_id, row.id == found.id).values(**values)
    )
    what = f"net metering {'on' if is_on else 'off'}: {contract}"
    record_audit(connection, community_id, who=who, what=what, subject=found.id, now=now)


def set_key(connection: Connection, community_id: str, household_id: str, key: bytes) -> None:
    """Take a household's word from another key from now on: its device was lost, and approvers said so."""
    connection.execute(
        update(household)
        .where(household.c.community_id == community_id, household.c.id == household_id)
        .values(key=key)
    )
    claims = recovery_claim.c
    connection.execute(
        delete(recovery_claim).where(
            claims.community_id == community_id, (claims.household_id == household_id) | (claims.key == key)
        )
    )


def claim(
    connection: Connection,
    community_id: str,
    application: Application,
    *,
    signer: bytes,
    phones: PhoneBook,
    now: datetime,
) -> str | None:
    """Note that a device without a household applies with the meter and the phone of one; return that household.

    Its old device may be lost. The note decides nothing: it saves the office from typing a key (`set_key`).
    """
    row, claims = household.c, recovery_claim.c
    query = select(row.id).where(
        row.community_id == community_id,
        row.meter == bytes.fromhex(application.meter),
        row.phone_hash == phones.hash(application.phone),
        row.status != "applied",
    )
    found = connection.execute(query).scalar()
    if found is None:
        return None
    connection.execute(delete(recovery_claim).where(claims.community_id == community_id, claims.key == signer))
    known = select(func.count()).where(claims.community_id == community_id, claims.household_id == found)
    if connection.execute(known).scalar_one() >= _MOST_CLAIMS:
        raise ValueError(f"too many devices ask to be that of {found}; ask the community's office")
    values = {"community_id": community_id, "household_id": found, "key": signer, "at": now}
    connection.execute(insert(recovery_claim).values(values))
    return str(found)


def claimed_by(connection: Connection, key: bytes) -> str | None:
    """Return the household that the device with this key asks to be bound to."""
    query = select(recovery_claim.c.household_id).where(recovery_claim.c.key == key)
    return connection.execute(query).scalar()


def claims_of(connection: Connection, community_id: str) -> list[tuple[str, bytes, datetime]]:
    """Return which devices ask to be bound to which household, and since when; the newest first."""
    row = recovery_claim.c
    query = select(row.household_id, row.key, row.at).where(row.community_id == community_id)
    return [(name, bytes(key), at) for name, key, at in connection.execute(query.order_by(row.at.desc()))]


def record_audit(
    connection: Connection, community_id: str, *, who: str, what: str, subject: str, now: datetime
) -> None:
    """Remember who did what to which subject."""
    connection.execute(
        insert(audit).values(community_id=community_id, at=now, who=who, what=what, subject=subject)
    )
