"""The simulator's own API under ``/_simulator``; nothing of it exists at the real Daraja."""

import sqlite3
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .books import OUTSIDE, UTILITY, kes_text, subscriber_account
from .c2b import CustomerPayments
from .chance import Chance
from .clock import EAT, iso
from .conditions import Conditions
from .confirmations import Confirmations
from .orders import (
    Decision,
    MenuPayment,
    Sms,
    Subscriber,
    SubscriberChange,
    TimeChange,
    Transfer,
    read,
)
from .pages import Pages
from .prompts import Prompts
from .statement import statement
from .wire import answer

if TYPE_CHECKING:
    from .simulator import Simulator

__all__ = ["Control", "Subscriber"]


class Control:
    """Subscribers, books, prompts, callbacks, faults, rules and time."""

    def __init__(
        self,
        simulator: Simulator,
        prompts: Prompts,
        c2b: CustomerPayments,
        confirmations: Confirmations,
        chance: Chance,
    ) -> None:
        self._simulator = simulator
        self._prompts_on_phones = prompts
        self._c2b = c2b
        self._chance = chance
        self._books = simulator.books
        self._conditions = Conditions(simulator, confirmations)
        self._pages = Pages(simulator, prompts, c2b, self.add_subscriber)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        root = "/_simulator"
        return [
            web.get(f"{root}/clock", self._clock),
            web.post(f"{root}/clock", self._move_clock),
            web.get(f"{root}/certificate", self._certificate),
            web.get(f"{root}/subscribers", self._subscribers),
            web.post(f"{root}/subscribers", self._add_subscriber),
            web.patch(f"{root}/subscribers/{{phone}}", self._change_subscriber),
            web.post(f"{root}/subscribers/{{phone}}/pay", self._pay),
            web.post(f"{root}/sms", self._send_sms),
            web.get(f"{root}/books", self._show_books),
            web.get(f"{root}/statement.csv", self._statement),
            web.post(f"{root}/transfers", self._transfer),
            web.post(f"{root}/transactions/{{receipt}}/reverse", self._reverse),
            web.get(f"{root}/prompts", self._prompts),
            web.post(f"{root}/prompts/{{checkout}}/answer", self._decide),
            *self._conditions.routes(),
            *self._pages.routes(),
        ]

    def add_subscriber(self, subscriber: Subscriber) -> bool:
        """Make a subscriber; one who exists already keeps the balance. Return whether it is new."""
        with self._books.transaction():
            try:
                self._books.insert(
                    "subscriber",
                    {
                        "phone": subscriber.phone,
                        "name": subscriber.name,
                        "behaviour": subscriber.behaviour,
                        "pin": subscriber.pin,
                        "daily_limit_kes": subscriber.daily_limit_kes,
                        "wallet_limit_kes": subscriber.wallet_limit_kes,
                    },
                )
            except sqlite3.IntegrityError:
                self._books.change(
                    "UPDATE subscriber SET name = ?, behaviour = ?, pin = ?, daily_limit_kes = ?,"
                    " wallet_limit_kes = ?, pin_failures = 0 WHERE phone = ?",
                    subscriber.name,
                    subscriber.behaviour,
                    subscriber.pin,
                    subscriber.daily_limit_kes,
                    subscriber.wallet_limit_kes,
                    subscriber.phone,
                )
                return False
            self._move(
                "deposit", OUTSIDE, subscriber_account(subscriber.phone), subscriber.balance_kes, subscriber.phone
            )
        return True

    def summary(self, movements: int = 200) -> dict[str, Any]:
        """Return the books: every account, the sums, and the latest ``movements``."""
        books, business = self._books, self._simulator.business
        accounts = {row["name"]: row["cents"] for row in books.rows("SELECT * FROM account ORDER BY name")}
        totals = books.rows("SELECT kind, count(*) AS n, sum(cents) AS cents FROM movement GROUP BY kind")
        return {
            "business": {"short_code": business.short_code, "name": business.name},
            "accounts": accounts,
            "sum_cents": sum(accounts.values()),
            "totals": {row["kind"]: {"count": row["n"], "cents": row["cents"]} for row in totals},
            "open_prompts": len(books.rows("SELECT 1 FROM prompt WHERE code IS NULL")),
            "open_payouts": len(books.rows("SELECT 1 FROM payout WHERE code IS NULL")),
            "undelivered": len(books.rows("SELECT 1 FROM delivery WHERE attempted_at IS NULL")),
            "movements": [
                {**{key: row[key] for key in row.keys() if key != "at"}, "at": iso(row["at"])}  # noqa: SIM118
                for row in books.rows("SELECT * FROM movement ORDER BY number DESC LIMIT ?", movements)
            ],
        }

    def _move(self, kind: str, source: str, target: str, kes: int, phone: str = "") -> None:
        if kes > 0:
            now = self._simulator.clock()
            receipt = self._books.new_receipt(self._chance.of("receipt"), now)
            self._books.move(kind, receipt, source, target, kes * 100, at=now, phone=phone, reference="")

    async def _clock(self, _request: web.Request) -> web.Response:
        now = self._simulator.clock()
        return answer({"now": now.isoformat(), "nairobi": now.astimezone(EAT).isoformat()})

    async def _move_clock(self, request: web.Request) -> web.Response:
        change = await read(request, TimeChange)
        time = change.to or self._simulator.clock() + timedelta(seconds=change.advance_seconds)
        try:
            delivered = await self._simulator.advance_to(time)
        except ValueError as error:
            raise web.HTTPConflict(text=str(error)) from error
        return answer({"now": self._simulator.clock().isoformat(), "delivered": delivered})

    async def _certificate(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._simulator.certificate_pem, content_type="application/x-pem-file")

    async def _subscribers(self, _request: web.Request) -> web.Response:
        rows = self._books.rows("SELECT * FROM subscriber ORDER BY phone")
        return answer(
            {
                "subscribers": [
                    {
                        "phone": row["phone"],
                        "name": row["name"],
                        "behaviour": row["behaviour"],
                        "is_pin_locked": row["pin_failures"] >= 3,
                        "balance_cents": self._books.balance_cents(subscriber_account(row["phone"])),
                    }
                    for row in rows
                ]
            }
        )

    async def _add_subscriber(self, request: web.Request) -> web.Response:
        subscriber = await read(request, Subscriber)
        return answer({"phone": subscriber.phone}, 201 if self.add_subscriber(subscriber) else 200)

    async def _change_subscriber(self, request: web.Request) -> web.Response:
        change = await read(request, SubscriberChange)
        phone = request.match_info["phone"]
        with self._books.transaction():
            if not self._books.change(
                "UPDATE subscriber SET behaviour = coalesce(?, behaviour), pin = coalesce(?, pin),"
                " daily_limit_kes = coalesce(?, daily_limit_kes),"
                " wallet_limit_kes = coalesce(?, wallet_limit_kes),"
                " pin_failures = CASE WHEN ? THEN 0 ELSE pin_failures END WHERE phone = ?",
                change.behaviour,
                change.pin,
                change.daily_limit_kes,
                change.wallet_limit_kes,
                change.unlock or change.pin is not None,
                phone,
            ):
                raise web.HTTPNotFound(text="no such subscriber")
            account = subscriber_account(phone)
            self._move("deposit", OUTSIDE, account, change.deposit_kes, phone)
            if change.balance_kes is not None:
                surplus = self._books.balance_cents(account) // 100 - change.balance_kes
                self._move("deposit", OUTSIDE, account, -surplus, phone)
                self._move("spending", account, OUTSIDE, surplus, phone)
        return answer({"phone": phone})

    async def _send_sms(self, request: web.Request) -> web.Response:
        """Take a message as an SMS gateway does: into the phone's list, whoever sends it."""
        sms = await read(request, Sms)
        if self._books.row("SELECT 1 FROM subscriber WHERE phone = ?", sms.phone) is None:
            raise web.HTTPNotFound(text="no such subscriber")
        with self._books.transaction():
            self._books.send_sms(sms.phone, self._simulator.clock(), sms.text, sms.sender)
        return answer({"phone": sms.phone}, 201)

    async def _pay(self, request: web.Request) -> web.Response:
        payment = await read(request, MenuPayment)
        phone = request.match_info["phone"]
        if self._books.row("SELECT 1 FROM subscriber WHERE phone = ?", phone) is None:
            raise web.HTTPNotFound(text="no such subscriber")
        self._simulator.advance()
        return answer(self._c2b.told(self._c2b.pay(phone, payment.kes, payment.account)), 201)

    async def _show_books(self, request: web.Request) -> web.Response:
        wanted = request.query.get("movements", "200")
        if not wanted.isdecimal():
            raise web.HTTPBadRequest(text="movements must be a number")
        return answer(self.summary(int(wanted)))

    async def _statement(self, request: web.Request) -> web.Response:
        now = self._simulator.clock()
        try:
            start, end = (
                datetime.fromisoformat(request.query[name]) if name in request.query else usual
                for name, usual in (("from", now - timedelta(days=90)), ("to", now))
            )
            start, end = (at if at.tzinfo else at.replace(tzinfo=EAT) for at in (start, end))
        except ValueError as error:
            raise web.HTTPBadRequest(text="from and to must be times like 2026-11-20T00:00 (Nairobi)") from error
        text = statement(self._books, self._simulator.business, start, end)
        name = f"statement-{self._simulator.business.short_code}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(text=text, content_type="text/csv", headers=headers)

    async def _transfer(self, request: web.Request) -> web.Response:
        transfer = await read(request, Transfer)
        if transfer.kes > 0:
            self._move("funding", OUTSIDE, UTILITY, transfer.kes)
        elif (held := self._books.balance_cents(UTILITY)) < -transfer.kes * 100:
            raise web.HTTPConflict(text=f"Utility holds KES {kes_text(held)}, which is less than {-transfer.kes}")
        else:
            self._move("withdrawal", UTILITY, OUTSIDE, -transfer.kes)
        return answer({"utility_cents": self._books.balance_cents(UTILITY)})

    async def _reverse(self, request: web.Request) -> web.Response:
        with self._books.transaction():
            self._books.later("reversal", request.match_info["receipt"], self._simulator.clock())
        self._simulator.advance()
        sql = "SELECT receipt FROM movement WHERE kind = 'reversal' AND reference = ?"
        row = self._books.row(sql, request.match_info["receipt"])
        if row is None:
            raise web.HTTPConflict(text="there is no such payment, or Utility is short")
        return answer({"receipt": row["receipt"]})

    async def _prompts(self, _request: web.Request) -> web.Response:
        rows = self._books.rows("SELECT * FROM prompt ORDER BY asked_at DESC LIMIT 200")
        return answer({"prompts": [self._pages.prompt(row) for row in rows]})

    async def _decide(self, request: web.Request) -> web.Response:
        decision = await read(request, Decision)
        if not self._prompts_on_phones.decide(request.match_info["checkout"], decision.pin):
            raise web.HTTPNotFound(text="no such open prompt")
        return answer({})
