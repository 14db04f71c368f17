"""The M-Pesa room's face: payments asked for in the caller's transaction, carried out by one background task."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import ClientSession, TCPConnector, web
from sqlalchemy import Connection, func, select

from energy_swap_hub.storage import Database

from . import decisions, hooks, intents, payouts
from .charges import Charges
from .client import Clock, DarajaClient, DarajaUnavailable
from .config import MPesaConfig
from .events import PaymentEvents, PaymentRefused
from .hooks import Callback, callback_url
from .intents import Intent
from .payouts import Payout
from .tables import ACCEPTED, CONFIRMED, OPEN_INTENT, OPEN_PAYOUT, QUEUED, SENDING, payment_intent, payout
from .wire import Unreadable, read_payout_result, read_push_result

_LOGGER: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 16
_REST_AFTER_ERROR: Final = timedelta(seconds=30)
_PULL_REACH: Final = timedelta(hours=48)
_PULL_MARGIN: Final = timedelta(minutes=5)

type PhoneOf = Callable[[Connection, str, str], str]


def open_payments(connection: Connection, community_id: str) -> int:
    """Return how many top-ups and payouts of a community are not final. Those in review wait for a person only."""
    return sum(
        connection.execute(
            select(func.count()).where(table.c.community_id == community_id, table.c.state.in_(states))
        ).scalar_one()
        for table, states in ((payment_intent, OPEN_INTENT), (payout, OPEN_PAYOUT))
    )


class MPesa:
    """Top-ups and payouts of all communities on one short code.

    ``phone_of(connection, community_id, household_id)`` returns a household's phone as 12 digits, at the moment of
    sending. `run` must run in one process only; ``cadence_seconds`` is how often it looks at the clock.
    """

    def __init__(
        self,
        *,
        database: Database,
        config: MPesaConfig,
        events: PaymentEvents,
        phone_of: PhoneOf,
        clock: Clock,
        cadence_seconds: float = 0.1,
    ) -> None:
        self._database = database
        self._config = config
        self._events = events
        self._phone_of = phone_of
        self._clock = clock
        self._cadence_seconds = cadence_seconds
        self._charges = Charges.load()
        self._news = asyncio.Event()
        self._busy: set[str] = set()
        self._resting: dict[str, datetime] = {}
        self._pulling = asyncio.Lock()
        self._pulled: tuple[datetime, datetime] | None = None  # (oldest time covered, when it was asked)

    def request_top_up(
        self, connection: Connection, *, community_id: str, household_id: str, phone: str, kes: int, now: datetime
    ) -> str:
        """Ask ``phone`` for whole ``kes`` and return the intent's id; it is sent when the transaction is durable.

        Raises `PaymentRefused` for a bad phone or amount, or while the household has an open top-up.
        """
        _check_phone(phone)
        return intents.create(connection, community_id=community_id, household_id=household_id, kes=kes, now=now)

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
        _check_phone(phone)
        if self._config.certificate_pem is None:
            raise PaymentRefused("Payouts are not set up: the hub has no Daraja certificate.")
        payouts.create(
            connection,
            community_id=community_id,
            household_id=household_id,
            payout_id=payout_id,
            kes=kes,
            now=now,
        )

    def open_payments(self, connection: Connection, community_id: str) -> int:
        """Return how many top-ups and payouts of a community are not final."""
        return open_payments(connection, community_id)

    def decide_top_up(
        self, connection: Connection, intent: Intent, *, paid: tuple[str, int] | None, now: datetime
    ) -> None:
        """End an undecided top-up as a person found it: ``paid`` is receipt and KES. Raises `PaymentRefused`."""
        if paid is None:
            decisions.close_top_up(connection, self._events, intent, now)
        else:
            decisions.credit_top_up(connection, self._events, intent, receipt=paid[0], kes=paid[1], now=now)

    def decide_payout(self, connection: Connection, item: Payout, *, receipt: str | None, now: datetime) -> None:
        """End an undecided payout as a person found it; no ``receipt``: not paid. Raises `PaymentRefused`."""
        if receipt is None:
            decisions.close_payout_as_unpaid(connection, self._events, item, now)
        else:
            decisions.close_payout_as_paid(connection, self._events, self._charges, item, receipt=receipt, now=now)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes that Daraja calls."""
        return hooks.routes(self._config, self._database, self._clock, self._news.set)

    async def run(self) -> None:
        """Carry payments out until cancelled; what an earlier process left half done is taken up again."""
        connector = TCPConnector(force_close=True)
        async with ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            client = DarajaClient(session, self._config, self._clock)
            while True:
                for key, step in await self._due_steps(client):
                    self._busy.add(key)
                    group.create_task(self._take(key, step))
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), self._cadence_seconds)

    async def _due_steps(self, client: DarajaClient) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        now = self._clock()

        def read(connection: Connection) -> tuple[list[Callback], list[Intent], list[Payout]]:
            room = 4 * _AT_ONCE
            return (
                hooks.unprocessed(connection, room),
                intents.due(connection, now, room),
                payouts.due(connection, now, room),
            )

        callbacks, due_intents, due_payouts = await self._database.read(read)
        steps: list[tuple[str, Coroutine[Any, Any, None]]] = []

        def offer[**P](
            key: str, step: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs
        ) -> None:
            is_free = key not in self._busy and self._resting.get(key, now) <= now
            if is_free and len(self._busy) + len(steps) < _AT_ONCE:
                steps.append((key, step(*args, **kwargs)))

        for callback in callbacks:
            offer(f"callback/{callback.number}", self._process, callback)
        for intent in due_intents:
            offer(f"intent/{intent.intent_id}", self._advance_intent, client, intent)
        for item in due_payouts:
            offer(f"payout/{item.community_id}/{item.payout_id}", self._advance_payout, client, item)
        return steps

    async def _take(self, key: str, step: Coroutine[Any, Any, None]) -> None:
        try:
            await step
            self._resting.pop(key, None)
        except Exception:
            # One payment's trouble must not stop the others; its row still says what is to be done.
            _LOGGER.exception("%s could not be advanced; it rests for a while", key)
            self._resting[key] = self._clock() + _REST_AFTER_ERROR
        finally:
            self._busy.discard(key)

    async def _process(self, callback: Callback) -> None:
        def change(connection: Connection) -> None:
            outcome, keep_body = self._understand(connection, callback)
            hooks.finish(connection, callback, outcome, self._clock(), keep_body=keep_body)

        await self._database.write(change)

    def _understand(self, connection: Connection, callback: Callback) -> tuple[str, bool]:
        try:
            if callback.channel == hooks.PUSH:
                intent = intents.find(connection, callback.subject)
                push = read_push_result(callback.body)
                return (
                    "unknown intent"
                    if intent is None
                    else intents.record_result(connection, self._events, intent, push, callback.received_at)
                ), False
            if callback.channel == hooks.TIME_OUT:
                return "queue time-out: the outcome is still open", False
            item = payouts.find_by_conversation(connection, callback.subject)
            result = read_payout_result(callback.body)
            return (
                "unknown payout"
                if item is None
                else payouts.record_result(
                    connection, self._events, self._charges, item, result, callback.received_at
                )
            ), False
        except Unreadable as error:
            self._events.needs_review(
                connection,
                community_id=callback.community_id,
                kind="callback_unreadable",
                subject=callback.subject,
                evidence={"callback": callback.number, "problem": str(error)},
            )
            return f"unreadable: {error}", True

    async def _advance_intent(self, client: DarajaClient, intent: Intent) -> None:
        if intent.state == QUEUED:
            await self._push(client, intent)
        elif intent.state == SENDING:  # nobody here is sending it: the process that did has died
            await self._database.write(lambda c: intents.record_lost(c, intent, self._clock()))
        else:
            await self._ask(client, intent)

    async def _push(self, client: DarajaClient, intent: Intent) -> None:
        sent_at = self._clock()

        def begin(connection: Connection) -> str | None:
            if not intents.begin_sending(connection, intent, sent_at):
                return None
            return self._phone_of(connection, intent.community_id, intent.household_id)

        phone = await self._database.write(begin)
        if phone is None:
            return
        answer = await client.push(
            phone=phone,
            kes=intent.kes,
            account_reference=intent.account_reference,
            callback_url=callback_url(self._config, hooks.PUSH, intent.intent_id),
        )
        await self._database.write(
            lambda c: intents.record_answer(c, self._events, intent, answer, sent_at, self._clock())
        )

    async def _ask(self, client: DarajaClient, intent: Intent) -> None:
        """Ask what became of a push: by query, and where that cannot tell, by the list of payments."""
        asked_at = self._clock()
        code = None
        if intent.checkout_request_id is not None and intent.state in OPEN_INTENT and intent.state != CONFIRMED:
            code = await client.query_push(intent.checkout_request_id)
        if code is not None:
            await self._database.write(lambda c: intents.record_code(c, self._events, intent, code, asked_at))
        was_pulled = False
        if intent.wants_pull(asked_at):
            was_pulled = await self._pull(client, intent.created_at - _PULL_MARGIN, asked_at)

        def schedule(connection: Connection) -> None:
            current = intents.find(connection, intent.intent_id)
            if current is not None and current.state == intent.state:
                intents.schedule(connection, self._events, current, was_pulled=was_pulled, now=self._clock())

        await self._database.write(schedule)

    async def _pull(self, client: DarajaClient, since: datetime, asked_at: datetime) -> bool:
        """Read the list of payments and credit what is ours; one reading serves all who asked before it began."""
        async with self._pulling:
            if self._pulled is not None and self._pulled[0] <= since and self._pulled[1] >= asked_at:
                return True
            now = self._clock()
            since = max(since, now - _PULL_REACH)
            try:
                rows = await client.pull(since, now + _PULL_MARGIN)
            except DarajaUnavailable as error:
                _LOGGER.warning("The list of payments could not be read: %s", error)
                return False
            await self._database.write(lambda c: intents.record_pulled(c, self._events, rows, now))
            self._pulled = (since, now)
            return True

    async def _advance_payout(self, client: DarajaClient, item: Payout) -> None:
        if item.state == ACCEPTED:
            await self._database.write(lambda c: payouts.record_overdue(c, self._events, item))
        elif item.state == SENDING:  # nobody here is sending it: the process that did has died
            await self._database.write(lambda c: payouts.record_lost(c, item, self._clock()))
        else:
            await self._pay(client, item)

    async def _pay(self, client: DarajaClient, item: Payout) -> None:
        def begin(connection: Connection) -> tuple[str, Payout] | None:
            if not payouts.begin_sending(connection, item, self._clock()):
                return None
            current = payouts.find(connection, item.community_id, item.payout_id)
            phone = self._phone_of(connection, item.community_id, item.household_id)
            return None if current is None else (phone, current)

        begun = await self._database.write(begin)
        if begun is None:
            return
        phone, current = begun
        conversation = item.originator_conversation_id
        answer = await client.pay(
            originator_conversation_id=conversation,
            phone=phone,
            kes=item.kes,
            result_url=callback_url(self._config, hooks.PAYOUT, conversation),
            timeout_url=callback_url(self._config, hooks.TIME_OUT, conversation),
        )
        await self._database.write(
            lambda c: payouts.record_answer(c, self._events, current, answer, self._clock())
        )


def _check_phone(phone: str) -> None:
    if not (len(phone) == 12 and phone.isascii() and phone.isdecimal() and phone.startswith("254")):
        raise PaymentRefused("The phone number must have 12 digits and begin with 254, like 254712345678.")
