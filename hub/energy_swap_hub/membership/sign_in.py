"""Sign-in of admins and auditors: argon2 passwords, and lock-out after wrong tries."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from energy_swap_hub.config import UserConfig

_LOCK: Final = timedelta(minutes=5)
_TRIES: Final = 5  # for one name from one address
_TRIES_FROM_ALL: Final = 50  # for one name from anywhere: else many addresses could guess together


class SignInRefused(PermissionError):  # noqa: N818 - reads as the answer it is
    """User or password is wrong, or there were too many tries; the text is safe to show."""


class SignInLocked(SignInRefused):
    """There were too many wrong passwords for this user; the text says how long to wait."""


@dataclass(slots=True)
class SignIn:
    """The people who may sign in. The times of lock-outs are real time, never simulated.

    Who guesses from one address locks that address out, not the person whose name it guesses with.
    """

    users: dict[str, UserConfig]
    _wrong: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    # Checked when the user is unknown, so that the answer takes as long as for a known one.
    _nobody: str = field(default_factory=lambda: hash_password(secrets.token_hex(16)))

    def check(self, user: str, password: str, now: datetime, *, address: str) -> UserConfig:
        """Return the user when the password is right; raises `SignInRefused`."""
        tries = [(at, whence) for at, whence in self._wrong.get(user, ()) if now - at < _LOCK]
        from_here = sum(whence == address for _, whence in tries)
        if from_here >= _TRIES or len(tries) >= _TRIES_FROM_ALL:
            raise SignInLocked("too many wrong passwords; try again in five minutes")
        known = self.users.get(user)
        try:
            PasswordHasher().verify(known.password_hash if known else self._nobody, password)
        except VerificationError, InvalidHashError:
            known = None
        if known is None:
            self.note_wrong(user, now, address=address)
            raise SignInRefused("user or password is wrong")
        return known

    def note_wrong(self, user: str, now: datetime, *, address: str) -> None:
        """Remember a wrong password or code."""
        # Names that nobody tried lately are forgotten: invented ones must not fill the memory.
        self._wrong = {name: tries for name, tries in self._wrong.items() if now - tries[-1][0] < _LOCK}
        recent = [(at, whence) for at, whence in self._wrong.get(user, ()) if now - at < _LOCK]
        self._wrong[user] = [*recent, (now, address)]

    def note_right(self, user: str, *, address: str) -> None:
        """Forget the wrong tries from an address at which the person has now signed in."""
        left = [(at, whence) for at, whence in self._wrong.pop(user, ()) if whence != address]
        if left:
            self._wrong[user] = left


def hash_password(password: str) -> str:
    """Return the argon2 hash to put into the configuration."""
    return PasswordHasher().hash(password)
