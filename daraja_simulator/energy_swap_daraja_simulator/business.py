"""The one short code this Daraja serves: its numbers and its secrets, all of them for tests only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Business:
    """A "one account" PayBill: collections land in Utility and payouts leave from it."""

    short_code: str = "600584"
    name: str = "ENERGY SWAP"
    passkey: str = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
    consumer_key: str = "simulatorconsumerkey"
    consumer_secret: str = "simulatorconsumersecret"  # noqa: S105 - public on purpose
    initiator: str = "hub"
    initiator_password: str = "Simulator#2026"  # noqa: S105 - public on purpose
