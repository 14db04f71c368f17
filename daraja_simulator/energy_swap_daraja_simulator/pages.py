"""The phone pages: what a subscriber sees and does."""

import sqlite3
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from .books import subscriber_account
from .c2b import CustomerPayments
from .clock import from_micros
from .prompts import Prompts
from .wire import answer

if TYPE_CHECKING:
    from .simulator import Simulator

_PHONE_PAGE: Final = "phone.html"


class Pages:
    """The phone pages."""

    def __init__(self, simulator: Simulator, prompts: Prompts, c2b: CustomerPayments) -> None:
        self._simulator = simulator
        self._prompts = prompts
        self._c2b = c2b
        self._books = simulator.books

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_simulator/phone/{phone}", self._phone_page),
            web.get("/_simulator/phone/{phone}/state", self._phone_state),
        ]

    def prompt(self, row: sqlite3.Row) -> dict[str, Any]:
        """Return what is shown of a prompt."""
        shown = {
            key: row[key] for key in ("checkout", "phone", "kes", "reference", "behaviour", "code", "receipt")
        }
        return {**shown, "business": self._simulator.business.name, "asked_at": _iso(row["asked_at"])}

    async def _phone_page(self, request: web.Request) -> web.Response:
        if self._books.row("SELECT 1 FROM subscriber WHERE phone = ?", request.match_info["phone"]) is None:
            raise web.HTTPNotFound(text="no such subscriber")
        page = (files(__package__) / _PHONE_PAGE).read_text(encoding="utf-8")
        return web.Response(text=page, content_type="text/html")

    async def _phone_state(self, request: web.Request) -> web.Response:
        phone = request.match_info["phone"]
        row = self._books.row("SELECT * FROM subscriber WHERE phone = ?", phone)
        if row is None:
            raise web.HTTPNotFound(text="no such subscriber")
        prompt = self._books.row("SELECT * FROM prompt WHERE phone = ? AND code IS NULL", phone)
        last = self._books.row(
            "SELECT * FROM prompt WHERE phone = ? AND code IS NOT NULL ORDER BY ended_at DESC", phone
        )
        messages = self._books.rows("SELECT * FROM sms WHERE phone = ? ORDER BY number DESC LIMIT 50", phone)
        return answer(
            {
                "phone": phone,
                "name": row["name"],
                "behaviour": row["behaviour"],
                "balance_cents": self._books.balance_cents(subscriber_account(phone)),
                "now": self._simulator.clock().isoformat(),
                "prompt": None if prompt is None else self.prompt(prompt),
                "last": None if last is None else {**self.prompt(last), "description": last["description"]},
                "messages": [{"at": _iso(sms["at"]), "text": sms["text"]} for sms in messages],
            }
        )


def _iso(micros: int) -> str:
    return from_micros(micros).isoformat()
