"""The simulator's own API and phone pages, under ``/_simulator``; nothing of it exists at the real Daraja."""

import sqlite3
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from .books import OUTSIDE, Books, subscriber_account
from .business import Business
from .clock import EAT, Clock, from_micros
from .express import Express
from .faults import FAULTS, Faults
from .wire import answer

_PHONE_PAGE: Final = "phone.html"

type Behaviour = Literal["pays", "cancels", "ignores", "manual"]


class Subscriber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person with an M-Pesa account; ``balance_kes`` is paid in when the subscriber is first made."""

    phone: str
    name: str
    balance_kes: int = 0
    behaviour: Behaviour = "pays"
    pin: str = "1234"


class SubscriberChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed later."""

    behaviour: Behaviour | None = None
    deposit_kes: int = 0


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to a prompt: a PIN pays, none cancels."""

    pin: str | None = None


class Arming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault to come."""

    fault: str
    times: int = 1


async def _read[T](request: web.Request, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=type_)
    except msgspec.DecodeError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def _time(micros: int | None) -> str | None:
    return None if micros is None else from_micros(micros).isoformat()


@dataclass(frozen=True, slots=True)
class Control:
    """Subscribers, books, prompts, faults and the phone pages."""

    books: Books
    business: Business
    faults: Faults
    express: Express
    clock: Clock
    certificate_pem: bytes

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_simulator/clock", self._clock),
            web.get("/_simulator/certificate", self._certificate),
            web.get("/_simulator/subscribers", self._subscribers),
            web.post("/_simulator/subscribers", self._add_subscriber),
            web.patch("/_simulator/subscribers/{phone}", self._change_subscriber),
            web.get("/_simulator/books", self._books),
            web.get("/_simulator/prompts", self._prompts),
            web.post("/_simulator/prompts/{checkout}/answer", self._decide),
            web.get("/_simulator/faults", self._faults),
            web.post("/_simulator/faults", self._arm),
            web.get("/_simulator/phone/{phone}", self._phone_page),
            web.get("/_simulator/phone/{phone}/state", self._phone_state),
        ]

    def add_subscriber(self, subscriber: Subscriber) -> bool:
        """Make a subscriber; one who exists already keeps the balance. Return whether it is new."""
        with self.books.transaction():
            try:
                self.books.insert(
                    "subscriber",
                    {
                        "phone": subscriber.phone,
                        "name": subscriber.name,
                        "behaviour": subscriber.behaviour,
                        "pin": subscriber.pin,
                    },
                )
            except sqlite3.IntegrityError:
                self.books.change(
                    "UPDATE subscriber SET name = ?, behaviour = ?, pin = ? WHERE phone = ?",
                    subscriber.name,
                    subscriber.behaviour,
                    subscriber.pin,
                    subscriber.phone,
                )
                return False
            self._deposit(subscriber.phone, subscriber.balance_kes)
        return True

    def summary(self, movements: int = 200) -> dict[str, Any]:
        """Return the books: every account, the sums, and the latest ``movements``."""
        accounts = {row["name"]: row["cents"] for row in self.books.rows("SELECT * FROM account ORDER BY name")}
        totals = self.books.rows("SELECT kind, count(*) AS n, sum(cents) AS cents FROM movement GROUP BY kind")
        return {
            "business": {"short_code": self.business.short_code, "name": self.business.name},
            "accounts": accounts,
            "sum_cents": sum(accounts.values()),
            "totals": {row["kind"]: {"count": row["n"], "cents": row["cents"]} for row in totals},
            "open_prompts": len(self.books.rows("SELECT 1 FROM prompt WHERE code IS NULL")),
            "open_payouts": len(self.books.rows("SELECT 1 FROM payout WHERE code IS NULL")),
            "undelivered": len(self.books.rows("SELECT 1 FROM delivery WHERE attempted_at IS NULL")),
            "movements": [
                {**{key: row[key] for key in row.keys() if key != "at"}, "at": _time(row["at"])}  # noqa: SIM118
                for row in self.books.rows("SELECT * FROM movement ORDER BY number DESC LIMIT ?", movements)
            ],
        }

    def _deposit(self, phone: str, kes: int) -> None:
        if kes > 0:
            now = self.clock()
            receipt = self.books.new_receipt(self.express.random, now)
            self.books.move(
                "deposit",
                receipt,
                OUTSIDE,
                subscriber_account(phone),
                kes * 100,
                at=now,
                phone=phone,
                reference="",
            )

    async def _clock(self, _request: web.Request) -> web.Response:
        now = self.clock()
        return answer({"now": now.isoformat(), "nairobi": now.astimezone(EAT).isoformat()})

    async def _certificate(self, _request: web.Request) -> web.Response:
        return web.Response(body=self.certificate_pem, content_type="application/x-pem-file")

    async def _subscribers(self, _request: web.Request) -> web.Response:
        rows = self.books.rows("SELECT * FROM subscriber ORDER BY phone")
        return answer(
            {
                "subscribers": [
                    {
                        "phone": row["phone"],
                        "name": row["name"],
                        "behaviour": row["behaviour"],
                        "balance_cents": self.books.balance_cents(subscriber_account(row["phone"])),
                    }
                    for row in rows
                ]
            }
        )

    async def _add_subscriber(self, request: web.Request) -> web.Response:
        subscriber = await _read(request, Subscriber)
        if not (
            subscriber.phone.isdecimal() and len(subscriber.phone) == 12 and subscriber.phone.startswith("254")
        ):
            raise web.HTTPBadRequest(text="phone must be 12 digits that begin with 254")
        return answer({"phone": subscriber.phone}, 201 if self.add_subscriber(subscriber) else 200)

    async def _change_subscriber(self, request: web.Request) -> web.Response:
        change = await _read(request, SubscriberChange)
        phone = request.match_info["phone"]
        with self.books.transaction():
            if not self.books.change(
                "UPDATE subscriber SET behaviour = coalesce(?, behaviour) WHERE phone = ?", change.behaviour, phone
            ):
                raise web.HTTPNotFound(text="no such subscriber")
            self._deposit(phone, change.deposit_kes)
        return answer({"phone": phone})

    async def _books(self, request: web.Request) -> web.Response:
        wanted = request.query.get("movements", "200")
        if not wanted.isdecimal():
            raise web.HTTPBadRequest(text="movements must be a number")
        return answer(self.summary(int(wanted)))

    async def _prompts(self, _request: web.Request) -> web.Response:
        rows = self.books.rows("SELECT * FROM prompt ORDER BY asked_at DESC LIMIT 200")
        return answer({"prompts": [self._prompt(row) for row in rows]})

    def _prompt(self, row: sqlite3.Row) -> dict[str, Any]:
        shown = {
            key: row[key] for key in ("checkout", "phone", "kes", "reference", "behaviour", "code", "receipt")
        }
        return {**shown, "business": self.business.name, "asked_at": _time(row["asked_at"])}

    async def _decide(self, request: web.Request) -> web.Response:
        decision = await _read(request, Decision)
        if not self.express.decide(request.match_info["checkout"], decision.pin):
            raise web.HTTPNotFound(text="no such open prompt")
        return answer({})

    async def _faults(self, _request: web.Request) -> web.Response:
        return answer({"known": dict(FAULTS), "armed": self.faults.armed()})

    async def _arm(self, request: web.Request) -> web.Response:
        arming = await _read(request, Arming)
        try:
            self.faults.arm(arming.fault, arming.times)
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return answer({"armed": self.faults.armed()})

    async def _phone_page(self, request: web.Request) -> web.Response:
        if self.books.row("SELECT 1 FROM subscriber WHERE phone = ?", request.match_info["phone"]) is None:
            raise web.HTTPNotFound(text="no such subscriber")
        page = (files(__package__) / _PHONE_PAGE).read_text(encoding="utf-8")
        return web.Response(text=page, content_type="text/html")

    async def _phone_state(self, request: web.Request) -> web.Response:
        phone = request.match_info["phone"]
        row = self.books.row("SELECT * FROM subscriber WHERE phone = ?", phone)
        if row is None:
            raise web.HTTPNotFound(text="no such subscriber")
        prompt = self.books.row("SELECT * FROM prompt WHERE phone = ? AND code IS NULL", phone)
        last = self.books.row(
            "SELECT * FROM prompt WHERE phone = ? AND code IS NOT NULL ORDER BY ended_at DESC", phone
        )
        messages = self.books.rows("SELECT * FROM sms WHERE phone = ? ORDER BY number DESC LIMIT 50", phone)
        return answer(
            {
                "phone": phone,
                "name": row["name"],
                "behaviour": row["behaviour"],
                "balance_cents": self.books.balance_cents(subscriber_account(phone)),
                "now": self.clock().isoformat(),
                "prompt": None if prompt is None else self._prompt(prompt),
                "last": None if last is None else {**self._prompt(last), "description": last["description"]},
                "messages": [{"at": _time(sms["at"]), "text": sms["text"]} for sms in messages],
            }
        )
