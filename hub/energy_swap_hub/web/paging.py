"""How long lists are read: the newest first, a page at a time, each after the last row of the one before."""

from typing import Final

from aiohttp import web

from .route import Query

_MOST_ROWS: Final = 500
BEFORE: Final = Query("before", "only rows with a smaller id than this: that of the last row you have", int)


def limit_to(default: int) -> Query:
    """Return how a route says how many rows it gives."""
    return Query("limit", f"how many rows, 1 to {_MOST_ROWS}; without it {default}", int)


def asked_limit(request: web.Request, default: int) -> int:
    """Return how many rows a request wants."""
    limit = number_in(request.query.get("limit", str(default)))
    if limit is None or not 1 <= limit <= _MOST_ROWS:
        raise web.HTTPBadRequest(reason=f"limit is a number from 1 to {_MOST_ROWS}")
    return limit


def asked_before(request: web.Request) -> int | None:
    """Return the id before which a request wants rows; None for the newest."""
    if "before" not in request.query:
        return None
    before = number_in(request.query["before"])
    if before is None:
        raise web.HTTPBadRequest(reason="before is an id of the page before")
    return before


def number_in(text: str) -> int | None:
    """Return the number in ``text`` if it can be one of a row."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
