"""The initiator of payouts, questions and reversals: its sealed password, its age, and its lock."""

from datetime import datetime, timedelta

import msgspec

from .books import Books
from .business import Business
from .clock import Clock, from_micros, to_micros
from .credential import certificate, decrypt, new_key
from .rules import RuleBook

_KEPT_AS = "initiator"


class _State(msgspec.Struct, frozen=True):
    password: str
    set_at: int
    failures: int = 0
    is_locked: bool = False


class Initiator:
    """The one API operator of the short code. A credential is checked when a request comes in."""

    def __init__(
        self, books: Books, business: Business, rules: RuleBook, clock: Clock, private_key_pem: bytes | None
    ) -> None:
        self._books = books
        self._business = business
        self._rules = rules
        self._clock = clock
        self._key = private_key_pem or books.setting("private_key") or self._new_key()
        self.certificate_pem = certificate(self._key)
        self._state()  # the password's age counts from here

    def check(self, name: str, security_credential: str) -> str:
        """Return the result code of a credential: ``0``, ``2001`` (wrong or too old) or ``8006`` (locked).

        Some wrong ones in a row lock the initiator until `reset`.
        """
        state = self._state()
        if state.is_locked:
            return "8006"
        is_true = name == self._business.initiator and decrypt(self._key, security_credential) == state.password
        failures = 0 if is_true else state.failures + 1
        is_locked = failures >= self._rules.now.wrong_credentials_until_lock
        if (failures, is_locked) != (state.failures, state.is_locked):
            self._keep(msgspec.structs.replace(state, failures=failures, is_locked=is_locked))
        if not is_true:
            return "2001"
        days = self._rules.now.initiator_password_days
        is_old = days > 0 and self._clock() >= from_micros(state.set_at) + timedelta(days=days)
        return "2001" if is_old else "0"

    def lock(self) -> None:
        """Lock the credential."""
        self._keep(msgspec.structs.replace(self._state(), is_locked=True))

    def reset(self, password: str | None = None) -> None:
        """Unlock, with a new password if one is given."""
        old = self._state()
        self._keep(_State(old.password if password is None else password, to_micros(self._clock())))

    def change_key(self) -> None:
        """Take a new key pair: what was sealed with the old certificate is wrong from now on."""
        self._key = self._new_key()
        self.certificate_pem = certificate(self._key)

    def summary(self) -> dict[str, object]:
        """Return what may be told about it."""
        state = self._state()
        since: datetime = from_micros(state.set_at)
        return {
            "name": self._business.initiator,
            "is_locked": state.is_locked,
            "failures": state.failures,
            "password_since": since.isoformat(),
        }

    def _new_key(self) -> bytes:
        key = new_key()
        self._books.remember("private_key", key)
        return key

    def _state(self) -> _State:
        kept = self._books.setting(_KEPT_AS)
        if kept is not None:
            return msgspec.json.decode(kept, type=_State)
        state = _State(self._business.initiator_password, to_micros(self._clock()))
        self._keep(state)
        return state

    def _keep(self, state: _State) -> None:
        self._books.remember(_KEPT_AS, msgspec.json.encode(state))
