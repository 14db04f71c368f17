"""QR codes of M-Pesa's for paying to an account, each asked for once a day."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from .gateway import Clock

_MOST_KEPT: Final = 500  # a few kB each
_KEPT_FOR: Final = timedelta(days=1)

# Asks M-Pesa for the PNG of (merchant, account, whole KES).
type AskCode = Callable[[str, str, int], Awaitable[bytes]]


class QrCodes:
    """Remembers the codes that M-Pesa made: the same account and amount is the same code."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str, int], tuple[datetime, bytes]] = OrderedDict()

    async def code(self, ask: AskCode, merchant: str, account: str, kes: int) -> bytes:
        """Return the PNG that a phone scans to pay ``kes`` to ``account``; raises what ``ask`` raises."""
        wanted, now = (merchant, account, kes), self._clock()
        kept = self._kept.get(wanted)
        if kept is not None and now - kept[0] < _KEPT_FOR:
            return kept[1]
        made = await ask(merchant, account, kes)
        self._kept[wanted] = (now, made)
        self._kept.move_to_end(wanted)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return made
