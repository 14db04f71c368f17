"""A payment that a person looks at: how it stands now, and asking M-Pesa about it once more."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from energy_swap_hub.mpesa import intents, payouts
from energy_swap_hub.mpesa.intents import Intent
from energy_swap_hub.mpesa.payouts import Payout
from energy_swap_hub.mpesa.tables import (
    ACCEPTED,
    CONFIRMED,
    FAILED,
    PROMPTED,
    REVIEW,
    UNKNOWN,
    payment_intent,
    payout,
)


def asked_about(connection: Connection, community_id: str, subject: str) -> Intent | Payout | None:
    """Return the payment that M-Pesa can still be asked about: one that is not decided."""
    intent = intents.find(connection, subject)
    if intent is not None and intent.community_id == community_id:
        return intent if intent.state in (PROMPTED, UNKNOWN, CONFIRMED, FAILED, REVIEW) else None
    item = payouts.find(connection, community_id, subject) or payouts.find_by_conversation(connection, subject)
    is_open = item is not None and item.community_id == community_id and item.state in (ACCEPTED, REVIEW)
    return item if is_open else None


def ask_again(connection: Connection, community_id: str, subject: str, now: datetime) -> None:
    """Have M-Pesa asked now what became of a payment; of one by hand its list tells, which is read for all."""
    match asked_about(connection, community_id, subject):
        case Intent() as intent:
            intents.ask_now(connection, intent, now)
        case Payout() as item:
            payouts.ask_now(connection, item, now)


def payment_facts(connection: Connection, community_id: str, subject: str) -> dict[str, Any]:
    """Return how a payment that a person looks at stands now: whose it is, and what M-Pesa said last."""
    for table, key in ((payment_intent, payment_intent.c.intent_id), (payout, payout.c.payout_id)):
        row = table.c
        query = select(row.household_id, row.kes, row.state, row.created_at, row.asked_at, row.told)
        found = connection.execute(query.where(row.community_id == community_id, key == subject)).first()
        if found is not None:
            facts: dict[str, Any] = {
                "household": found.household_id,
                "kes": found.kes,
                "state_now": found.state,
                "begun_at": int(found.created_at.timestamp()),
            }
            if found.asked_at is not None:
                facts["asked_last_at"] = int(found.asked_at.timestamp())
            return facts if found.told is None else facts | {"m_pesa_said": found.told}
    return {}
