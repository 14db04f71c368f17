"""The evidence of every mint as anybody may read it: accounts, Wh and signed readings; no household, no name."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from .intent import State
from .payload import Mint, MintPeriod, decode, memo_of
from .tables import chain_intent

_PREFIX: Final = "mint:"
_PERIOD: Final = slice(len(_PREFIX), len(_PREFIX) + len("2026-11-20T11:30Z"))


class PublishedMint(msgspec.Struct, frozen=True):
    """What one household's export became: its token account, and the frames (base64url) that prove the Wh."""

    account: str
    wh: int
    frames: tuple[str, ...]


class PublishedTransaction(msgspec.Struct, frozen=True):
    """One transaction of a period, with its mints in their order."""

    signature: str
    memo: str
    mints: tuple[PublishedMint, ...]


def minted_periods(connection: Connection, community: str, *, after: str, limit: int) -> list[str]:
    """Return the ids of at most ``limit`` periods with mints that were sent, in order, those after ``after``."""
    row = chain_intent.c
    query = select(row.id).where(
        row.community_id == community,
        row.kind == "mint_period",
        row.signature.is_not(None),
        row.state != State.FAILED,
    )
    periods = sorted({intent_id[_PERIOD] for intent_id in connection.execute(query).scalars()})
    return [period for period in periods if period > after][:limit]


def evidence_of(connection: Connection, community: str, period: str) -> list[PublishedTransaction]:
    """Return the transactions that minted for ``period``, its late energy and repeated tries among them."""
    row = chain_intent.c
    query = (
        select(row.payload, row.signature)
        .where(
            row.community_id == community,
            row.id.startswith(_PREFIX + period, autoescape=True),
            row.signature.is_not(None),
            row.state != State.FAILED,
        )
        .order_by(row.number)
    )
    return [_published(community, text, signature) for text, signature in connection.execute(query)]


def _published(community: str, text: str, signature: str) -> PublishedTransaction:
    payload = decode(text)
    assert isinstance(payload, MintPeriod)
    return PublishedTransaction(signature, memo_of(payload, community), _without_names(payload.mints))


def _without_names(mints: Sequence[Mint]) -> tuple[PublishedMint, ...]:
    return tuple(PublishedMint(mint.account, mint.wh, mint.frames) for mint in mints)
