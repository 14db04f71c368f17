"""Pairing: a six-digit code that the owner reads turns into a token that a client keeps until it is revoked."""

import hashlib
import hmac
import logging
import secrets
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from energy_swap_edge.state import Clock, unix
from energy_swap_edge.store import Store, StoredClient

_LOGGER = logging.getLogger(__name__)
_MAX_WRONG: Final = 5
_LOCK_OUT_SECONDS: Final = 300.0
# When a client was last heard of is written so often at most: the disk may be a memory card.
_SEEN_EVERY_SECONDS: Final = 600
_ID_LENGTH: Final = 16


class WrongCode(PermissionError):  # noqa: N818 - reads as the answer it is
    """The code is not the one that the owner sees."""


class TooManyAttempts(PermissionError):  # noqa: N818 - reads as the answer it is
    """Pairing rests after wrong codes, for ``retry_after`` seconds, whoever asks."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many wrong codes; wait {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class PairedClient:
    """Somebody who was paired, for the owner's eyes; times are Unix seconds, ``id`` opens nothing."""

    id: str
    name: str
    paired_at: int
    seen_at: int | None
    revoked_at: int | None
    revoked_by: str | None


class Pairing:
    """The current code, who is paired by which token's hash, and the recent wrong attempts.

    The lock-out counts real time (``monotonic``), because an attacker does.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        code: str,
        known: Sequence[StoredClient],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._clock = clock
        self._code = code
        self._known = {one.token_hash: one for one in known}
        self._monotonic = monotonic
        self._wrong: deque[float] = deque(maxlen=_MAX_WRONG)

    @classmethod
    async def load(cls, store: Store, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> Pairing:
        """Return the pairing that ``store`` remembers, with a first code where there is none."""
        code = await store.note("pairing_code")
        if code is None:
            code = _new_code()
            await store.set_note("pairing_code", code)
        return cls(store, clock, code, await store.clients(), monotonic)

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
        token = await self._add(client[:80])
        _LOGGER.info("paired with %r", client[:80])
        _LOGGER.info("pairing code for the next client: %s", self._code)
        return token

    @property
    def clients(self) -> list[PairedClient]:
        """Who was ever paired, in their order, also those whose token was revoked."""
        return [_shown(one) for one in self._known.values()]

    async def give_token(self, client: str) -> str:
        """Return a new token for ``client``, whom the Supervisor vouches for.

        Its older ones end with `keep_only`.
        """
        return await self._add(client)

    async def _add(self, client: str) -> str:
        token, now = secrets.token_urlsafe(32), unix(self._clock)
        await self._store.add_client(_hash(token), client, now, self._code)
        self._known[_hash(token)] = StoredClient(_hash(token), client, now, None, None, None)
        return token

    async def keep_only(self, client: str, token: str) -> None:
        """Forget the other tokens of ``client``."""
        for forgotten in await self._store.forget_clients(client, but=_hash(token)):
            self._known.pop(forgotten, None)

    async def revoke(self, client_id: str, by: str) -> PairedClient:
        """Let a client's token count no more, and return whose it was; again it changes nothing.

        Raises `LookupError` where none has this id.
        """
        client = next((one for one in self._known.values() if _shown(one).id == client_id), None)
        if client is None:
            raise LookupError(f"nobody was paired as {client_id}; look at the list again")
        if client.revoked_at is None:
            client = replace(client, revoked_at=unix(self._clock), revoked_by=by[:80])
            # At once, so that a request which comes while the store works is refused.
            self._known[client.token_hash] = client
            await self._store.revoke_client(client.token_hash, client.revoked_at or 0, by[:80])
            _LOGGER.warning("%r (%s) is paired no more: revoked by %r", client.name, client_id, by[:80])
        return _shown(client)

    def client_of(self, token: str) -> str | None:
        """Return the id of the paired client that ``token`` belongs to; None where it belongs to none."""
        given = _hash(token)
        same = [
            one for one in self._known.values() if hmac.compare_digest(given, one.token_hash)
        ]  # all, in equal time
        return next((_shown(one).id for one in same if one.revoked_at is None), None)

    async def see(self, client_id: str, *, is_leaving: bool = False) -> None:
        """Note that a client is there now; one that ``is_leaving`` will be asked about afterwards."""
        client = next((one for one in self._known.values() if _shown(one).id == client_id), None)
        now = unix(self._clock)
        if client is None or (
            client.seen_at is not None and not is_leaving and now - client.seen_at < _SEEN_EVERY_SECONDS
        ):
            return
        self._known[client.token_hash] = replace(client, seen_at=now)
        try:
            await self._store.see_client(client.token_hash, now)
        except sqlite3.Error as error:
            _LOGGER.warning("when %r was heard of cannot be kept: %s", client.name, error)


def _shown(client: StoredClient) -> PairedClient:
    return PairedClient(
        client.token_hash[:_ID_LENGTH],
        client.name,
        client.paired_at,
        client.seen_at,
        client.revoked_at,
        client.revoked_by,
    )


def _new_code() -> str:
    return f"{secrets.randbelow(1_000_000):06d}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
