"""Corrections: a mistake in the books is put right by a new, dated entry, never by a change of the old one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from . import tables
from .book import post
from .entries import Entry, Posting


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person decided to book; ``id`` is used once, ``corrects`` names the wrong entry if there is one."""

    id: str
    postings: Sequence[Posting]
    reason: str
    who: str
    corrects: int | None = None


def correct(connection: Connection, community_id: str, correction: Correction, *, now: datetime) -> bool:
    """Book a correction; return False, changing nothing, when its id was booked before.

    Raises `LookupError` when the corrected entry is not there, `Overdrawn` when a household has less than is
    taken, and `ValueError` without a reason or when the postings do not balance.
    """
    reason = correction.reason.strip()
    if not reason:
        raise ValueError("say in a few words why the books are corrected")
    if not any(p.amount for p in correction.postings):
        raise ValueError("a correction moves something")
    if correction.corrects is not None:
        known = select(tables.entry.c.id).where(
            tables.entry.c.community_id == community_id, tables.entry.c.id == correction.corrects
        )
        if connection.execute(known).first() is None:
            raise LookupError(f"there is no entry {correction.corrects} to correct")
    text = f"{reason} (booked by {correction.who})"
    entry = Entry("correction", correction.id, now, text, correction.postings, corrects=correction.corrects)
    return post(connection, community_id, entry)
