"""The simulator put together: one aiohttp application, and the task that lets time act."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import ClientSession, TCPConnector, web

from .agenda import Agenda
from .books import Books
from .business import Business
from .c2b import CustomerPayments
from .chance import Chance
from .clock import Clock, VirtualClock
from .confirmations import Confirmations
from .control import Control
from .deliveries import Deliveries
from .express import Express
from .faults import Faults
from .initiator import Initiator
from .inquiries import Inquiries
from .money import Collections
from .payouts import Payouts
from .prompts import Prompts
from .pull import Pull
from .qr import DynamicQr
from .rules import RuleBook
from .weather import Weather
from .wire import Gate

_LOGGER: Final = logging.getLogger(__name__)
_CADENCE_SECONDS: Final = 0.05
_OUTAGE_SECONDS: Final = 10_800.0


class Simulator:
    """A Daraja with its books.

    ``clock`` tells the time that all its delays are measured in; a `VirtualClock` moves only when the control API
    says so. ``path`` is the file of the books (``None``: in memory). ``least_manual_wait`` is how long in real
    seconds a person at a phone page may think at the least, however fast the clock runs. ``private_key_pem`` (RSA)
    opens SecurityCredentials; without one the books keep their own.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        path: Path | None = None,
        seed: int = 1,
        business: Business | None = None,
        least_manual_wait: float = 0,
        private_key_pem: bytes | None = None,
    ) -> None:
        self.business = business = business or Business()
        self.clock = clock
        self.books = books = Books(path)
        self.rules = RuleBook(books)
        self._chance = chance = Chance(f"{seed}/{self._start_number()}")
        self.faults = faults = Faults(chance.of("faults"))
        self.initiator = Initiator(books, business, self.rules, clock, private_key_pem)
        self.deliveries = Deliveries(books, business, self.rules, faults, chance, clock)
        self._session: ClientSession | None = None
        self._advancing = asyncio.Lock()
        self._gate = gate = Gate(business, self.rules, faults, chance, clock)
        self._agenda = Agenda(books, clock)
        collections = Collections(books, business, self.rules, faults)
        self._confirmations = confirmations = Confirmations(books, business, self.deliveries, chance)
        prompts = Prompts(
            books,
            faults,
            clock,
            chance,
            self.deliveries,
            collections,
            confirmations,
            timedelta(seconds=least_manual_wait),
            lambda: datetime.now(UTC),
        )
        self._express = Express(books, business, gate, faults, clock, chance, prompts, self.deliver_due)
        self._payouts = Payouts(
            books, business, self.rules, gate, faults, clock, chance, self.deliveries, self.initiator
        )
        self._c2b = CustomerPayments(
            books, business, self.rules, gate, faults, clock, chance, collections, confirmations
        )
        self._inquiries = Inquiries(
            books, business, gate, faults, clock, chance, self.deliveries, self.initiator, collections
        )
        self._pull = Pull(books, business, self.rules, gate, faults, clock, chance)
        self._qr = DynamicQr(business, gate, chance)
        self._weather = Weather(faults, chance, clock, self.advance)
        self.control = Control(self, prompts, self._c2b, confirmations, chance)
        self._teach(prompts)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate to seal initiator passwords with."""
        return self.initiator.certificate_pem

    def application(self) -> web.Application:
        """Return the aiohttp application: Daraja's paths, ``/_simulator``, and time acting while it runs."""
        application = web.Application(middlewares=[self._weather.middleware()])
        application.add_routes(
            [
                web.get("/oauth/v1/generate", self._gate.generate),
                web.post("/mpesa/stkpush/v1/processrequest", self._express.push),
                web.post("/mpesa/stkpushquery/v1/query", self._express.query),
                web.post("/mpesa/b2c/{version:v[13]}/paymentrequest", self._payouts.pay),
                web.post("/mpesa/c2b/{version:v[12]}/registerurl", self._c2b.register),
                web.post("/mpesa/c2b/{version:v[12]}/simulate", self._c2b.simulate),
                web.post("/mpesa/transactionstatus/v1/query", self._inquiries.status),
                web.post("/mpesa/accountbalance/v1/query", self._inquiries.balance),
                web.post("/mpesa/reversal/v1/request", self._inquiries.reversal),
                web.post("/pulltransactions/v1/register", self._pull.register),
                web.route("*", "/pulltransactions/v1/query", self._pull.query),
                web.post("/mpesa/qrcode/v1/generate", self._qr.generate),
                *self.control.routes(),
            ]
        )
        application.cleanup_ctx.append(self._live)
        return application

    def advance(self) -> None:
        """Let everything happen whose time has come, except the delivery of callbacks."""
        self._agenda.advance()

    async def deliver_due(self) -> int:
        """Send the callbacks that are due, one after the other, and return how many there were."""
        if self._session is None:
            raise RuntimeError("the application does not run")
        return await self.deliveries.deliver_due(self._session)

    async def advance_to(self, time: datetime) -> int:
        """Move a `VirtualClock` to ``time``, event by event in their order; return how many callbacks went out.

        A clock of another kind or a time in the past raises `ValueError`.
        """
        if not isinstance(self.clock, VirtualClock):
            raise ValueError("the clock of this simulator runs by itself; start it with --clock virtual")  # noqa: TRY004 - the caller's value is at fault
        if time < self.clock():
            raise ValueError(f"the clock stands at {self.clock().isoformat()} and does not run back")
        delivered = 0
        async with self._advancing:
            while (due := self._agenda.next_due()) is not None and due <= time:
                self.clock.set(max(due, self.clock()))
                self.advance()
                delivered += await self.deliver_due()
            self.clock.set(max(time, self.clock()))
        return delivered

    def close(self) -> None:
        """Close the books. The application must have ended."""
        self.books.close()

    def _teach(self, prompts: Prompts) -> None:
        for kind, step in (
            ("prompt", prompts.due),
            ("late callback", partial(prompts.late, is_told=True)),
            ("late silent", partial(prompts.late, is_told=False)),
            ("payout", self._payouts.due),
            ("payout after timeout", self._payouts.after_timeout),
            ("inquiry", self._inquiries.due),
            ("inquiry after timeout", self._inquiries.after_timeout),
            ("reversal", self._inquiries.reverse_unasked),
        ):
            self._agenda.teach(kind, step)
        self.deliveries.teach("validation", self._c2b.validated)
        self.faults.teach("F33", self._change_registration)
        self.faults.teach("F34", self._go_out)

    def _change_registration(self, variant: str, _seconds: float | None) -> None:
        if variant == "urls":
            self._confirmations.register(None)
        else:
            self.initiator.change_key()

    def _go_out(self, _variant: str, seconds: float | None) -> None:
        self.faults.outage_until = self.clock() + timedelta(
            seconds=_OUTAGE_SECONDS if seconds is None else seconds
        )

    def _start_number(self) -> int:
        number = int(self.books.setting("starts") or 0) + 1
        self.books.remember("starts", str(number).encode())
        return number

    async def _live(self, _application: web.Application) -> AsyncIterator[None]:
        # A connection of its own for each callback: the receiver may have gone away in between.
        async with ClientSession(connector=TCPConnector(force_close=True)) as session:
            self._session = session
            self.deliveries.recover()
            if isinstance(self.clock, VirtualClock):
                yield  # whoever moves the clock lets things happen, and waits for them
            else:
                task = asyncio.create_task(self._tick(session))
                yield
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            self._session = None

    async def _tick(self, session: ClientSession) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self.advance()
                    self.deliveries.start_due(session, group)
                    await asyncio.sleep(_CADENCE_SECONDS)
        except Exception:
            _LOGGER.exception("The simulator stands still")
            raise
