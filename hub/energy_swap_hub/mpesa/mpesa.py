"""The M-Pesa room's face: payments asked for in the caller's transaction, carried out by one background task."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from aiohttp import web
from sqlalchemy import Connection, func, select, true

from energy_swap_hub.storage import Database

from . import decisions, intents, payouts, receipts, reversals
from .charges import Charges
from .config import MPesaConfig
from .events import PayerOf, PaymentEvents, PaymentRefused
from .gateway import Clock, DarajaUnavailable
from .hooks import Hooks
from .intents import Intent
from .payouts import Payout
from .qr_codes import QrCodes
from .receipts import Receipt
from .reversals import Reversal
from .tables import (
    IS_GOING,
    OPEN_INTENT,
    OPEN_PAYOUT,
    OPEN_REVERSAL,
    REVIEW,
    payment_intent,
    payment_reversal,
    payout,
)
from .wire import PulledPayment
from .worker import Worker

# Returns a household's phone as 12 digits.
type PhoneOf = Callable[[Connection, str, str], str]
# Says why no money may be moved at a time; None: it may.
type Refusal = Callable[[Connection, datetime], str | None]


def open_payments(connection: Connection, community_id: str) -> int:
    """Return how many payments of a community are not final. Those in review wait for a person only."""
    return sum(
        connection.execute(
            select(func.count()).where(table.c.community_id == community_id, is_going, table.c.state.in_(states))
        ).scalar_one()
        for table, is_going, states in (
            (payment_intent, IS_GOING, OPEN_INTENT),
            (payout, IS_GOING, OPEN_PAYOUT),
            (payment_reversal, true(), OPEN_REVERSAL),
        )
    )


class MPesa:
    """Money in and out for all communities on one short code.

    ``phone_of(connection, community_id, household_id)`` returns a household's phone as 12 digits, at the moment of
    sending. ``payer_of(connection, account)`` says whose a payment by hand is; without it only what we asked for
    is taken. Where ``refusal`` says why, no payment is asked for in either direction. `run` must run in one
    process only; ``cadence_seconds`` is how often it looks at the clock.
    """

    def __init__(
        self,
        *,
        database: Database,
        config: MPesaConfig,
        events: PaymentEvents,
        phone_of: PhoneOf,
        clock: Clock,
        payer_of: PayerOf | None = None,
        refusal: Refusal | None = None,
        cadence_seconds: float = 0.1,
    ) -> None:
        self._refusal = refusal
        self._database = database
        self._config = config
        self._events = events
        self._clock = clock
        self._payer_of = payer_of
        self._charges = Charges.load()
        self._codes = QrCodes(clock)
        self._news = asyncio.Event()
        self._worker = Worker(
            database=database,
            config=config,
            events=events,
            phone_of=phone_of,
            phone_key=self._phone_key,
            payer_of=payer_of,
            clock=clock,
            charges=self._charges,
            news=self._news,
            cadence_seconds=cadence_seconds,
        )

    # Money in

    def request_top_up(
        self, connection: Connection, *, community_id: str, household_id: str, phone: str, kes: int, now: datetime
    ) -> str:
        """Ask ``phone`` for whole ``kes`` and return the intent's id; it is sent when the transaction is durable.

        Raises `PaymentRefused` for a bad phone or amount, or while the phone has an open payment.
        """
        self._check(connection, phone, now)
        return intents.create(
            connection,
            community_id=community_id,
            household_id=household_id,
            kes=kes,
            phone_key=self._phone_key(phone),
            now=now,
        )

    def request_payment(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        phone: str,
        kes: int,
        purpose: str,
        now: datetime,
        expires_at: datetime,
    ) -> str:
        """Ask ``phone`` for whole ``kes`` for a ``purpose`` (``order:<id>``) and return the intent's id.

        Either `received` or `receive_failed` is told with the purpose, once, at ``expires_at`` at the latest.
        Money that comes after that is told as late: it is the wallet's. The same purpose again is the same payment
        while that is open. Raises `PaymentRefused` as `request_top_up`, and for a purpose that is paid.
        """
        self._check(connection, phone, now)
        if expires_at <= now:
            raise PaymentRefused("The time to pay is over already.")
        return intents.create(
            connection,
            community_id=community_id,
            household_id=household_id,
            kes=kes,
            phone_key=self._phone_key(phone),
            now=now,
            purpose=purpose,
            expires_at=expires_at,
        )

    def give_up_payment(self, connection: Connection, *, community_id: str, purpose: str, now: datetime) -> None:
        """Give up what was to be paid for ``purpose``, as its ``expires_at`` does; `receive_failed` is told."""
        row = payment_intent.c
        for intent_id in connection.execute(
            select(row.intent_id).where(
                row.community_id == community_id, row.purpose == purpose, row.state.in_((*OPEN_INTENT, REVIEW))
            )
        ).scalars():
            intent = intents.find(connection, intent_id)
            assert intent is not None, "it was just read"
            intents.give_up(connection, self._events, intent, now, "It was withdrawn.")

    def decide_top_up(
        self, connection: Connection, intent: Intent, *, paid: tuple[str, int] | None, now: datetime
    ) -> None:
        """End an undecided payment as a person found it: ``paid`` is receipt and KES. Raises `PaymentRefused`."""
        if paid is None:
            decisions.close_top_up(connection, self._events, intent, now)
        else:
            decisions.credit_top_up(connection, self._events, intent, receipt=paid[0], kes=paid[1], now=now)

    # Money out

    def request_pay_out(
        self,
        connection: Connection,
        *,
        community_id: str,
        household_id: str,
        payout_id: str,
        phone: str,
        kes: int,
        now: datetime,
    ) -> None:
        """Pay whole ``kes`` to ``phone`` once; the same ``payout_id`` again changes nothing.

        Raises `PaymentRefused` for a bad phone or amount, or where payouts are not set up.
        """
        self._check(connection, phone, now)
        self._check_certificate("Payouts are")
        payouts.create(
            connection,
            community_id=community_id,
            household_id=household_id,
            payout_id=payout_id,
            kes=kes,
            now=now,
        )

    def request_reversal(self, connection: Connection, received: Receipt, now: datetime) -> None:
        """Give a received payment back, once. Raises `PaymentRefused`. The caller has set its money aside."""
        self._check_certificate("Reversals are")
        reversals.create(connection, received, now)

    def decide_payout(self, connection: Connection, item: Payout, *, receipt: str | None, now: datetime) -> None:
        """End an undecided payout as a person found it; no ``receipt``: not paid. Raises `PaymentRefused`."""
        if receipt is None:
            decisions.close_payout_as_unpaid(connection, self._events, item, now)
        else:
            decisions.close_payout_as_paid(connection, self._events, self._charges, item, receipt=receipt, now=now)

    def decide_reversal(
        self, connection: Connection, item: Reversal, *, receipt: str | None, now: datetime
    ) -> None:
        """End an undecided reversal as a person found it; no ``receipt``: not given back. `PaymentRefused`."""
        decisions.close_reversal(connection, self._events, item, receipt=receipt, now=now)

    def finish_reversal(
        self, connection: Connection, item: Reversal, receipt: str, at: datetime, now: datetime
    ) -> None:
        """End a reversal that M-Pesa's statement shows to be done."""
        reversals.finish(connection, self._events, item, receipt, at, now)

    def credit_announced(
        self, connection: Connection, *, reference: str, receipt: str, kes: int, now: datetime
    ) -> bool:
        """Credit a payment by hand that a person found at M-Pesa; false: its owner is not known.

        Raises `PaymentRefused`.
        """
        payer_of = self._payer_of
        if payer_of is None:
            raise PaymentRefused("This hub takes no payments by hand.")
        return decisions.credit_announced(
            connection, self._events, payer_of, reference=reference, receipt=receipt, kes=kes, now=now
        )

    async def qr_code(self, *, merchant: str, account: str, kes: int) -> bytes:
        """Return the PNG that a phone scans to pay ``kes`` to ``account``. Raises `PaymentRefused`."""
        if not 1 <= kes <= intents.MOST_KES:
            raise intents.out_of_range(kes)
        try:
            return await self._codes.code(self._worker.qr_code, merchant, account, kes)
        except DarajaUnavailable as error:
            raise PaymentRefused(
                f"M-Pesa gives no QR code now. Pay by hand: Lipa na M-PESA, Pay Bill {self._config.short_code}, "
                f"account {account}.",
                "no_pay_code",
            ) from error

    def look_now(self) -> None:
        """Have M-Pesa's list of payments read anew, as soon as the task comes to it."""
        self._worker.look_now()

    # The task and its door

    def open_payments(self, connection: Connection, community_id: str) -> int:
        """Return how many payments of a community are not final."""
        return open_payments(connection, community_id)

    def take_in(self, connection: Connection, lines: list[PulledPayment], source: str, now: datetime) -> int:
        """Credit payments that M-Pesa's statement shows and we did not know; return how many."""
        return receipts.receive_all(connection, self._events, self._payer_of, lines, source, now)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes that Daraja calls."""
        return Hooks(
            config=self._config,
            database=self._database,
            events=self._events,
            payer_of=self._payer_of,
            clock=self._clock,
            arrived=self._news.set,
        ).routes()

    async def run(self) -> None:
        """Carry payments out until cancelled; what an earlier process left half done is taken up again."""
        await self._worker.run()

    def _phone_key(self, phone: str) -> str:
        return hmac.new(self._config.hmac_secret, f"phone/{phone}".encode(), hashlib.sha256).hexdigest()[:32]

    def _check(self, connection: Connection, phone: str, now: datetime) -> None:
        _check_phone(phone)
        if self._refusal is not None and (why := self._refusal(connection, now)) is not None:
            raise PaymentRefused(why, "payments_not_allowed")

    def _check_certificate(self, what: str) -> None:
        if self._config.certificate_pem is None:
            raise PaymentRefused(f"{what} not set up: the hub has no Daraja certificate.", "payments_not_set_up")


def _check_phone(phone: str) -> None:
    if not (len(phone) == 12 and phone.isascii() and phone.isdecimal() and phone.startswith("254")):
        text = "The phone number must have 12 digits and begin with 254, like 254712345678."
        raise PaymentRefused(text, "not_a_phone")
