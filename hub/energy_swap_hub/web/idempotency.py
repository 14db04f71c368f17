"""Idempotency keys: a change that is sent again with its key is not done again, and is answered as the first time.

The key is claimed in a commit of its own before the change begins; its answer is kept in another one after it. A
hub that dies in between leaves a claim without an answer: then nobody can say whether the change was done, so the
hub says that, and does not do it again.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection, delete, insert, select, update

from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.storage import Database

from .problem import is_refusal
from .tables import kept_answer

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
KEPT: Final = timedelta(days=1)
_LONGEST: Final = 200


class _Kept(NamedTuple):
    status: int
    content_type: str
    body: bytes


class Idempotency:
    """Keeps the answers to changes for a day, by who asked and with which key."""

    def __init__(self, database: Database, clock: Callable[[], datetime], seal: Seal) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal

    async def answer(
        self, request: web.Request, who: str, serve: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer ``request`` of ``who`` by ``serve``, or as the first time when its key was used for it before.

        A refusal did nothing and is not kept: the same key may be sent again with what is right now.

        Raises:
            ValueError: the key is none.
            web.HTTPConflict: the key stood for another request, or nobody knows whether this one was done.

        """
        key = request.headers.get(HEADER)
        if key is None:
            return await serve()
        if not (key.isascii() and key.isprintable() and 0 < len(key) <= _LONGEST):
            raise ValueError(f"{HEADER}: 1 to {_LONGEST} printable ASCII characters, such as a UUID")
        asked = _hash(request.method, request.path_qs, await request.read())
        kept = await self._database.write(lambda c: self._claim(c, who, key, asked))
        if kept is not None:
            return web.Response(
                status=kept.status,
                body=kept.body,
                content_type=kept.content_type,
                headers={REPLAYED: "true"},
            )
        try:
            answered = await serve()
        except Exception as error:
            if is_refusal(error):
                await self._database.write(lambda c: _forget(c, who, key))
            raise
        if isinstance(answered, web.Response) and isinstance(answered.body, bytes):
            answer = _Kept(answered.status, answered.content_type, answered.body)
            await self._database.write(lambda c: self._keep(c, who, key, answer))
        return answered

    def _claim(self, connection: Connection, who: str, key: str, asked: bytes) -> _Kept | None:
        now, row = self._clock(), kept_answer.c
        connection.execute(delete(kept_answer).where(row.at < now - KEPT))
        is_it = (row.who == who) & (row.key == key)
        known = connection.execute(select(kept_answer).where(is_it)).first()
        if known is None:
            connection.execute(insert(kept_answer).values(who=who, key=key, request_hash=asked, at=now))
            return None
        if known.request_hash != asked:
            raise web.HTTPConflict(
                reason=f"this {HEADER} stood for another request; take a new key for each change"
            )
        if known.status is None:
            raise web.HTTPConflict(
                reason="this request is being done, or was broken off and may have been done; look before you "
                f"send it with a new {HEADER}"
            )
        content_type, _, body = self._seal.open(known.answer_sealed).partition("\n")
        return _Kept(known.status, content_type, body.encode("latin-1"))

    def _keep(self, connection: Connection, who: str, key: str, answer: _Kept) -> None:
        is_it = (kept_answer.c.who == who) & (kept_answer.c.key == key)
        # Latin-1 has a letter for every octet, so a file is kept as well as JSON.
        sealed = self._seal.close(f"{answer.content_type}\n{answer.body.decode('latin-1')}")
        connection.execute(update(kept_answer).where(is_it).values(status=answer.status, answer_sealed=sealed))


def _forget(connection: Connection, who: str, key: str) -> None:
    connection.execute(delete(kept_answer).where(kept_answer.c.who == who, kept_answer.c.key == key))


def _hash(*parts: str | bytes) -> bytes:
    told = hashlib.sha256()
    for part in parts:
        octets = part if isinstance(part, bytes) else part.encode()
        told.update(len(octets).to_bytes(8) + octets)
    return told.digest()
