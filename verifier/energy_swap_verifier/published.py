"""The readings that a community publishes, as anybody gets them: from its hub, or from an exported file."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
from energy_swap_protocol.period import PeriodCalendar
from solders.pubkey import Pubkey

from .proposal import Mint


class PublishedError(Exception):
    """The published readings cannot be had; the text says why."""


class PeriodChange(msgspec.Struct, frozen=True):
    """From the Unix time ``since`` on periods last ``minutes``."""

    since: int = msgspec.field(name="from")
    minutes: int


class Head(msgspec.Struct, frozen=True):
    """Which token the readings are about (base58 keys), and how its community counts."""

    community: str
    mint: str
    hub: str
    period_minutes: int
    period_changes: tuple[PeriodChange, ...] = ()
    sells_to_utility: bool = False
    hubs_before: tuple[str, ...] = ()
    trust_program: str | None = None

    @property
    def calendar(self) -> PeriodCalendar:
        """The community's periods of all times; raises ValueError for lengths or times that cannot be."""
        return PeriodCalendar(
            timedelta(minutes=self.period_minutes),
            tuple(
                (datetime.fromtimestamp(one.since, UTC), timedelta(minutes=one.minutes))
                for one in self.period_changes
            ),
        )

    @property
    def hubs(self) -> frozenset[Pubkey]:
        """All keys that the hub has had."""
        return frozenset(map(Pubkey.from_string, (self.hub, *self.hubs_before)))


class Transaction(msgspec.Struct, frozen=True):
    """One transaction's evidence."""

    signature: str
    memo: str
    mints: tuple[Mint, ...]


class PeriodEvidence(msgspec.Struct, frozen=True):
    """One period's evidence."""

    period: str
    transactions: tuple[Transaction, ...]


class _Index(msgspec.Struct, frozen=True):
    periods: tuple[str, ...]
    next: str | None


class Published:
    """What a community has published."""

    def __init__(self, head: Head, transactions: dict[str, Transaction]) -> None:
        self.head = head
        self.transactions = transactions


async def published(where: str, session: aiohttp.ClientSession) -> Published:
    """Return what is published at ``where``, an http(s) address or the path of an exported file."""
    try:
        if where.startswith(("http://", "https://")):
            return await _from_hub(where.rstrip("/"), session)
        return _from_file(Path(where))
    except (OSError, aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        raise PublishedError(f"{where}: {error or type(error).__name__}") from None


def _from_file(path: Path) -> Published:
    head, *lines = path.read_bytes().splitlines()
    periods = [msgspec.json.decode(line, type=PeriodEvidence) for line in lines]
    found = {t.signature: t for period in periods for t in period.transactions}
    return Published(msgspec.json.decode(head, type=Head), found)


async def _from_hub(url: str, session: aiohttp.ClientSession) -> Published:
    found: dict[str, Transaction] = {}
    async for period in _periods(url, session):
        evidence = msgspec.json.decode(await _get(session, f"{url}/{period}"), type=PeriodEvidence)
        found |= {transaction.signature: transaction for transaction in evidence.transactions}
    return Published(msgspec.json.decode(await _get(session, url), type=Head), found)


async def _periods(url: str, session: aiohttp.ClientSession) -> AsyncIterator[str]:
    after: str | None = ""
    while after is not None:
        index = msgspec.json.decode(await _get(session, f"{url}?after={after}"), type=_Index)
        for period in index.periods:
            yield period
        after = index.next


async def _get(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as response:
        response.raise_for_status()
        return await response.read()
