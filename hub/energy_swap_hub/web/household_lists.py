"""Lists of households: found by words, chosen by how they stand, in the order asked for, a page at a time."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from solders.pubkey import Pubkey
from sqlalchemy import ColumnElement, Connection, Select, case, false, func, or_, select, true, tuple_

from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.membership.tables import household

from .paging import COUNT, SKIP, asked_limit, asked_skip, limit_to
from .route import Query

_DEFAULT: Final = 100
_MOST_WORDS: Final = 100
_KEY_DIGITS: Final = re.compile(r"[0-9a-f]{4,64}")
_PHONE: Final = re.compile(r"(?:\+?254|0)([17][0-9]{8})")

FIND: Final = Query(
    "q",
    "only households whose name or id has this in it, whose meter's key begins so or whose address it is; "
    "for an admin also a whole phone number",
)
AFTER: Final = Query("before", "only households that follow the one with this id in the order asked for")


@dataclass(frozen=True, slots=True)
class Order:
    """What a list can be sorted by and chosen by: expressions over `household`, by the names that callers use.

    Without a word on it a list is sorted by the first of the ``keys``. Only households for which ``is_listed``
    holds are in it at all.
    """

    keys: Mapping[str, ColumnElement[Any]]
    standings: Mapping[str, ColumnElement[bool]]
    is_listed: ColumnElement[bool] = field(default_factory=true)

    @property
    def usual(self) -> str:
        """What it is sorted by when nobody says."""
        return next(iter(self.keys))

    def queries(self) -> tuple[Query, ...]:
        """Return what a route with such a list takes from its address."""
        return (
            FIND,
            Query("state", f"only those that are {_either(self.standings)}"),
            Query("sort", f"{_either(self.keys)}; a minus before it: the highest first; without it {self.usual}"),
            limit_to(_DEFAULT),
            AFTER,
            SKIP,
            COUNT,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a list: of the households that the ``words`` find, those of a ``standing`` (None: all)."""

    words: str
    standing: str | None
    sort: str
    is_falling: bool
    limit: int
    after: str | None
    skip: int
    is_counted: bool
    may_find_phones: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """The ids of a page's households in their order.

    If asked for, ``counts`` is how many households the words find in each standing, and ``all``, and ``total`` how
    many there are in the list from the page's beginning on.
    """

    ids: Sequence[str]
    following: str | None
    total: int | None
    counts: dict[str, int] | None


def asked_households(request: web.Request, who: Session, order: Order) -> Wanted:
    """Return what a request wants of a list of households; raises `web.HTTPBadRequest` in words."""
    asked = request.query
    words, standing, sort = asked.get("q", "").strip(), asked.get("state"), asked.get("sort", order.usual)
    if len(words) > _MOST_WORDS:
        raise web.HTTPBadRequest(reason=f"q has at most {_MOST_WORDS} characters")
    if standing is not None and standing not in order.standings:
        raise web.HTTPBadRequest(reason=f"state is {_either(order.standings)}; leave it out for all")
    if sort.removeprefix("-") not in order.keys:
        raise web.HTTPBadRequest(reason=f"sort is {_either(order.keys)}, with a minus for the highest first")
    skip, is_counted = asked_skip(request)
    return Wanted(
        words,
        standing,
        sort.removeprefix("-"),
        sort.startswith("-"),
        asked_limit(request, _DEFAULT),
        asked.get("before"),
        skip,
        is_counted,
        who.role == "admin",
    )


def listed(connection: Connection, community_id: str, wanted: Wanted, order: Order, phones: PhoneBook) -> Listed:
    """Return a page of a list of households. Raises `LookupError` when there is none to go on after."""
    home = household.c
    found = [home.community_id == community_id, order.is_listed, *_found(wanted, phones)]
    chosen = [*found, *(() if wanted.standing is None else (order.standings[wanted.standing],))]
    key, number = order.keys[wanted.sort], home.number
    query: Select[Any] = select(home.id).where(*chosen)
    if wanted.after is not None:
        here = select(key, number).where(home.community_id == community_id, home.id == wanted.after)
        place = connection.execute(here).first()
        if place is None:
            raise LookupError(f"no household {wanted.after}")
        # The number alone is an index that the database can go on reading in.
        row, at = (number, place[1]) if key is number else (tuple_(key, number), tuple(place))
        query = query.where(row < at if wanted.is_falling else row > at)
    total = counts = None
    if wanted.is_counted:
        total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        counts = _counts(connection, found, order)
    sorting = (key, number) if key is not number else (number,)
    ordered = query.order_by(*(one.desc() if wanted.is_falling else one.asc() for one in sorting))
    ids = connection.execute(ordered.limit(wanted.limit).offset(wanted.skip)).scalars().all()
    return Listed(ids, ids[-1] if len(ids) == wanted.limit else None, total, counts)


def _counts(connection: Connection, found: Sequence[ColumnElement[bool]], order: Order) -> dict[str, int]:
    each = [func.coalesce(func.sum(case((which, 1), else_=0)), 0) for which in order.standings.values()]
    row = connection.execute(select(func.count(household.c.id), *each).where(*found)).one()
    return dict(zip(("all", *order.standings), map(int, row), strict=True))


def _found(wanted: Wanted, phones: PhoneBook) -> Sequence[ColumnElement[bool]]:
    """Return the condition that the words find a household; what is sealed is found by the whole of it only."""
    words, home = wanted.words, household.c
    if words == "":
        return ()
    small = words.lower()
    ways: list[ColumnElement[bool]] = [
        func.lower(home.name).contains(small, autoescape=True),
        home.id.contains(small, autoescape=True),
    ]
    if _KEY_DIGITS.fullmatch(small):
        ways.append(home.meter.between(bytes.fromhex(small.ljust(64, "0")), bytes.fromhex(small.ljust(64, "f"))))
    with suppress(ValueError):  # no address
        ways.append(home.key == bytes(Pubkey.from_string(words)))
    phone = _PHONE.fullmatch(re.sub(r"[\s-]", "", words)) if wanted.may_find_phones else None
    if phone is not None:
        ways.append(home.phone_hash == phones.hash(f"254{phone[1]}"))
    return (or_(false(), *ways),)


def _either(names: Mapping[str, object]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
