"""How a hub is set up to speak to a simulated M-Pesa."""

from pathlib import Path

from energy_swap_daraja_simulator.business import Business
from energy_swap_hub.config import DarajaConfig


def daraja_settings(business: Business, url: str, hub_url: str, certificate: Path) -> DarajaConfig:
    """Return the settings of a hub at ``hub_url`` for ``business``, whose simulated M-Pesa is at ``url``."""
    return DarajaConfig(
        base_url=url,
        callback_base_url=hub_url,
        short_code=int(business.short_code),
        passkey=business.passkey,
        consumer_key=business.consumer_key,
        consumer_secret=business.consumer_secret,
        initiator=business.initiator,
        initiator_password=business.initiator_password,
        certificate=certificate,
    )
