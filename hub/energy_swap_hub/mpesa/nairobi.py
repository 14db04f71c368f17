"""M-Pesa's times: Nairobi's, in five spellings."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

EAT: Final = timezone(timedelta(hours=3), "EAT")

_YEAR_FIRST: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)(?:\.\d+)?Z?")
_DAY_FIRST: Final = re.compile(r"(\d\d)[.\-/](\d\d)[.\-/](\d{4}) (\d\d):(\d\d):(\d\d)")


def compact(at: datetime) -> str:
    """Return ``20261120143001``, for STK requests."""
    return at.astimezone(EAT).strftime("%Y%m%d%H%M%S")


def spaced(at: datetime) -> str:
    """Return ``2026-11-20 14:30:01``, for Pull requests."""
    return at.astimezone(EAT).strftime("%Y-%m-%d %H:%M:%S")


def parse(value: Any) -> datetime | None:
    """Return the UTC time that M-Pesa wrote, ``None`` if it is none.

    A trailing Z is not believed: Pull rows have one and carry Nairobi's hour.
    """
    text = str(value).strip()
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day, hour, minute, second = map(int, match.groups())
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second = map(int, match.groups())
    else:
        return None
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=EAT).astimezone(UTC)
    except ValueError:
        return None
