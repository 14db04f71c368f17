"""The routes with which a household pairs a phone, opens and locks its session, and takes phones away."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, TypedDict

import msgspec
from aiohttp import web
from energy_swap_protocol.message import Name
from sqlalchemy import Connection

from energy_swap_hub.config import CommunityConfig, utc_now
from energy_swap_hub.membership import devices, households
from energy_swap_hub.membership.device_sessions import (
    LONGEST,
    DeviceSession,
    end_device_session,
    open_device_session,
)
from energy_swap_hub.membership.devices import Device, PinRefused
from energy_swap_hub.membership.pairing import VALID, CodeRefused, begin_pairing, take_code
from energy_swap_hub.membership.phone import PhoneBook, mask
from energy_swap_hub.membership.sms import SmsGateway, SmsNotSent
from energy_swap_hub.storage import Database

from .doors import PHONE_COOKIE, Call, Doors
from .problem import json_response
from .route import Route

_LOG = logging.getLogger(__name__)
PATH: Final = "/api/v1/app"
_MOST_SENDING: Final = 100  # messages on their way to the gateway

type Pin = Annotated[str, msgspec.Meta(pattern="^[0-9]{4,8}$")]


class PhoneNumber(msgspec.Struct, forbid_unknown_fields=True):
    """A phone number as 254712345678."""

    phone: Annotated[str, msgspec.Meta(pattern="^254[17][0-9]{8}$")]


class PairingCode(msgspec.Struct, forbid_unknown_fields=True):
    """The code of the SMS, the PIN that the person chose, and what this phone is to be called."""

    pairing: Annotated[str, msgspec.Meta(max_length=100)]
    code: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$")]
    pin: Pin
    name: Name


class PinOfPhone(msgspec.Struct, forbid_unknown_fields=True):
    """The PIN that the person typed."""

    pin: Pin


class NewPin(msgspec.Struct, forbid_unknown_fields=True):
    """The PIN of now, and the one from now on."""

    pin: Pin
    new_pin: Pin


class AppInfo(TypedDict):
    """Which community this is, and the hub's time in Unix seconds, by which phones sign."""

    community: str
    name: str
    time: int


class PairingBegun(TypedDict):
    """The pairing that the code belongs to, if the number is a member's; the same answer for every number."""

    pairing: str
    valid_seconds: int
    time: int


class PhoneSession(TypedDict):
    """Who this phone speaks for; ``csrf`` is the token that every change carries in ``X-CSRF-Token``.

    ``is_practice``: the community has no legal basis but simulation, so no money in it is real.
    """

    household: str
    name: str
    community: str
    community_name: str
    is_practice: bool
    phone: str
    device: str
    csrf: str
    time: int


class PairedPhone(TypedDict):
    """A paired phone; times are Unix seconds. ``is_this``: the one that asks."""

    id: str
    household: str
    name: str
    paired_at: int
    used_at: int
    revoked_at: int | None
    revoked_by: str | None
    is_this: bool


class PairedPhones(TypedDict):
    """Paired phones, the newest first."""

    phones: list[PairedPhone]


class PhoneSessionApi:
    """The routes below ``/api/v1/app`` with which a phone comes and goes; sessions and codes live in real time."""

    def __init__(
        self,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        clock: Callable[[], datetime],
        phones: PhoneBook,
        sms: SmsGateway,
        *,
        is_https: bool,
    ) -> None:
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock
        self._phones = phones
        self._sms = sms
        self._is_https = is_https
        self._sending: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """Return the routes."""
        doors, listed = self._doors, f"{PATH}/phones"
        return [
            doors.public("GET", f"{PATH}/info", self._info, says="The community, and the hub's time."),
            doors.public("POST", f"{PATH}/pairing", self._begin, says="Ask for a code by SMS to pair a phone."),
            doors.device("POST", f"{PATH}/pairing/finish", self._finish, says="Pair the phone that has this key."),
            doors.device(
                "POST", f"{PATH}/unlock", self._unlock, says="Open a session with the PIN; sets a cookie."
            ),
            doors.phone("POST", f"{PATH}/lock", self._lock, says="End the session; the PIN is asked again."),
            doors.phone("GET", f"{PATH}/session", self._session, says="Whose phone this is."),
            doors.phone("POST", f"{PATH}/pin", self._change_pin, says="Choose another PIN."),
            doors.phone("GET", listed, self._list, says="The household's paired phones."),
            doors.phone("POST", f"{listed}/{{id}}/revoke", self._revoke, says="Take one of its phones away."),
        ]

    async def close(self) -> None:
        """Give up what the SMS gateway has not taken yet."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _info(self, _call: Call[None, None]) -> AppInfo:
        return {"community": self._community.id, "name": self._community.name, "time": self._time()}

    async def _begin(self, call: Call[None, PhoneNumber]) -> PairingBegun:
        phone, now, address = call.body.phone, utc_now(), self._doors.address(call.request)
        begun = await self._database.write(
            lambda c: begin_pairing(c, self._community.id, self._phones, phone, now, address=address)
        )
        # Sent after the answer: how long a gateway takes would tell a member's number from another.
        if begun.household_id is not None and len(self._sending) < _MOST_SENDING:
            task = asyncio.create_task(self._send(phone, begun.code))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return {"pairing": begun.token, "valid_seconds": int(VALID.total_seconds()), "time": self._time()}

    async def _send(self, phone: str, code: str) -> None:
        text = (
            f"{code} is your Energy Swap code for {self._community.name}. Never tell it to anybody. "
            f"Usimwambie mtu yeyote nambari hii."
        )
        try:
            await self._sms.send(phone, text)
        except SmsNotSent as error:
            _LOG.warning("a pairing code could not be sent: %s", error)

    async def _finish(self, call: Call[bytes, PairingCode]) -> web.Response:
        key, wish, now = call.who, call.body, utc_now()
        devices.check_pin(wish.pin)
        household_id = await self._database.write(
            lambda c: take_code(c, self._community.id, self._phones, wish.pairing, wish.code, now)
        )
        if household_id is None:
            raise CodeRefused
        pin_hash = await asyncio.to_thread(devices.hash_pin, wish.pin)

        def pair(connection: Connection) -> tuple[str, PhoneSession]:
            device_id = devices.add_device(
                connection,
                self._community.id,
                household_id,
                key=key,
                name=wish.name,
                pin_hash=pin_hash,
                now=now,
            )
            self._audit(connection, household_id, "paired a phone", device_id)
            return self._open(connection, key, now)

        return self._with_cookie(*await self._database.write(pair))

    async def _unlock(self, call: Call[bytes, PinOfPhone]) -> web.Response:
        key, now = call.who, utc_now()
        await self._check_pin(key, call.body.pin, now)
        return self._with_cookie(*await self._database.write(lambda c: self._open(c, key, now)))

    async def _check_pin(self, key: bytes, pin: str, now: datetime) -> None:
        pin_hash = await self._database.write(lambda c: devices.take_pin_try(c, key, now))
        if not await asyncio.to_thread(devices.is_pin, pin_hash, pin):
            left = await self._database.write(lambda c: devices.note_wrong_pin(c, key, now))
            if left == 0:
                raise PinRefused("the PIN was wrong too often; pair this phone again by SMS")
            raise PinRefused(f"the PIN is wrong; {left} tries are left before this phone must be paired again")
        await self._database.write(lambda c: devices.note_right_pin(c, key, now))

    async def _lock(self, call: Call[DeviceSession, None]) -> web.Response:
        await self._database.write(lambda c: end_device_session(c, call.who.key))
        response = json_response({})
        response.del_cookie(PHONE_COOKIE, path=PATH)
        return response

    async def _session(self, call: Call[DeviceSession, None]) -> PhoneSession:
        who = call.who
        return await self._database.read(lambda c: self._body(c, who.household_id, who.device_id, who.csrf))

    async def _change_pin(self, call: Call[DeviceSession, NewPin]) -> dict[str, str]:
        devices.check_pin(call.body.new_pin)
        await self._check_pin(call.who.key, call.body.pin, utc_now())
        pin_hash = await asyncio.to_thread(devices.hash_pin, call.body.new_pin)

        def change(connection: Connection) -> None:
            devices.set_pin(connection, call.who.key, pin_hash)
            self._audit(connection, call.who.household_id, "changed a phone's PIN", call.who.device_id)

        await self._database.write(change)
        return {}

    async def _list(self, call: Call[DeviceSession, None]) -> PairedPhones:
        who = call.who
        found = await self._database.read(lambda c: devices.devices(c, self._community.id, who.household_id))
        return {"phones": [listed_phone(device, this=who.device_id) for device in found]}

    async def _revoke(self, call: Call[DeviceSession, None]) -> dict[str, str]:
        who, device_id = call.who, call.request.match_info["id"]

        def revoke(connection: Connection) -> None:
            devices.revoke_device(
                connection,
                self._community.id,
                device_id,
                who=who.household_id,
                now=utc_now(),
                household_id=who.household_id,
            )
            self._audit(connection, who.household_id, "removed a phone", device_id)

        await self._database.write(revoke)
        return {}

    def _open(self, connection: Connection, key: bytes, now: datetime) -> tuple[str, PhoneSession]:
        found = next((d for d in devices.devices(connection, self._community.id) if d.key == key), None)
        if found is None:
            raise devices.NotPaired
        token, csrf = open_device_session(connection, key, now)
        return token, self._body(connection, found.household, found.id, csrf)

    def _body(self, connection: Connection, household_id: str, device_id: str, csrf: str) -> PhoneSession:
        household = households.by_id(connection, self._community.id, household_id)
        sealed = households.sealed_phone(connection, self._community.id, household_id)
        return {
            "household": household.id,
            "name": household.name,
            "community": self._community.id,
            "community_name": self._community.name,
            "is_practice": self._community.legal_basis == "simulation",
            "phone": mask(self._phones.open(sealed)),
            "device": device_id,
            "csrf": csrf,
            "time": self._time(),
        }

    def _with_cookie(self, token: str, body: PhoneSession) -> web.Response:
        response = json_response(body)
        response.set_cookie(
            PHONE_COOKIE,
            token,
            max_age=int(LONGEST.total_seconds()),
            path=PATH,
            httponly=True,
            samesite="Strict",
            secure=self._is_https,
        )
        return response

    def _audit(self, connection: Connection, who: str, what: str, subject: str) -> None:
        households.record_audit(
            connection, self._community.id, who=who, what=what, subject=subject, now=self._clock()
        )

    def _time(self) -> int:
        return int(self._clock().timestamp())


def listed_phone(device: Device, *, this: str | None = None) -> PairedPhone:
    """Return a phone as lists show it; its key is no secret and of no use to people."""
    return {
        "id": device.id,
        "household": device.household,
        "name": device.name,
        "paired_at": int(device.paired_at.timestamp()),
        "used_at": int(device.used_at.timestamp()),
        "revoked_at": None if device.revoked_at is None else int(device.revoked_at.timestamp()),
        "revoked_by": device.revoked_by,
        "is_this": device.id == this,
    }
