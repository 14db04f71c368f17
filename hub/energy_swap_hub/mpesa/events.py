"""How outcomes are told to the rest of the hub, who a payer is, and how a request is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from energy_swap_hub.explained import Explained

from .tables import TOP_UP


class PaymentRefused(Explained):
    """A payment that cannot be asked for; the text says why and what to do, fit for the household's eyes."""


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money it is; without a household nobody is known and the community keeps it in suspense."""

    community_id: str
    household_id: str | None


# Finds the payer by the account that was typed on a phone (capital letters and digits).
type PayerOf = Callable[[Connection, str], Payer]


class PaymentEvents(Protocol):
    """What happened to money, told once, inside the transaction that records it.

    If it raises, nothing is recorded and it is told again later.
    """

    def received(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str | None,
        cents: int,
        receipt: str,
        at: datetime,
        purpose: str = TOP_UP,
        is_late: bool = False,
        reference: str = "",
        name: str = "",
    ) -> None:
        """Money came in; it may follow a `receive_failed`.

        ``name`` is ours for the payment, "" for its receipt, and is never told twice; ``receipt`` is M-Pesa's as
        far as is known: that of a callback may turn out to be another.

        ``household_id`` None: paid by hand to an account that nobody has (``reference``). ``purpose`` is what was
        asked to be paid for; ``is_late``: after `receive_failed` was told, so it is money for the wallet only.
        """

    def receive_failed(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        intent_id: str,
        reason: str,
        purpose: str = TOP_UP,
    ) -> None:
        """A payment ended without money as far as M-Pesa says now, or its purpose is given up; told once."""

    def reversed_(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str | None,
        receipt: str,
        cents: int,
        reversal_receipt: str,
        at: datetime,
    ) -> None:
        """The money that came by ``receipt`` was given back, by another receipt."""

    def reverse_failed(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str | None,
        receipt: str,
        cents: int,
        reason: str,
    ) -> None:
        """A reversal will not happen: the money is still with us."""

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
        """A person has to look at ``subject`` (a payment, receipt or callback); it may resolve by itself."""

    def answered(self, connection: Connection, *, community_id: str, subject: str, word: str) -> None:
        """What a person was to look at is decided: M-Pesa's ``word`` came, or the person's own did."""
