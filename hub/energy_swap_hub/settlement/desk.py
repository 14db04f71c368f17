"""What carrying out the wishes of households needs besides the database."""

from dataclasses import dataclass

from sqlalchemy import Connection

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership import households
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.mpesa import MPesa
from energy_swap_hub.mpesa.charges import Charges

from .tokens import TokenDesk


@dataclass(frozen=True, slots=True)
class Desk:
    """What carrying out messages needs besides the database."""

    community: CommunityConfig
    phones: PhoneBook
    mpesa: MPesa
    charges: Charges
    tokens: TokenDesk
    phone_daily_cents: int = 500_000  # what one paired phone may move in a day

    def phone_of(self, connection: Connection, community_id: str, household_id: str) -> str:
        """Return a household's phone number, for M-Pesa's eyes only."""
        return self.phones.open(households.sealed_phone(connection, community_id, household_id))
