"""A member's file: what the office knows of the person beside the application, and how it came to know it.

A document's number is never kept, only a keyed hash of it: enough to see whether it is the same again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from . import consent
from .households import by_id, record_audit
from .phone import PhoneBook
from .tables import member_file

DOCUMENTS: Final = ("national_id", "passport", "alien_id")
PARTS: Final = ("phone", "document", "site", "consent")


class EvidenceRefused(ValueError):  # noqa: N818 - reads as the answer it is
    """Evidence that cannot go into a file, or is missing from it; the text says which."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file holds; each part with who put it there and when, none of it where it is missing."""

    phone_by: str | None = None
    phone_at: datetime | None = None
    document_kind: str | None = None
    document_by: str | None = None
    document_at: datetime | None = None
    transformer: str | None = None
    feeder: str | None = None
    site_by: str | None = None
    site_at: datetime | None = None
    consent_version: str | None = None
    consent_by: str | None = None
    consent_at: datetime | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The `PARTS` that are not there."""
        there = (self.phone_at, self.document_at, self.site_at, self.consent_at)
        return tuple(part for part, at in zip(PARTS, there, strict=True) if at is None)


_FIELDS: Final = tuple(Evidence.__dataclass_fields__)


def evidence_of(connection: Connection, community_id: str, household_id: str) -> Evidence:
    """Return what the file of a household holds."""
    return files(connection, community_id, (household_id,)).get(household_id, Evidence())


def files(
    connection: Connection, community_id: str, household_ids: Collection[str] | None = None
) -> dict[str, Evidence]:
    """Return the files that there are, by household: of all, or of some."""
    row = member_file.c
    query = select(row.household_id, *(row[name] for name in _FIELDS)).where(row.community_id == community_id)
    if household_ids is not None:
        query = query.where(row.household_id.in_(list(household_ids)))
    return {name: Evidence(*found) for name, *found in connection.execute(query)}


def check_complete(connection: Connection, community_id: str, household_id: str) -> None:
    """Raise `EvidenceRefused` while a part of the file is missing."""
    if missing := evidence_of(connection, community_id, household_id).missing:
        raise EvidenceRefused(
            f"the file of {household_id} lacks {', '.join(missing)}; the office adds what is missing first"
        )


def confirm_phone(connection: Connection, community_id: str, household_id: str, *, by: str, now: datetime) -> None:
    """Note that the phone is the household's: ``by`` a payment from it, or by an operator who spoke with it."""
    _put(connection, community_id, household_id, "confirmed the phone", by, now, phone_by=by, phone_at=now)


def record_document(
    connection: Connection,
    community_id: str,
    household_id: str,
    kind: str,
    number: str,
    *,
    phones: PhoneBook,
    who: str,
    now: datetime,
) -> None:
    """Note that ``who`` has seen a document; raises `EvidenceRefused` when it is in another household's file."""
    plain = "".join(number.split()).upper()
    if kind not in DOCUMENTS:
        raise EvidenceRefused(f"kind: one of {', '.join(DOCUMENTS)}, not {kind!r}")
    if not (4 <= len(plain) <= 20 and plain.isascii() and plain.isalnum()):
        raise EvidenceRefused("number: 4 to 20 letters and digits, as on the document")
    hashed = phones.hash_document(kind, plain)
    row = member_file.c
    others = select(row.household_id).where(
        row.community_id == community_id, row.document_hash == hashed, row.household_id != household_id
    )
    if (other := connection.execute(others).scalar()) is not None:
        raise EvidenceRefused(f"number: the same document is in the file of {other}")
    _put(
        connection,
        community_id,
        household_id,
        f"saw the document ({kind})",
        who,
        now,
        document_kind=kind,
        document_hash=hashed,
        document_by=who,
        document_at=now,
    )


def record_site(
    connection: Connection,
    community_id: str,
    household_id: str,
    transformer: str,
    feeder: str,
    *,
    who: str,
    now: datetime,
) -> None:
    """Note where in the network the household is connected, as ``who`` has seen it."""
    if not transformer.strip() or not feeder.strip():
        raise EvidenceRefused("transformer and feeder: give the names that the network's plan uses")
    _put(
        connection,
        community_id,
        household_id,
        "visited the site",
        who,
        now,
        transformer=transformer.strip(),
        feeder=feeder.strip(),
        site_by=who,
        site_at=now,
    )


def record_consent(
    connection: Connection, community_id: str, household_id: str, version: str, *, who: str, now: datetime
) -> None:
    """Note that the household has agreed to the text of this version; raises `EvidenceRefused` for another one."""
    if version != consent.VERSION:
        raise EvidenceRefused(f"version: the text of now is {consent.VERSION}; read it out and record that")
    _put(
        connection,
        community_id,
        household_id,
        f"recorded the consent to text {version}",
        who,
        now,
        consent_version=version,
        consent_by=who,
        consent_at=now,
    )


def _put(
    connection: Connection,
    community_id: str,
    household_id: str,
    what: str,
    who: str,
    now: datetime,
    **values: Any,
) -> None:
    by_id(connection, community_id, household_id)
    row = member_file.c
    key = (row.community_id == community_id, row.household_id == household_id)
    if connection.execute(select(row.household_id).where(*key)).first() is None:
        connection.execute(insert(member_file).values(community_id=community_id, household_id=household_id))
    connection.execute(update(member_file).where(*key).values(**values))
    record_audit(connection, community_id, who=who, what=what, subject=household_id, now=now)
