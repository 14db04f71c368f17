"""The simulator put together: one aiohttp application, and the task that lets time act."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from aiohttp import ClientSession, web

from .books import Books
from .business import Business
from .clock import Clock
from .control import Control
from .credential import certificate, new_key
from .deliveries import Deliveries
from .express import Express
from .faults import Faults
from .payouts import Payouts
from .reports import Reports
from .wire import Gate, error_middleware

_LOGGER: Final = logging.getLogger(__name__)
_CADENCE_SECONDS: Final = 0.05


class Simulator:
    """A Daraja with its books.

    ``clock`` tells the time that all its delays are measured in; ``path`` is the file of the books (``None``: in
    memory); ``least_manual_wait`` is how long in real seconds a person at a phone page may think at the least,
    however fast the clock runs. ``private_key_pem`` (RSA) opens SecurityCredentials; without one
    the books keep their own.
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
        self.business = business or Business()
        self.clock = clock
        self.books = Books(path)
        self.faults = Faults()
        key = private_key_pem or self._remembered_key()
        self.certificate_pem = certificate(key)
        random = Random(f"{seed}/{self._start_number()}")  # noqa: S311 - ids of a simulation
        gate = Gate(self.business, clock, random)
        self._random = random
        self._gate = gate
        self._express = Express(
            self.books,
            self.business,
            gate,
            self.faults,
            clock,
            random,
            timedelta(seconds=least_manual_wait),
            lambda: datetime.now(UTC),
        )
        self._payouts = Payouts(self.books, self.business, gate, self.faults, clock, random, key)
        self._reports = Reports(self.books, self.business, gate, clock, random, key)
        self._deliveries = Deliveries(self.books, self.business, clock)
        self.control = Control(self.books, self.business, self.faults, self._express, clock, self.certificate_pem)

    def application(self) -> web.Application:
        """Return the aiohttp application: Daraja's paths, ``/_simulator``, and time acting while it runs."""
        application = web.Application(middlewares=[error_middleware(self._random)])
        application.add_routes(
            [
                web.get("/oauth/v1/generate", self._gate.generate),
                web.post("/mpesa/stkpush/v1/processrequest", self._express.push),
                web.post("/mpesa/stkpushquery/v1/query", self._express.query),
                web.post("/mpesa/b2c/v3/paymentrequest", self._payouts.pay),
                web.post("/mpesa/accountbalance/v1/query", self._reports.balance),
                web.route("*", "/pulltransactions/v1/query", self._reports.pull),
                *self.control.routes(),
            ]
        )
        application.cleanup_ctx.append(self._live)
        return application

    def advance(self) -> None:
        """Let everything happen whose time has come, except the delivery of callbacks."""
        self._express.advance()
        self._payouts.advance()

    def close(self) -> None:
        """Close the books. The application must have ended."""
        self.books.close()

    def _remembered_key(self) -> bytes:
        key = self.books.setting("private_key")
        if key is None:
            key = new_key()
            self.books.remember("private_key", key)
        return key

    def _start_number(self) -> int:
        number = int(self.books.setting("starts") or 0) + 1
        self.books.remember("starts", str(number).encode())
        return number

    async def _live(self, _application: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._tick())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _tick(self) -> None:
        async with ClientSession() as session, asyncio.TaskGroup() as group:
            while True:
                try:
                    self.advance()
                    due = self._deliveries.take_due()
                except Exception:
                    _LOGGER.exception("The simulator stands still")
                    raise
                for number, url, body in due:
                    group.create_task(self._deliveries.deliver(session, number, url, body))
                await asyncio.sleep(_CADENCE_SECONDS)
