"""What is booked: entries and their postings, holds, and the refusal of what is not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Overdrawn(ValueError):  # noqa: N818
    """A household does not have what an entry would take; nothing was posted.

    Where it is about an account, ``have`` and ``need`` are cents or Wh, as ``account`` counts.
    """

    def __init__(self, words: str, *, account: str | None = None, have: int = 0, need: int = 0) -> None:
        super().__init__(words)
        self.account, self.have, self.need = account, have, need


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
