"""How long lists are read: the newest first, a page at a time, from anywhere below a row that one has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, select

from .route import Query

_MOST_ROWS: Final = 500
BEFORE: Final = Query("before", "only rows with a smaller id than this: that of the last row you have", int)
SKIP: Final = Query("skip", "how many of those rows to pass over", int)
COUNT: Final = Query("count", "1 to be told how many of those rows there are: total", int)


@dataclass(frozen=True, slots=True)
class Page:
    """What a request wants of a list: how many rows, below which one, past how many, and whether counted."""

    limit: int
    before: int | None = None
    skip: int = 0
    is_counted: bool = False

    def following(self, ids: Sequence[int]) -> int | None:
        """Return the ``before`` of the page after the one with these ids; None at the end."""
        return ids[-1] if len(ids) == self.limit else None


def limit_to(default: int) -> Query:
    """Return how a route says how many rows it gives."""
    return Query("limit", f"how many rows, 1 to {_MOST_ROWS}; without it {default}", int)


def paged(default: int) -> tuple[Query, ...]:
    """Return how a route says that its list is read by pages."""
    return (limit_to(default), BEFORE, SKIP, COUNT)


def asked_page(request: web.Request, default: int) -> Page:
    """Return the page that a request wants of a list whose rows have numbers."""
    return Page(
        asked_limit(request, default), _number(request, "before", "an id of the page before"), *asked_skip(request)
    )


def asked_skip(request: web.Request) -> tuple[int, bool]:
    """Return how many rows a request passes over, and whether it wants them counted."""
    return _number(request, "skip", "a number of rows") or 0, request.query.get("count") == "1"


def asked_limit(request: web.Request, default: int) -> int:
    """Return how many rows a request wants."""
    limit = number_in(request.query.get("limit", str(default)))
    if limit is None or not 1 <= limit <= _MOST_ROWS:
        raise web.HTTPBadRequest(reason=f"limit is a number from 1 to {_MOST_ROWS}")
    return limit


def rows_of(
    connection: Connection, query: Select[Any], number: ColumnElement[Any], page: Page
) -> tuple[Sequence[RowMapping], int | None]:
    """Return a page of ``query``'s rows, the highest ``number`` first, and how many there are if asked."""
    if page.before is not None:
        query = query.where(number < page.before)
    total = count_of(connection, query) if page.is_counted else None
    return connection.execute(
        query.order_by(number.desc()).limit(page.limit).offset(page.skip)
    ).mappings().all(), total


def count_of(connection: Connection, query: Select[Any]) -> int:
    """Return how many rows ``query`` has."""
    return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def number_in(text: str) -> int | None:
    """Return the number in ``text`` if it can be one of a row."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _number(request: web.Request, name: str, meaning: str) -> int | None:
    if name not in request.query:
        return None
    number = number_in(request.query[name])
    if number is None:
        raise web.HTTPBadRequest(reason=f"{name} is {meaning}")
    return number
