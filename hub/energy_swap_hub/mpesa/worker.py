"""The task that carries payments out: whatever is due is done, one step at a time per payment, many at once."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, zip_longest
from typing import Any, Final

from aiohttp import ClientSession, TCPConnector
from sqlalchemy import Connection

from energy_swap_hub.storage import Database

from . import hooks, intents, payouts, receipts, reports, reversals
from .callbacks import claim_of, understand
from .charges import Charges
from .client import UNDECIDED, DarajaClient, DarajaUnavailable
from .config import MPesaConfig
from .events import PayerOf, PaymentEvents
from .gateway import Clock
from .hooks import Callback, callback_url
from .intents import Intent
from .payouts import Payout
from .receipts import Asked
from .reversals import Reversal
from .tables import ACCEPTED, CONFIRMED, OPEN_INTENT, QUEUED, REVIEW, SENDING

_LOGGER: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 32
_ASKED_ABOUT: Final = tuple(state for state in OPEN_INTENT if state != CONFIRMED)  # by the query
_REST_AFTER_ERROR: Final = timedelta(seconds=30)
_PULL_REACH: Final = timedelta(hours=48)
_PULLED: Final = "pull"
_PULL_MARGIN: Final = timedelta(minutes=5)
_LOOK_EVERY: Final = timedelta(hours=1)
_ASK_AGAIN_AFTER_SECONDS: Final = (0.2, 0.5, 0)  # a query about a finished payment is now and then not answered

type _Step = Coroutine[Any, Any, None]
type _Offer = tuple[str, Callable[[], _Step]]


class Worker:
    """Sends, asks and understands. ``phone_key`` names a phone without telling it; ``news`` wakes the task."""

    def __init__(
        self,
        *,
        database: Database,
        config: MPesaConfig,
        events: PaymentEvents,
        phone_of: Callable[[Connection, str, str], str],
        phone_key: Callable[[str], str],
        payer_of: PayerOf | None,
        clock: Clock,
        charges: Charges,
        news: asyncio.Event,
        cadence_seconds: float,
    ) -> None:
        self._database = database
        self._config = config
        self._events = events
        self._phone_of = phone_of
        self._phone_key = phone_key
        self._payer_of = payer_of
        self._clock = clock
        self._charges = charges
        self._news = news
        self._cadence_seconds = cadence_seconds
        self._busy: set[str] = set()
        self._resting: dict[str, datetime] = {}
        self._is_full = False
        self._pulling = asyncio.Lock()
        self._pulled: tuple[datetime, datetime] | None = None  # (oldest time covered, when it was asked)
        self._next_look: datetime | None = None
        self._client: DarajaClient | None = None  # while it runs

    def look_now(self) -> None:
        """Read M-Pesa's list of payments anew, as far back as it goes, and ask for the balance."""
        self._pulled = None
        self._next_look = None
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled."""
        connector = TCPConnector(force_close=True)
        async with ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            client = self._client = DarajaClient(session, self._config, self._clock)
            try:
                while True:
                    self._news.clear()
                    for key, step in await self._due_steps(client):
                        self._busy.add(key)
                        group.create_task(self._take(key, step))
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), self._cadence_seconds)
            finally:
                self._client = None

    async def qr_code(self, merchant: str, account: str, kes: int) -> bytes:
        """Return M-Pesa's QR code for paying ``kes`` to ``account``, as PNG. Raises `DarajaUnavailable`."""
        if self._client is None:
            raise DarajaUnavailable("The hub does not speak with M-Pesa now.")
        return await self._client.qr_code(merchant=merchant, account=account, kes=kes)

    async def _due_steps(self, client: DarajaClient) -> list[tuple[str, _Step]]:
        now = self._clock()
        room = 4 * _AT_ONCE
        # What is being done while the rows are read may end before they are looked at; they are of before then.
        busy = set(self._busy)

        def read(
            connection: Connection,
        ) -> tuple[list[Callback], list[Intent], list[Intent], list[Payout], list[Reversal]]:
            return (
                hooks.unprocessed(connection, room),
                intents.expired(connection, now, room),
                intents.due(connection, now, room),
                payouts.due(connection, now, room),
                reversals.due(connection, now, room),
            )

        callbacks, expired, due_intents, outs, due_reversals = await self._database.read(read)
        is_look_due = self._next_look is None or self._next_look <= now
        lanes: tuple[Iterable[_Offer], ...] = (
            [("look", lambda: self._look(client, now))] if is_look_due else [],
            ((f"callback/{c.number}", partial(self._process, client, c)) for c in callbacks),
            ((f"expiry/{i.intent_id}", partial(self._give_up, i)) for i in expired),
            ((f"reversal/{r.receipt}", partial(self._advance_reversal, client, r)) for r in due_reversals),
            ((f"payout/{p.originator_conversation_id}", partial(self._advance_payout, client, p)) for p in outs),
            ((f"intent/{i.intent_id}", partial(self._advance_intent, client, i)) for i in due_intents),
        )
        steps: list[tuple[str, _Step]] = []
        self._is_full = False
        # In turns, for in each lane there may always be something else to do.
        for key, step in filter(None, chain.from_iterable(zip_longest(*lanes))):
            if key in busy or self._resting.get(key, now) > now:
                continue
            if len(self._busy) + len(steps) >= _AT_ONCE:
                self._is_full = True
                break
            steps.append((key, step()))
        return steps

    async def _take(self, key: str, step: _Step) -> None:
        try:
            await step
            self._resting.pop(key, None)
        except Exception:
            # One payment's trouble must not stop the others; its row still says what is to be done.
            _LOGGER.exception("%s could not be advanced; it rests for a while", key)
            self._resting[key] = self._clock() + _REST_AFTER_ERROR
        finally:
            self._busy.discard(key)
            if self._is_full:
                self._news.set()

    # Callbacks

    async def _process(self, client: DarajaClient, callback: Callback) -> None:
        claim = await self._database.read(lambda c: claim_of(c, callback, self._config.confirm_above_kes))
        asked = Asked.SAYS_SO
        if claim.needs_list:
            await self._pull(client, callback.received_at - _PULL_MARGIN, self._clock())
        elif claim.ask_about is not None:
            asked = await self._ask_whether_true(client, claim.ask_about)

        def change(connection: Connection) -> None:
            outcome, keep_body = understand(
                connection, self._config, self._events, self._charges, self._payer_of, callback, asked
            )
            hooks.finish(connection, callback, outcome, self._clock(), keep_body=keep_body)

        await self._database.write(change)

    async def _ask_whether_true(self, client: DarajaClient, intent: Intent) -> Asked:
        """Ask M-Pesa about the success of a push that a callback tells of."""
        if intent.checkout_request_id is None:
            return Asked.SAYS_OTHERWISE
        for pause_seconds in _ASK_AGAIN_AFTER_SECONDS:
            code = await client.query_push(intent.checkout_request_id)
            if code == UNDECIDED:
                break  # a success that came before the payment
            if code is not None:
                return Asked.SAYS_SO if code == "0" else Asked.SAYS_OTHERWISE
            await asyncio.sleep(pause_seconds)
        return Asked.NO_ANSWER

    # Payments asked for

    async def _give_up(self, intent: Intent) -> None:
        await self._database.write(lambda c: intents.give_up(c, self._events, intent, self._clock()))

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
            phone = self._phone_of(connection, intent.community_id, intent.household_id)
            if self._phone_key(phone) != intent.phone_key:
                reason = "The household's phone is another one now. Ask again."
                intents.fail(connection, self._events, intent, reason, sent_at, states=(QUEUED,))
                return None
            return phone if intents.begin_sending(connection, intent, sent_at) else None

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
        is_asked = intent.checkout_request_id is not None and intent.state in (*_ASKED_ABOUT, REVIEW)
        if is_asked and intent.checkout_request_id is not None:
            code = await client.query_push(intent.checkout_request_id)
        if code is not None:
            await self._database.write(lambda c: intents.record_code(c, self._events, intent, code, asked_at))
        was_pulled = False
        if intent.wants_pull(asked_at):
            was_pulled = await self._pull(client, intent.created_at - _PULL_MARGIN, asked_at)
        told = [f"result {code}" if code is not None else "no answer"] if is_asked else []
        told += ["not in the list of payments"] if was_pulled else []

        def schedule(connection: Connection) -> None:
            current = intents.find(connection, intent.intent_id)
            if current is not None and current.state == intent.state:
                if told:
                    intents.note_told(connection, current, ", ".join(told), asked_at)
                intents.schedule(connection, self._events, current, was_pulled=was_pulled, now=self._clock())

        await self._database.write(schedule)

    # Payouts

    async def _advance_payout(self, client: DarajaClient, item: Payout) -> None:
        if item.state in (ACCEPTED, REVIEW):
            await self._ask_status(client, item)
        elif item.state == SENDING:  # nobody here is sending it: the process that did has died
            await self._database.write(lambda c: payouts.record_lost(c, item, self._clock()))
        else:
            await self._pay(client, item)

    async def _pay(self, client: DarajaClient, item: Payout) -> None:
        def begin(connection: Connection) -> tuple[str, Payout] | None:
            current = payouts.begin_sending(connection, item, self._clock())
            if current is None:
                return None
            return self._phone_of(connection, item.community_id, item.household_id), current

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

    async def _ask_status(self, client: DarajaClient, item: Payout) -> None:
        """Ask what became of a payout; the next question is set first, the answer is a callback."""
        await self._database.write(lambda c: payouts.record_asked(c, self._events, item, self._clock()))
        conversation = item.originator_conversation_id
        await client.ask_status(
            originator_conversation_id=conversation,
            result_url=callback_url(self._config, hooks.STATUS, conversation),
            timeout_url=callback_url(self._config, hooks.TIME_OUT, conversation),
        )

    # Reversals

    async def _advance_reversal(self, client: DarajaClient, item: Reversal) -> None:
        if item.state != QUEUED:  # sent by a process that has died, or accepted without a result for an hour
            await self._database.write(lambda c: reversals.record_lost(c, self._events, item, item.state))
            return
        if not await self._database.write(lambda c: reversals.begin_sending(c, item, self._clock())):
            return
        subject = item.receipt.lower()
        answer = await client.reverse(
            receipt=item.receipt,
            kes=item.kes,
            result_url=callback_url(self._config, hooks.REVERSAL, subject),
            timeout_url=callback_url(self._config, hooks.TIME_OUT, subject),
        )
        await self._database.write(lambda c: reversals.record_answer(c, self._events, item, answer, self._clock()))

    # What M-Pesa itself says

    async def _look(self, client: DarajaClient, now: datetime) -> None:
        """Read the list of payments, ask what our accounts hold, and forget what was kept long enough."""
        self._next_look = now + _LOOK_EVERY
        await self._database.write(lambda c: hooks.forget_old_bodies(c, now))
        if self._config.certificate_pem is not None:
            number = str(await self._database.write(lambda c: reports.begin_question(c, now)))
            await client.ask_balance(
                result_url=callback_url(self._config, hooks.BALANCE, number),
                timeout_url=callback_url(self._config, hooks.TIME_OUT, number),
            )
        # Each look covers the time of the look before, too: a payment may be listed late.
        since = now - _PULL_REACH if self._pulled is None else self._pulled[1] - _LOOK_EVERY
        await self._pull(client, since, now)

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

            def record(connection: Connection) -> None:
                # What an earlier look showed was dealt with then, in the transaction that kept its line.
                before = reports.kept_receipts(connection, [row.payment.receipt for row in rows], _PULLED)
                fresh = [row for row in rows if row.payment.receipt not in before]
                reports.keep_lines(connection, reports.pulled_lines(fresh, now), _PULLED, now)
                receipts.receive_all(connection, self._events, self._payer_of, fresh, _PULLED, now)

            await self._database.write(record)
            self._pulled = (since, now)
            return True
