"""Hub processes in a storm: the real payment room, ledger and database, until the next SIGKILL.

This program imports everything once. For each line of JSON on its input it forks a hub, which is quick, and writes
its process id and, when it has ended, with which status. A hub serves Daraja's callbacks and, under ``/storm``,
what households and operators ask for. All processes read one clock, eight bytes of a shared file.
"""

import asyncio
import json
import logging
import os
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.mpesa import MPesa, MPesaConfig, PaymentRefused, open_payments
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.mpesa.client import DarajaClient
from energy_swap_hub.mpesa.hooks import CONFIRMATION, VALIDATION, callback_url, unprocessed
from energy_swap_hub.settlement.actions import Action, Decision
from energy_swap_hub.settlement.decisions import actions_of, decide
from energy_swap_hub.settlement.payers import payer
from energy_swap_hub.settlement.payments import PaymentBook, order_reversal
from energy_swap_hub.settlement.payouts import book_pay_out
from energy_swap_hub.settlement.reconciliation import reconcile_day, reconcile_statement
from energy_swap_hub.settlement.tables import review
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, select

COMMUNITY = "green"
BOOK = PhoneBook(b"p" * 32)
_OPERATOR = "operator"


class Hub:
    """One life of a hub. ``order`` says where everything is; ``phones`` are the households' by id."""

    def __init__(self, order: dict[str, Any]) -> None:
        where = order["database"]
        self.clock_file = os.open(order["clock"], os.O_RDONLY)
        self.phones: dict[str, str] = order["phones"]
        self.database = Database.open(where if "://" in where else Path(where))
        self.config = MPesaConfig(
            **{**order["config"], "callback_sources": tuple(order["config"]["callback_sources"])},
            certificate_pem=Path(order["certificate"]).read_bytes(),
            hmac_secret=b"0123456789abcdef",
        )
        self.mpesa = MPesa(
            database=self.database,
            config=self.config,
            events=PaymentBook(self.clock, lambda _household: None),
            phone_of=lambda _connection, _community, household: self.phones[household],
            payer_of=lambda connection, account: payer(connection, BOOK, COMMUNITY, account),
            clock=self.clock,
            cadence_seconds=0.02,
        )

    def clock(self) -> datetime:
        return datetime.fromtimestamp(struct.unpack("d", os.pread(self.clock_file, 8, 0))[0], UTC)

    async def run(self, port: int) -> None:
        application = web.Application(client_max_size=64 * 2**20)
        application.add_routes(
            [
                *self.mpesa.routes(),
                web.get("/storm/open", self.open),
                web.post("/storm/wish", self.wish),
                web.post("/storm/register", self.register),
                web.post("/storm/day", self.day),
                web.post("/storm/statement", self.statement),
                web.get("/storm/reviews", self.reviews),
                web.post("/storm/decide", self.decide),
            ]
        )
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await self.mpesa.run()

    async def open(self, _request: web.Request) -> web.Response:
        def read(connection: Connection) -> dict[str, int]:
            return {"open": open_payments(connection, COMMUNITY), "news": len(unprocessed(connection, 1_000))}

        return web.json_response(await self.database.read(read))

    async def wish(self, request: web.Request) -> web.Response:
        """Carry out what somebody wants; the answer says whether it was taken, durably."""
        what = await request.json()
        try:
            await self.database.write(lambda c: self._wish(c, what))
        except (PaymentRefused, Overdrawn, LookupError) as error:
            return web.json_response({"refused": str(error)})
        return web.json_response({"refused": None})

    def _wish(self, connection: Connection, what: dict[str, Any]) -> None:
        household, kes, now = what["household"], what["kes"], self.clock()
        who: dict[str, Any] = {
            "community_id": COMMUNITY,
            "household_id": household,
            "phone": self.phones[household],
            "kes": kes,
            "now": now,
        }
        match what["kind"]:
            case "top_up":
                self.mpesa.request_top_up(connection, **who)
            case "order":
                expires_at = now + timedelta(minutes=10)
                self.mpesa.request_payment(connection, purpose=f"order:{what['id']}", expires_at=expires_at, **who)
            case "payout":
                fee = Charges.load().payout_cents(kes, now)
                book_pay_out(connection, COMMUNITY, household, what["id"], kes=kes, fee_cents=fee, now=now)
                self.mpesa.request_pay_out(connection, payout_id=what["id"], **who)
            case "reversal":
                order_reversal(
                    connection, self.mpesa, COMMUNITY, what["id"], reason="by mistake", who=_OPERATOR, now=now
                )
            case kind:
                raise ValueError(kind)

    async def register(self, _request: web.Request) -> web.Response:
        """Tell M-Pesa where payments by hand are announced."""
        code = str(self.config.short_code)
        async with ClientSession(connector=TCPConnector(force_close=True)) as session:
            answer = await DarajaClient(session, self.config, self.clock).register_urls(
                confirmation_url=callback_url(self.config, CONFIRMATION, code),
                validation_url=callback_url(self.config, VALIDATION, code),
            )
        return web.json_response({"answer": type(answer).__name__})

    async def day(self, request: web.Request) -> web.Response:
        """Do the daily comparison as of a later day: a storm of hours would know one only."""
        day = self.clock() + timedelta(days=int(request.query["later"]))
        done = await self.database.write(lambda c: reconcile_day(c, self.mpesa, COMMUNITY, day))
        return web.json_response({"done": done})

    async def statement(self, request: web.Request) -> web.Response:
        data = await request.read()
        found = await self.database.write(
            lambda c: reconcile_statement(c, self.mpesa, COMMUNITY, data, self.clock())
        )
        return web.json_response({"matched": found.matched, "kinds": [d.kind for d in found.differences]})

    async def reviews(self, _request: web.Request) -> web.Response:
        def read(connection: Connection) -> list[dict[str, Any]]:
            row = review.c
            found = connection.execute(
                select(row.id, row.kind, row.subject, row.evidence).where(row.state == "open").order_by(row.id)
            )
            return [
                {**one, "actions": actions_of(connection, COMMUNITY, one["kind"], one["subject"])}
                for one in found.mappings().all()
            ]

        return web.json_response(await self.database.read(read))

    async def decide(self, request: web.Request) -> web.Response:
        """Decide a review as the console does."""
        what = await request.json()
        action = None if what["action"] is None else Action(what["action"])
        decision = Decision("looked it up", action, what.get("receipt"), what.get("kes"), what.get("household"))
        desk: Any = SimpleNamespace(
            community=SimpleNamespace(id=COMMUNITY),
            mpesa=self.mpesa,
            charges=Charges.load(),
            phone_of=lambda _connection, _community, household: self.phones[household],
        )
        try:
            await self.database.write(
                lambda c: decide(c, desk, what["id"], decision, who=_OPERATOR, now=self.clock())
            )
        except (LookupError, ValueError, PaymentRefused) as error:  # M-Pesa's own word came in between
            return web.json_response({"refused": str(error)})
        return web.json_response({"refused": None})


def main() -> None:
    logging.disable(logging.WARNING)  # each fault has its warning
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(_live(json.loads(line)))
            os._exit(0)
        print(child, flush=True)  # noqa: T201
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


async def _live(order: dict[str, Any]) -> None:
    # Nothing is written here while a hub lives: what can be read is the end, for the test has died.
    asyncio.get_running_loop().add_reader(0, os._exit, 1)
    await Hub(order).run(order["port"])


if __name__ == "__main__":
    main()
