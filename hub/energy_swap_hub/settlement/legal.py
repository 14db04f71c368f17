"""Whether real money may move: not before a community has a legal basis for what it does."""

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import Connection

from energy_swap_hub.config import CommunityConfig

from .settings import settings_at

_PLAY: Final = "sandbox.safaricom.co.ke"


class NoLegalBasis(ValueError):  # noqa: N818 - reads as the answer it is
    """Real money would move without a legal basis; the text says what to record first."""


def moves_real_money(daraja_url: str) -> bool:
    """Whether payments through this Daraja are of real money: M-Pesa itself is reached by TLS only.

    Safaricom's sandbox moves none, nor does a simulator, which speaks plain HTTP.
    """
    address = urlsplit(daraja_url)
    return address.scheme.lower() == "https" and (address.hostname or "") != _PLAY


def why_no_payment(
    connection: Connection, community: CommunityConfig, daraja_url: str, now: datetime
) -> str | None:
    """Return why no money may be moved now, in words for who asked for it; None: it may."""
    if not moves_real_money(daraja_url):
        return None
    if settings_at(connection, community, now).legal_basis != "simulation":
        return None
    return (
        f"{community.name} has no legal basis for real money: it is a simulation. Its office records a licence "
        "or the agreement of a private network first (legal_basis and legal_reference)"
    )
