"""Pairing: a six-digit code that the owner reads turns into a token that a client keeps."""

import hashlib
import hmac
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from energy_swap_edge.state import Clock, unix
from energy_swap_edge.store import Store

_LOGGER = logging.getLogger(__name__)
_MAX_WRONG: Final = 5
_LOCK_OUT_SECONDS: Final = 300.0


class WrongCode(PermissionError):  # noqa: N818 - reads as the answer it is
    """The code is not the one that the owner sees."""


class TooManyAttempts(PermissionError):  # noqa: N818 - reads as the answer it is
    """Pairing rests after wrong codes, for ``retry_after`` seconds, whoever asks."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many wrong codes; wait {retry_after} s")
        self.retry_after = retry_after


class Pairing:
    """The current code, the paired clients' token hashes, and the recent wrong attempts.

    The lock-out counts real time (``monotonic``), because an attacker does.
    """

    def __init__(
        self, store: Store, clock: Clock, code: str, hashes: list[str], monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._clock = clock
        self._code = code
        self._hashes = hashes
        self._monotonic = monotonic
        self._wrong: deque[float] = deque(maxlen=_MAX_WRONG)

    @classmethod
    async def load(cls, store: Store, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> Pairing:
        """Return the pairing that ``store`` remembers, with a first code where there is none."""
        code = await store.note("pairing_code")
        if code is None:
            code = _new_code()
            await store.set_note("pairing_code", code)
        return cls(store, clock, code, await store.client_token_hashes(), monotonic)

    @property
    def code(self) -> str:
        """Six digits, for the owner's eyes; another after each use."""
        return self._code

    async def pair(self, code: str, client: str) -> str:
        """Return a new token for ``client``; raises `WrongCode` or `TooManyAttempts`."""
        now = self._monotonic()
        while self._wrong and now - self._wrong[0] >= _LOCK_OUT_SECONDS:
            self._wrong.popleft()
        if len(self._wrong) >= _MAX_WRONG:
            raise TooManyAttempts(int(_LOCK_OUT_SECONDS - (now - self._wrong[0])) + 1)
        if not hmac.compare_digest(code.encode(), self._code.encode()):
            self._wrong.append(now)
            raise WrongCode("this is not the code that the edge shows")
        # Taken at once, so that two clients cannot use one code while the store works.
        self._code = _new_code()
        token = secrets.token_urlsafe(32)
        token_hash = _hash(token)
        await self._store.add_client(token_hash, client[:80], unix(self._clock), self._code)
        self._hashes.append(token_hash)
        _LOGGER.info("paired with %r", client[:80])
        _LOGGER.info("pairing code for the next client: %s", self._code)
        return token

    @property
    def clients(self) -> int:
        """How many clients are paired."""
        return len(self._hashes)

    async def give_token(self, client: str) -> str:
        """Return a new token for ``client``, whom the Supervisor vouches for.

        Its older ones end with `keep_only`.
        """
        token = secrets.token_urlsafe(32)
        await self._store.add_client(_hash(token), client, unix(self._clock), self._code)
        self._hashes.append(_hash(token))
        return token

    async def keep_only(self, client: str, token: str) -> None:
        """Forget the other tokens of ``client``."""
        forgotten = await self._store.forget_clients(client, but=_hash(token))
        self._hashes[:] = [known for known in self._hashes if known not in forgotten]

    def is_paired(self, token: str) -> bool:
        """Whether ``token`` belongs to a paired client."""
        given = _hash(token)
        return any([hmac.compare_digest(given, known) for known in self._hashes])  # noqa: C419 - all, in equal time


def _new_code() -> str:
    return f"{secrets.randbelow(1_000_000):06d}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
