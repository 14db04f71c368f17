"""What M-Pesa charges for a payout and for a payment in (whole KES, excise included; tariffs copied in 2025)."""

from typing import Final

from .rules import Bouquet

# (largest amount of the band, charge)
_B2C_CHARGE: Final = ((100, 0), (1_500, 5), (5_000, 9), (20_000, 11), (250_000, 13))
# (largest amount of the band, customer's share under Mgao, business's share); the sum is the whole charge
_C2B_CHARGE: Final = (
    *((100, 0, 0), (500, 5, 0), (1_000, 10, 0), (1_500, 10, 5), (2_500, 13, 7), (3_500, 16, 9)),
    *((5_000, 16, 18), (7_500, 17, 25), (10_000, 18, 30), (250_000, 24, 84)),
)


def b2c_charge_kes(kes: int) -> int:
    """Return the business's charge in whole KES for paying out ``kes`` (10 to 250,000)."""
    return next(charge for largest, charge in _B2C_CHARGE if kes <= largest)


def c2b_charges_kes(kes: int, bouquet: Bouquet) -> tuple[int, int]:
    """Return what customer and business are charged in whole KES for a payment in of ``kes`` (1 to 250,000)."""
    customer, business = next((c, b) for largest, c, b in _C2B_CHARGE if kes <= largest)
    match bouquet:
        case "mgao":
            return customer, business
        case "customer":
            return customer + business, 0
        case "business":
            return 0, customer + business
        case _:
            return 0, 0
