"""A household complains: its words and a picture are kept, and the office gets a review to answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from .complaint_tables import complaint
from .reviews import open_review
from .tables import review

KIND: Final = "complaint"
_MOST_OPEN: Final = 5
_MOST_SHOWN: Final = 50
MOST_PHOTO_BYTES: Final = 150_000
_TYPES: Final = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that came with a complaint, and what kind it is."""

    content: bytes
    type: str


def complain(
    connection: Connection,
    community_id: str,
    household_id: str,
    *,
    about: str,
    text: str,
    photo: bytes | None,
    now: datetime,
) -> int:
    """Keep a complaint, put it in front of the office, and return its number; raises `ValueError`."""
    if not text.strip():
        raise ValueError("text: say in a few words what is wrong")
    if len([one for one in complaints_of(connection, community_id, household_id) if one["is_open"]]) >= _MOST_OPEN:
        raise ValueError(f"{_MOST_OPEN} complaints of yours are open; wait for the office's answer to one of them")
    number = connection.execute(
        insert(complaint)
        .values(
            community_id=community_id,
            household_id=household_id,
            about=about,
            text=text.strip(),
            photo=photo,
            photo_type=None if photo is None else photo_type(photo),
            at=now,
        )
        .returning(complaint.c.id)
    ).scalar_one()
    evidence: dict[str, Any] = {"household": household_id, "about": about, "text": text.strip()}
    if photo is not None:
        evidence["photo"] = f"/api/v1/console/complaints/{number}/photo"
    open_review(connection, community_id, kind=KIND, subject=str(number), evidence=evidence, now=now)
    return int(number)


def photo_type(photo: bytes) -> str:
    """Return what kind of picture the bytes are; raises `ValueError` for anything else."""
    if len(photo) > MOST_PHOTO_BYTES:
        raise ValueError(f"photo: at most {MOST_PHOTO_BYTES // 1000} kB; send a smaller one")
    for beginning, kind in _TYPES.items():
        if photo.startswith(beginning):
            return kind
    raise ValueError("photo: a JPEG or a PNG picture")


def complaints_of(connection: Connection, community_id: str, household_id: str) -> list[dict[str, Any]]:
    """Return a household's complaints with the office's answers, the newest first."""
    row = complaint.c
    query = (
        select(row.id, row.about, row.text, row.at, row.photo_type)
        .where(row.community_id == community_id, row.household_id == household_id)
        .order_by(row.id.desc())
        .limit(_MOST_SHOWN)
    )
    found = connection.execute(query).all()
    answers = {
        subject: (state, resolution)
        for subject, state, resolution in connection.execute(
            select(review.c.subject, review.c.state, review.c.resolution).where(
                review.c.community_id == community_id,
                review.c.kind == KIND,
                review.c.subject.in_([str(one.id) for one in found]),
            )
        )
    }
    return [
        {
            "id": one.id,
            "about": one.about,
            "text": one.text,
            "at": int(one.at.timestamp()),
            "has_photo": one.photo_type is not None,
            "is_open": answers[str(one.id)][0] == "open",
            "answer": answers[str(one.id)][1],
        }
        for one in found
    ]


def photo_of(connection: Connection, community_id: str, number: int, *, household_id: str | None = None) -> Photo:
    """Return the picture of a complaint, of one household's or of any; raises `LookupError`."""
    row = complaint.c
    query = select(row.photo, row.photo_type).where(
        row.community_id == community_id, row.id == number, row.photo.is_not(None)
    )
    if household_id is not None:
        query = query.where(row.household_id == household_id)
    found = connection.execute(query).first()
    if found is None:
        raise LookupError(f"complaint {number} has no picture")
    return Photo(bytes(found.photo), found.photo_type)
