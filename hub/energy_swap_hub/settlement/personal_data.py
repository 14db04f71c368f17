"""All that the hub keeps about a person, for that person: one record per fact, in the order of its kinds."""

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from energy_swap_hub import ledger, metering
from energy_swap_hub.membership.device_tables import push_subscription
from energy_swap_hub.membership.devices import devices
from energy_swap_hub.membership.files import Evidence, evidence_of
from energy_swap_hub.membership.households import Household
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.tables import audit
from energy_swap_hub.membership.tables import household as households
from energy_swap_hub.mpesa.tables import payment_receipt, payout

from . import tables
from .statements import statement

_EVER: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class Fact(NamedTuple):
    """One thing that is known: ``kind`` and ``name`` say what, ``at`` since when or of when."""

    kind: str
    name: str
    value: str
    at: datetime | None


def personal_data(
    connection: Connection, community_id: str, household: Household, phones: PhoneBook, now: datetime
) -> list[Fact]:
    """Return what is kept about a household and its people."""
    facts = [
        *_membership(connection, community_id, household, phones),
        *_file(evidence_of(connection, community_id, household.id)),
        *_messages(connection, community_id, household, phones),
        *_payments(connection, community_id, household.id),
        *_phones(connection, community_id, household.id),
    ]
    found = statement(connection, community_id, household.id, household.name, _EVER, now)
    facts += [Fact("ledger", line.kind, line.text, line.booked_at) for line in found.lines]
    told = tables.notification.c
    query = select(told.event, told.data, told.at).where(
        told.community_id == community_id, told.household_id == household.id
    )
    facts += [
        Fact("notification", event, msgspec.json.encode(data).decode(), at)
        for event, data, at in connection.execute(query.order_by(told.number))
    ]
    act = audit.c
    acts = select(act.who, act.what, act.at).where(act.community_id == community_id, act.subject == household.id)
    facts += [Fact("audit", who, what, at) for who, what, at in connection.execute(acts.order_by(act.id))]
    return facts


def _membership(connection: Connection, community_id: str, household: Household, phones: PhoneBook) -> list[Fact]:
    row = households.c
    sealed, applied_at = connection.execute(
        select(row.phone_sealed, row.applied_at).where(row.community_id == community_id, row.id == household.id)
    ).one()
    last = metering.latest(connection, household.meter)
    wallet = ledger.wallet(connection, community_id, household.id)
    facts = {
        "number": household.id,
        "name": household.name,
        "phone": phones.open(bytes(sealed)),
        "status": household.status,
        "role": household.role,
        "key": household.key.hex(),
        "meter": household.meter.hex(),
        "rated_pv_w": str(household.rated_pv_w),
        "main_breaker_w": str(household.main_breaker_w),
        "is_net_metered": str(household.is_net_metered),
        **{name: str(amount) for name, amount in wallet.items()},
    }
    known = [Fact("member", name, value, applied_at) for name, value in facts.items()]
    if last is not None:
        at = datetime.fromtimestamp(last.measured_at, _EVER.tzinfo)
        known += [
            Fact("meter", name, str(getattr(last, name)), at)
            for name in ("sequence", "export_wh", "import_wh", "generation_wh")
        ]
    return known


def _file(evidence: Evidence) -> list[Fact]:
    parts = (
        ("phone_confirmed_by", evidence.phone_by, evidence.phone_at),
        ("document_kind", evidence.document_kind, evidence.document_at),
        ("document_seen_by", evidence.document_by, evidence.document_at),
        ("transformer", evidence.transformer, evidence.site_at),
        ("feeder", evidence.feeder, evidence.site_at),
        ("consent_to_text", evidence.consent_version, evidence.consent_at),
        ("consent_recorded_by", evidence.consent_by, evidence.consent_at),
    )
    return [Fact("file", name, value, at) for name, value, at in parts if value is not None]


def _messages(connection: Connection, community_id: str, household: Household, phones: PhoneBook) -> list[Fact]:
    row = tables.message.c
    query = (
        select(row.kind, row.payload, row.received_at)
        .where(row.community_id == community_id, row.signer == household.key)
        .order_by(row.received_at, row.id)
    )
    return [
        Fact("message", kind, phones.open(bytes(sealed)), at) for kind, sealed, at in connection.execute(query)
    ]


def _payments(connection: Connection, community_id: str, household_id: str) -> list[Fact]:
    into, out = payment_receipt.c, payout.c
    received = select(into.receipt, into.kes, into.paid_at).where(
        into.community_id == community_id, into.household_id == household_id
    )
    sent = select(out.payout_id, out.kes, out.created_at).where(
        out.community_id == community_id, out.household_id == household_id
    )
    return [
        *(Fact("paid in", name, f"KES {kes}", at) for name, kes, at in connection.execute(received)),
        *(Fact("paid out", name, f"KES {kes}", at) for name, kes, at in connection.execute(sent)),
    ]


def _phones(connection: Connection, community_id: str, household_id: str) -> list[Fact]:
    told = push_subscription.c
    query = select(told.topics, told.made_at).where(
        told.community_id == community_id, told.household_id == household_id
    )
    return [
        *(
            Fact("paired phone", one.name, "removed" if one.revoked_at else "paired", one.paired_at)
            for one in devices(connection, community_id, household_id, with_revoked=True)
        ),
        *(Fact("told at once", "topics", ", ".join(topics), at) for topics, at in connection.execute(query)),
    ]


def as_json(facts: list[Fact]) -> list[dict[str, Any]]:
    """Return facts as JSON has them, times in ISO 8601."""
    return [
        {"kind": one.kind, "name": one.name, "value": one.value, "at": one.at and one.at.isoformat()}
        for one in facts
    ]
