"""Passkeys (WebAuthn): people sign in with what their phone, computer or security key keeps for this hub alone.

A passkey is both factors: the device that has it, and the finger, face or PIN that the device asks for.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from sqlalchemy import Connection, delete, insert, select, update

from .tables import passkey

_LASTS: Final = timedelta(minutes=5)
_MOST_OPEN: Final = 10_000
_MOST_OF_ONE: Final = 20


class PasskeyRefused(PermissionError):  # noqa: N818 - reads as the answer it is
    """A passkey is not this hub's, or what it signed is not what was asked; the text is safe to show."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it in a list."""

    id: str
    name: str
    made_at: datetime
    used_at: datetime | None


@dataclass(slots=True)
class Passkeys:
    """Asks for passkeys and checks what they sign; ``public_url`` is how browsers reach the hub.

    The times are real ones, never simulated: whoever signs in does so at a real device.
    """

    public_url: str | None
    name: str
    _asked: dict[str, tuple[datetime, str, Any]] = field(
        default_factory=dict
    )  # by challenge: when, for whom, what

    def begin_new(self, connection: Connection, user: str, now: datetime) -> dict[str, Any]:
        """Return what a browser needs to make a passkey; raises `ValueError` where there can be none."""
        known = _keys_of(connection, user)
        if len(known) >= _MOST_OF_ONE:
            raise ValueError(f"{user} has {_MOST_OF_ONE} passkeys; remove one first")
        options, state = self._server().register_begin(
            PublicKeyCredentialUserEntity(id=user.encode(), name=user, display_name=user),
            known,
            resident_key_requirement=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        self._remember(state, user, now)
        return dict(options)

    def finish_new(
        self, connection: Connection, user: str, name: str, credential: Mapping[str, Any], now: datetime
    ) -> None:
        """Keep the passkey that a browser made; raises `PasskeyRefused`."""
        try:
            response = RegistrationResponse.from_dict(credential)
            state = self._recall(response.response.client_data.challenge, user, now)
            made = self._server().register_complete(state, response)
            key = made.credential_data
            if key is None:
                raise ValueError("no key came with it")
        except (ValueError, KeyError, TypeError, UnsupportedAlgorithm) as error:
            raise PasskeyRefused(f"this passkey cannot be kept: {error}") from None
        if connection.execute(select(passkey.c.id).where(passkey.c.credential_id == key.credential_id)).first():
            raise PasskeyRefused("this passkey is known already")
        connection.execute(
            insert(passkey).values(
                id=secrets.token_hex(8),
                user=user,
                name=name,
                credential_id=key.credential_id,
                credential=bytes(key),
                counter=made.counter,
                made_at=now,
            )
        )

    def begin_sign_in(self, now: datetime) -> dict[str, Any]:
        """Return what a browser needs to offer its passkeys of this hub."""
        options, state = self._server().authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
        self._remember(state, "", now)
        return dict(options)

    def finish_sign_in(self, connection: Connection, credential: Mapping[str, Any], now: datetime) -> str:
        """Return who signed in; raises `PasskeyRefused`."""
        try:
            response = AuthenticationResponse.from_dict(credential)
            state = self._recall(response.response.client_data.challenge, "", now)
            row = connection.execute(select(passkey).where(passkey.c.credential_id == response.raw_id)).first()
            if row is None:
                raise PasskeyRefused("this hub does not know this passkey; sign in with the password")
            self._server().authenticate_complete(state, [AttestedCredentialData(row.credential)], response)
        except (ValueError, KeyError, TypeError, UnsupportedAlgorithm) as error:
            raise PasskeyRefused(f"this passkey does not open the hub: {error}") from None
        # Devices that count (WebAuthn section 6.1.1) count up: one that does not has been copied.
        counter = response.response.authenticator_data.counter
        if counter <= row.counter and (counter or row.counter):
            raise PasskeyRefused("this passkey may have been copied; remove it and make a new one")
        connection.execute(update(passkey).where(passkey.c.id == row.id).values(counter=counter, used_at=now))
        return str(row.user)

    def _server(self) -> Fido2Server:
        if self.public_url is None:
            raise ValueError("passkeys need the address of the hub: set public_url in its configuration")
        parts = urlsplit(self.public_url)
        origin = f"{parts.scheme}://{parts.netloc}"
        party = PublicKeyCredentialRpEntity(id=parts.hostname, name=self.name)
        return Fido2Server(party, verify_origin=lambda asked: asked == origin)

    def _remember(self, state: Any, user: str, now: datetime) -> None:
        if len(self._asked) >= _MOST_OPEN:
            self._asked = {key: asked for key, asked in self._asked.items() if now - asked[0] < _LASTS}
        if len(self._asked) >= _MOST_OPEN:
            raise PasskeyRefused("too many people sign in at this moment; try again in a minute")
        self._asked[state["challenge"]] = (now, user, state)

    def _recall(self, challenge: bytes, user: str, now: datetime) -> Any:
        at, asked_of, state = self._asked.pop(websafe_encode(challenge), (now - _LASTS, user, None))
        if now - at >= _LASTS or asked_of != user:
            raise PasskeyRefused("this was not asked, or too long ago; begin again")
        return state


def passkeys_of(connection: Connection, user: str) -> list[Passkey]:
    """Return the passkeys of ``user``, the oldest first."""
    row = passkey.c
    query = (
        select(row.id, row.name, row.made_at, row.used_at).where(row.user == user).order_by(row.made_at, row.id)
    )
    return [Passkey(*found) for found in connection.execute(query)]


def remove_passkey(connection: Connection, user: str, passkey_id: str) -> None:
    """Remove a passkey of ``user``; raises `LookupError` when there is none."""
    gone = connection.execute(delete(passkey).where(passkey.c.user == user, passkey.c.id == passkey_id))
    if not gone.rowcount:
        raise LookupError(f"{user} has no passkey {passkey_id}")


def _keys_of(connection: Connection, user: str) -> list[AttestedCredentialData]:
    found: Iterable[bytes] = connection.execute(
        select(passkey.c.credential).where(passkey.c.user == user)
    ).scalars()
    return [AttestedCredentialData(credential) for credential in found]
