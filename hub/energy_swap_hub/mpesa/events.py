"""How outcomes are told to the rest of the hub, and how a request is refused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection


class PaymentRefused(Exception):  # noqa: N818 - it is an answer
    """A payment that cannot be asked for; the text says why and what to do, fit for the household's eyes."""


class PaymentEvents(Protocol):
    """What happened to money, told once, inside the transaction that records it.

    If it raises, nothing is recorded and it is told again later.
    """

    def received(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        cents: int,
        receipt: str,
        at: datetime,
    ) -> None:
        """Money came in; ``receipt`` is M-Pesa's and is never told twice. It may follow a `receive_failed`."""

    def receive_failed(
        self, connection: Connection, *, community_id: str, household_id: str, intent_id: str, reason: str
    ) -> None:
        """A top-up ended without money, as far as M-Pesa says now."""

    def paid_out(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        payout_id: str,
        cents: int,
        fee_cents: int,
        receipt: str,
        at: datetime,
    ) -> None:
        """A payout arrived; M-Pesa charged the business ``fee_cents`` on top of ``cents``."""

    def pay_out_failed(
        self, connection: Connection, *, community_id: str, household_id: str, payout_id: str, reason: str
    ) -> None:
        """A payout will not arrive: the money is still ours to give."""

    def needs_review(
        self, connection: Connection, *, community_id: str, kind: str, subject: str, evidence: Mapping[str, Any]
    ) -> None:
        """A person has to look at ``subject`` (intent or payout id); it may still resolve by itself."""
