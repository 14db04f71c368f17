"""The second factor of people who sign in: six digits that change every 30 seconds (TOTP, RFC 6238)."""

from datetime import datetime
from typing import Final

import pyotp
from sqlalchemy import Connection, delete, insert, select, update

from .seal import Seal
from .tables import second_factor

_STEP_SECONDS: Final = 30
_DRIFT_STEPS: Final = 1  # a phone's clock may be half a minute off


class CodeNeeded(PermissionError):  # noqa: N818 - reads as the answer it is
    """The password is right and the code is missing; the text says what to do."""


class CodeWrong(PermissionError):  # noqa: N818 - reads as the answer it is
    """The code is not that of this moment, or was used before."""


def begin(connection: Connection, seal: Seal, user: str, issuer: str) -> tuple[str, str]:
    """Return a new secret and the address that an authenticator app reads from a QR code.

    It counts once `confirm` has seen a code made of it. Raises `ValueError` when there is a confirmed one already.
    """
    if is_confirmed(connection, user):
        raise ValueError("this user has a second factor already; remove it with one of its codes first")
    secret = pyotp.random_base32()
    connection.execute(delete(second_factor).where(second_factor.c.user == user))
    connection.execute(
        insert(second_factor).values(user=user, secret_sealed=seal.close(secret), confirmed_at=None, last_step=0)
    )
    return secret, pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=issuer)


def confirm(connection: Connection, seal: Seal, user: str, code: str, now: datetime) -> None:
    """Make the secret of `begin` count from now on; raises `CodeWrong`, or `LookupError` without one."""
    _claim(connection, seal, user, code, now)
    connection.execute(update(second_factor).where(second_factor.c.user == user).values(confirmed_at=now))


def is_confirmed(connection: Connection, user: str) -> bool:
    """Whether this user signs in with a second factor."""
    row = second_factor.c
    query = select(row.user).where(row.user == user, row.confirmed_at.is_not(None))
    return connection.execute(query).first() is not None


def check(connection: Connection, seal: Seal, user: str, code: str, now: datetime) -> None:
    """Return when ``user`` has no second factor or ``code`` is that of this moment; a code counts once.

    Raises `CodeNeeded` for an empty code, else `CodeWrong`.
    """
    if not is_confirmed(connection, user):
        return
    if not code:
        raise CodeNeeded("the password is right; now send the six digits of your authenticator app as code")
    _claim(connection, seal, user, code, now)


def remove(connection: Connection, user: str) -> bool:
    """Forget the user's second factor; return whether there was one."""
    return connection.execute(delete(second_factor).where(second_factor.c.user == user)).rowcount > 0


def _claim(connection: Connection, seal: Seal, user: str, code: str, now: datetime) -> None:
    row = connection.execute(select(second_factor).where(second_factor.c.user == user)).first()
    if row is None:
        raise LookupError("this user has no second factor; begin one first")
    totp = pyotp.TOTP(seal.open(row.secret_sealed), interval=_STEP_SECONDS)
    step = int(now.timestamp()) // _STEP_SECONDS
    for candidate in range(step - _DRIFT_STEPS, step + _DRIFT_STEPS + 1):
        if candidate > row.last_step and pyotp.utils.strings_equal(totp.generate_otp(candidate), code):
            connection.execute(
                update(second_factor).where(second_factor.c.user == user).values(last_step=candidate)
            )
            return
    raise CodeWrong("the code is not that of this moment, or was used before; wait for the next one")
