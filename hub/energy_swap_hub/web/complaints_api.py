"""Complaints: a household's phone sends them with a picture, the office looks at the picture."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from energy_swap_hub.membership.device_sessions import DeviceSession
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement.complaints import Photo, complain, complaints_of, photo_of
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .phone_session_api import PATH
from .route import Route


class Complaint(msgspec.Struct, forbid_unknown_fields=True):
    """What is wrong; ``photo`` is a JPEG or PNG in base64."""

    about: Literal["reading", "trade", "payment", "price", "other"]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]
    photo: Annotated[str, msgspec.Meta(max_length=204_000)] | None = None


class ComplaintsApi:
    """The routes on complaints, of phones and below ``console`` of the office."""

    def __init__(
        self,
        console: str,
        doors: Doors,
        database: Database,
        community_id: str,
        clock: Callable[[], datetime],
        on_change: Callable[[], None],
    ) -> None:
        self._console = console
        self._doors = doors
        self._database = database
        self._community_id = community_id
        self._clock = clock
        self._on_change = on_change

    def routes(self) -> list[Route]:
        """Return the routes."""
        doors, own = self._doors, f"{PATH}/complaints"
        return [
            doors.phone("GET", own, self._own, says="Its complaints and the office's answers."),
            doors.phone("POST", own, self._complain, says="Complain to the office, with a picture or without."),
            doors.phone("GET", f"{own}/{{id}}/photo", self._own_photo, says="The picture of one's complaint."),
            doors.auditor(f"{self._console}/complaints/{{id}}/photo", self._photo, says="A complaint's picture."),
        ]

    async def _own(self, call: Call[DeviceSession, None]) -> dict[str, Any]:
        who = call.who.household_id
        return {"complaints": await self._database.read(lambda c: complaints_of(c, self._community_id, who))}

    async def _complain(self, call: Call[DeviceSession, Complaint]) -> dict[str, Any]:
        wish, who, now = call.body, call.who.household_id, self._clock()
        photo = None if wish.photo is None else _decoded(wish.photo)

        def change(connection: Connection) -> int:
            return complain(
                connection, self._community_id, who, about=wish.about, text=wish.text, photo=photo, now=now
            )

        number = await self._database.write(change)
        self._on_change()
        return {"id": number}

    async def _own_photo(self, call: Call[DeviceSession, None]) -> web.Response:
        number, who = _number(call.request), call.who.household_id
        return _picture(
            await self._database.read(lambda c: photo_of(c, self._community_id, number, household_id=who))
        )

    async def _photo(self, call: Call[Session, None]) -> web.Response:
        number = _number(call.request)
        return _picture(await self._database.read(lambda c: photo_of(c, self._community_id, number)))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error, ValueError:
        raise ValueError("photo: base64 of a JPEG or a PNG picture") from None


def _number(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isdecimal() and len(text) < 19):
        raise LookupError(f"there is no complaint {text}")
    return int(text)


def _picture(photo: Photo) -> web.Response:
    # A picture from outside is shown as nothing but a picture.
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, no-store"}
    return web.Response(body=photo.content, content_type=photo.type, headers=headers)
