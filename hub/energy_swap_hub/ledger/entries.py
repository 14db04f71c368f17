"""What is booked: entries and their postings, holds, and the refusal of what is not there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from .tables import currency_of


class Overdrawn(ValueError):  # noqa: N818
    """A household does not have what an entry would take; nothing was posted.

    Where it is about an account, ``have`` and ``need`` are cents or Wh, as ``account`` counts.
    """

    def __init__(self, words: str, *, account: str | None = None, have: int = 0, need: int = 0) -> None:
        super().__init__(words)
        self.account, self.have, self.need = account, have, need

    def in_words(self, words: str) -> Overdrawn:
        """Return the same in the words of what was asked for."""
        return Overdrawn(words, account=self.account, have=self.have, need=self.need)

    @property
    def key(self) -> str:
        """What there is too little of, for programs that say it in other words; "" where no account is named."""
        if self.account is None:
            return ""
        return "too_little_money" if currency_of(self.account) == "KES" else "too_few_tokens"

    @property
    def numbers(self) -> dict[str, int]:
        """The figures to `key`."""
        if self.account is None:
            return {}
        unit = "cents" if currency_of(self.account) == "KES" else "wh"
        return {f"have_{unit}": self.have, f"need_{unit}": self.need}


class Posting(NamedTuple):
    """A signed amount on one account: cents or Wh, as the account counts."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A set of postings that sums to zero in each currency; (source, external_id) is used once for ever.

    ``at`` is when it happened and ``booked_at`` when it enters the books (None: at the same time). ``corrects``
    is the id of an earlier entry that this one puts right.
    """

    source: str
    external_id: str
    at: datetime
    text: str
    postings: Sequence[Posting]
    booked_at: datetime | None = None
    corrects: int | None = None


class Hold(NamedTuple):
    """A reserved amount of a household's free ``account``; a closed one reserves nothing for ever."""

    account: str
    remaining: int
    is_open: bool


def overdrawn(account: str, have: int, need: int) -> Overdrawn:
    """Return the refusal to take ``need`` cents or Wh from an account that has ``have``."""
    unit = "cents" if currency_of(account) == "KES" else "Wh"
    words = f"{account} holds {have} {unit}, {need} are needed"
    return Overdrawn(words, account=account, have=have, need=need)


def net_by_account(postings: Iterable[Posting]) -> dict[str, int]:
    """Return what an entry changes by account; raises `ValueError` when it does not sum to zero."""
    net: dict[str, int] = {}
    cents = wh = 0
    for account, amount in postings:
        if not amount:
            continue
        net[account] = net.get(account, 0) + amount
        if currency_of(account) == "KES":
            cents += amount
        else:
            wh += amount
    if cents or wh:
        raise ValueError(f"an entry must sum to zero, this one leaves {cents} cents and {wh} Wh")
    return net
