"""What M-Pesa charges the business for a payout (KES, excise included; bulk payment tariff copied in 2025)."""

from typing import Final

# (largest amount of the band, charge)
_B2C_CHARGE: Final = ((100, 0), (1_500, 5), (5_000, 9), (20_000, 11), (250_000, 13))


def b2c_charge_kes(kes: int) -> int:
    """Return the business's charge in whole KES for paying out ``kes`` (10 to 250,000)."""
    return next(charge for largest, charge in _B2C_CHARGE if kes <= largest)
