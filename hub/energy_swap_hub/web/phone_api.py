"""What a household's paired phone reads of its own, and the messages that it signs."""

import asyncio
import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web
from energy_swap_protocol.message import Envelope
from sqlalchemy import Connection

from energy_swap_hub.membership import households
from energy_swap_hub.membership.device_sessions import DeviceSession
from energy_swap_hub.membership.households import Household
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.device_scope import spent_cents
from energy_swap_hub.settlement.neighbours import set_named
from energy_swap_hub.settlement.payers import account_number
from energy_swap_hub.settlement.settings import calendar_of, settings_at
from energy_swap_hub.settlement.statements import Statement
from energy_swap_hub.storage import Database

from . import phone_view, statement_view
from .doors import Call, Doors
from .guidance_view import RememberedAdvice
from .household_view import household_state
from .message_queue import MessageQueue
from .own_periods_view import SPAN, asked_span, market_without_names, own_periods, own_trades, price_rows
from .paging import number_in
from .paper import LANGUAGE, Language
from .partners_view import partners_page
from .phone_session_api import PATH
from .route import Query, Route
from .statement_pdf import statement_pdf
from .statement_view import DAYS

_KES = Query("kes", "how much to pay, in whole KES", int)


class Naming(msgspec.Struct, forbid_unknown_fields=True):
    """Whether the household is named among those who share most."""

    is_named: bool


class PhoneApi:
    """The routes below ``/api/v1/app`` for a phone whose PIN was typed.

    Whose data it is comes from the session and from nowhere else: no route takes a household.
    """

    def __init__(
        self,
        doors: Doors,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime],
        messages: MessageQueue,
        short_code: int,
    ) -> None:
        self._doors = doors
        self._database = database
        self._desk = desk
        self._community = desk.community
        self._clock = clock
        self._messages = messages
        self._short_code = short_code
        self._advise = RememberedAdvice()

    def routes(self) -> list[Route]:
        """Return the routes."""
        phone = self._doors.phone
        return [
            phone("GET", f"{PATH}/home", self._home, says="The household's state, the power of now, and its day."),
            phone("GET", f"{PATH}/periods", self._periods, says="Its periods, trades and prices.", query=SPAN),
            phone("GET", f"{PATH}/market", self._market, says="The open book and new trades, without names."),
            phone("GET", f"{PATH}/orders", self._orders, says="Its newest orders and trades."),
            phone("GET", f"{PATH}/payments", self._payments, says="Its newest payments, and how far each is."),
            phone("GET", f"{PATH}/pay-code", self._pay_code, says="M-Pesa's QR code to pay with.", query=(_KES,)),
            phone("GET", f"{PATH}/statement", self._statement, says="Its statement.", query=DAYS),
            phone("GET", f"{PATH}/statement.csv", self._statement_csv, says="The same as CSV.", query=DAYS),
            phone(
                "GET",
                f"{PATH}/statement.pdf",
                self._statement_pdf,
                says="The same as a PDF.",
                query=(*DAYS, LANGUAGE),
            ),
            phone("GET", f"{PATH}/neighbours", self._neighbours, says="What the community did this month."),
            phone("POST", f"{PATH}/neighbours/naming", self._name, says="Be named there, or not."),
            phone("GET", f"{PATH}/partners", self._partners, says="Whom it trades with first, and could choose."),
            phone("POST", f"{PATH}/messages", self._message, says="A message that this phone's key signed."),
        ]

    async def _message(self, call: Call[DeviceSession, Envelope]) -> dict[str, Any]:
        try:
            signer = base64.urlsafe_b64decode(call.body.signer + "=" * (-len(call.body.signer) % 4))
        except binascii.Error, ValueError:
            signer = b""
        if signer != call.who.key:
            raise web.HTTPForbidden(reason="sign messages with the key of the phone whose session this is")
        return await self._messages.receive(call.body, by_phone=True)

    async def _home(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        now, who, community = self._clock(), call.who, self._community

        def look(connection: Connection, household: Household) -> dict[str, Any]:
            day, month = phone_view.day_start(now), phone_view.month_start(now)
            return {
                "time": int(now.timestamp()),
                "state": household_state(connection, community, household, now, self._advise),
                "has_panels": household.rated_pv_w > 0,
                "power": phone_view.power_now(connection, household, now),
                "today": phone_view.sums(connection, community, household.id, day, now),
                "month": phone_view.sums(connection, community, household.id, month, now),
                "gate_periods": community.gate_periods,
                "meter": household.meter.hex(),
                "account": _account(household),
                "short_code": self._short_code,
                "phone_daily_cents": self._desk.phone_daily_cents,
                "phone_spent_cents": spent_cents(connection, who.key, now),
            }

        return await self._read(call, look)

    async def _periods(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        since, until = asked_span(call.request)
        community, now = self._community, self._clock()

        def look(connection: Connection, household: Household) -> dict[str, Any]:
            return {
                "period_minutes": calendar_of(connection, community).at(now).minutes,
                "periods": own_periods(connection, community, household.id, since, until),
                "trades": own_trades(connection, community, household.id, since, until),
                "prices": price_rows(connection, community, since, until),
            }

        return await self._read(call, look)

    async def _market(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        now = self._clock()
        return await self._read(call, lambda c, _household: market_without_names(c, self._community, now))

    async def _orders(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        return await self._read(call, lambda c, household: phone_view.orders(c, self._community.id, household.id))

    async def _payments(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        def look(connection: Connection, household: Household) -> dict[str, Any]:
            return {"payments": phone_view.payments(connection, self._community.id, household.id)}

        return await self._read(call, look)

    async def _pay_code(self, call: Call[DeviceSession, None]) -> web.Response:
        kes = number_in(call.request.query.get("kes", ""))
        if kes is None:
            raise web.HTTPBadRequest(reason="kes is how much to pay, in whole KES: 1 to 250,000")
        own = await self._read(call, lambda _c, household: _account(household))
        picture = await self._desk.mpesa.qr_code(merchant=self._community.name, account=own, kes=kes)
        response = web.Response(body=picture, content_type="image/png")
        response.headers["Cache-Control"] = "no-store"  # a phone that is paired anew pays for another household
        return response

    async def _statement(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        return statement_view.body(await self._own_statement(call))

    async def _statement_csv(self, call: Call[DeviceSession, None]) -> web.Response:
        return statement_view.csv_response(await self._own_statement(call))

    async def _statement_pdf(self, call: Call[DeviceSession, None]) -> web.Response:
        found, now = await self._own_statement(call), self._clock()
        rules = await self._database.read(lambda c: settings_at(c, self._community, now))
        language: Language = "sw" if call.request.query.get("language") == "sw" else "en"
        # Pages of text take a while to lay out; others are answered meanwhile.
        pages = await asyncio.to_thread(statement_pdf, found, rules, now, language)
        return statement_view.pdf_response(found, pages)

    async def _own_statement(self, call: Call[DeviceSession, None]) -> Statement:
        days = statement_view.asked_days(call.request, self._clock())
        return await self._read(
            call, lambda c, household: statement_view.read(c, self._community.id, household, days)
        )

    async def _neighbours(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        now = self._clock()
        return await self._read(
            call, lambda c, household: phone_view.community_page(c, self._community, household, now)
        )

    async def _partners(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        now = self._clock()
        return await self._read(call, lambda c, household: partners_page(c, self._community, household, now))

    async def _name(self, call: Call[DeviceSession, Naming]) -> dict[str, Any]:
        who, wish, now = call.who.household_id, call.body, self._clock()
        await self._database.write(
            lambda c: set_named(c, self._community.id, who, is_named=wish.is_named, now=now)
        )
        return {"is_named": wish.is_named}

    async def _read[T](self, call: Call[DeviceSession, None], look: Callable[[Connection, Household], T]) -> T:
        def query(connection: Connection) -> T:
            return look(connection, households.by_id(connection, self._community.id, call.who.household_id))

        return await self._database.read(query)


def _account(household: Household) -> str:
    return account_number(int(household.id.removeprefix("h-")))
