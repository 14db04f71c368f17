"""The pages for people: a phone for each subscriber, and the desk over all of them."""

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from .books import subscriber_account
from .c2b import CustomerPayments
from .clock import VirtualClock, iso
from .desk_page import Desk, desk_page
from .orders import Subscriber
from .phone_page import Phone, phone_page
from .prompts import Prompts
from .wire import answer

if TYPE_CHECKING:
    from .simulator import Simulator

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self';"
    " img-src data:; base-uri 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {"page.css": "text/css", "page.js": "text/javascript"}

type Handler = Callable[[web.Request], Awaitable[web.Response]]


class Pages:
    """The pages and the forms on them."""

    def __init__(
        self,
        simulator: Simulator,
        prompts: Prompts,
        c2b: CustomerPayments,
        add_subscriber: Callable[[Subscriber], bool],
    ) -> None:
        self._simulator = simulator
        self._prompts = prompts
        self._c2b = c2b
        self._add_subscriber = add_subscriber
        self._books = simulator.books

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        root = "/_simulator"
        return [
            web.get("/", self._home),
            web.get(root, self._home),
            web.get(f"{root}/", self._desk),
            web.get(f"{root}/{{name:page\\.(?:css|js)}}", self._file),
            web.post(f"{root}/phones", self._new_phone),
            web.post(f"{root}/arm", self._arm),
            web.post(f"{root}/pass", self._pass_time),
            web.post(f"{root}/replay", self._replay),
            web.get(f"{root}/phone/{{phone}}", self._phone),
            web.get(f"{root}/phone/{{phone}}/state", self._state),
            web.post(f"{root}/phone/{{phone}}/answer", self._answer),
            web.post(f"{root}/phone/{{phone}}/pay", self._pay),
            web.post(f"{root}/phone/{{phone}}/behaviour", self._behave),
        ]

    def prompt(self, row: sqlite3.Row) -> dict[str, Any]:
        """Return what is told of a prompt as JSON."""
        shown = {
            key: row[key] for key in ("checkout", "phone", "kes", "reference", "behaviour", "code", "receipt")
        }
        return {**shown, "business": self._simulator.business.name, "asked_at": iso(row["asked_at"])}

    async def _home(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/_simulator/")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        content = (files(__package__) / "page" / name).read_text(encoding="utf-8")
        return web.Response(text=content, content_type=_TYPES[name], headers={"Cache-Control": "no-cache"})

    async def _desk(self, request: web.Request) -> web.Response:
        books, business = self._books, self._simulator.business
        people = books.rows("SELECT * FROM subscriber ORDER BY name, phone LIMIT 500")
        desk = Desk(
            business=business.name,
            short_code=business.short_code,
            now=self._simulator.clock(),
            is_virtual=isinstance(self._simulator.clock, VirtualClock),
            accounts={row["name"]: row["cents"] for row in books.rows("SELECT * FROM account")},
            phones=[(one, books.balance_cents(subscriber_account(one["phone"]))) for one in people],
            waiting=frozenset(row["phone"] for row in books.rows("SELECT phone FROM prompt WHERE code IS NULL")),
            movements=books.rows("SELECT * FROM movement ORDER BY number DESC LIMIT 25"),
            deliveries=books.rows("SELECT * FROM delivery ORDER BY number DESC LIMIT 15"),
            armed=self._simulator.faults.armed(),
            notice=request.query.get("notice", ""),
        )
        return _html(desk_page(desk))

    async def _new_phone(self, request: web.Request) -> web.Response:
        form = await request.post()
        try:
            balance = int(str(form.get("balance_kes", "")))
            person = {"phone": form.get("phone"), "name": form.get("name"), "balance_kes": balance}
            subscriber = msgspec.convert({**person, "behaviour": "manual"}, type=Subscriber)
        except ValueError as error:
            raise _back("/_simulator/", f"That is no phone: {error}") from error
        self._add_subscriber(subscriber)
        raise _back(f"/_simulator/phone/{subscriber.phone}")

    async def _arm(self, request: web.Request) -> web.Response:
        form = await request.post()
        fault, _, variant = str(form.get("fault", "")).partition("/")
        try:
            if scenario := str(form.get("scenario", "")):
                self._simulator.faults.play(scenario)
            else:
                self._simulator.faults.arm(fault, int(str(form.get("times", "1"))), variant=variant)
        except ValueError as error:
            raise _back("/_simulator/", str(error)) from error
        raise _back("/_simulator/")

    async def _pass_time(self, request: web.Request) -> web.Response:
        try:
            seconds = float(str((await request.post()).get("seconds", "")))
            await self._simulator.advance_to(self._simulator.clock() + timedelta(seconds=seconds))
        except (ValueError, OverflowError) as error:
            raise _back("/_simulator/", str(error)) from error
        raise _back("/_simulator/")

    async def _replay(self, request: web.Request) -> web.Response:
        number = str((await request.post()).get("number", ""))
        if not (number.isdecimal() and number.isascii() and self._simulator.deliveries.replay(int(number))):
            raise _back("/_simulator/", "There is no such callback.")
        raise _back("/_simulator/")

    async def _phone(self, request: web.Request) -> web.Response:
        person, business = self._person(request), self._simulator.business
        number = person["phone"]
        phone = Phone(
            phone=number,
            name=person["name"],
            behaviour=person["behaviour"],
            pin=person["pin"],
            balance_cents=self._books.balance_cents(subscriber_account(number)),
            now=self._simulator.clock(),
            business=business.name,
            short_code=business.short_code,
            prompt=self._open_prompt(number),
            last=self._last_prompt(number),
            messages=self._messages(number),
            notice=request.query.get("notice", ""),
        )
        return _html(phone_page(phone))

    async def _state(self, request: web.Request) -> web.Response:
        person = self._person(request)
        phone = person["phone"]
        prompt, last = self._open_prompt(phone), self._last_prompt(phone)
        return answer(
            {
                "phone": phone,
                "name": person["name"],
                "behaviour": person["behaviour"],
                "balance_cents": self._books.balance_cents(subscriber_account(phone)),
                "now": self._simulator.clock().isoformat(),
                "prompt": None if prompt is None else self.prompt(prompt),
                "last": None if last is None else {**self.prompt(last), "description": last["description"]},
                "messages": [{"at": iso(sms["at"]), "text": sms["text"]} for sms in self._messages(phone)],
            }
        )

    async def _answer(self, request: web.Request) -> web.Response:
        person, form = self._person(request), await request.post()
        checkout = str(form.get("checkout", ""))
        prompt = self._open_prompt(person["phone"], checkout)
        pin = None if form.get("cancel") else str(form.get("pin", ""))
        is_late = prompt is None or not self._prompts.decide(checkout, pin)
        raise _back(f"/_simulator/phone/{person['phone']}", "The request is over already." if is_late else "")

    async def _pay(self, request: web.Request) -> web.Response:
        person, form = self._person(request), await request.post()
        back = f"/_simulator/phone/{person['phone']}"
        kes, account = str(form.get("kes", "")), str(form.get("account", ""))
        if not (kes.isascii() and kes.isdecimal() and 1 <= int(kes) <= 999_999 and len(account) <= 20):
            raise _back(back, "An amount is whole shillings, an account number at most 20 signs.")
        if form.get("pin") != person["pin"]:
            self._books.change(
                "UPDATE subscriber SET pin_failures = pin_failures + 1 WHERE phone = ?", person["phone"]
            )
            raise _back(back, "The PIN was wrong. No money was taken.")
        self._simulator.advance()
        told = self._c2b.told(self._c2b.pay(person["phone"], int(kes), account))
        refused = told["code"] not in (None, "0")
        raise _back(back, f"Ksh {int(kes):,} was not paid (code {told['code']})." if refused else "")

    async def _behave(self, request: web.Request) -> web.Response:
        person, form = self._person(request), await request.post()
        try:
            kept = {"phone": person["phone"], "name": person["name"], "pin": person["pin"]}
            msgspec.convert({**kept, "behaviour": form.get("behaviour")}, type=Subscriber)
        except msgspec.ValidationError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self._books.change(
            "UPDATE subscriber SET behaviour = ? WHERE phone = ?", form.get("behaviour"), person["phone"]
        )
        raise _back(f"/_simulator/phone/{person['phone']}")

    def _person(self, request: web.Request) -> sqlite3.Row:
        row = self._books.row("SELECT * FROM subscriber WHERE phone = ?", request.match_info["phone"])
        if row is None:
            raise web.HTTPNotFound(text="no such subscriber")
        return row

    def _open_prompt(self, phone: str, checkout: str | None = None) -> sqlite3.Row | None:
        return self._books.row(
            "SELECT * FROM prompt WHERE phone = ? AND code IS NULL AND checkout = coalesce(?, checkout)"
            " ORDER BY asked_at",
            phone,
            checkout,
        )

    def _last_prompt(self, phone: str) -> sqlite3.Row | None:
        return self._books.row(
            "SELECT * FROM prompt WHERE phone = ? AND code IS NOT NULL ORDER BY ended_at DESC", phone
        )

    def _messages(self, phone: str) -> list[sqlite3.Row]:
        return self._books.rows("SELECT * FROM sms WHERE phone = ? ORDER BY number DESC LIMIT 50", phone)


def _html(body: str) -> web.Response:
    headers = {
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(text=body, content_type="text/html", headers=headers)


def _back(path: str, notice: str = "") -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"{path}?notice={quote(notice)}" if notice else path)
