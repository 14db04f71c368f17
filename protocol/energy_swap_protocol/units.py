"""Units of the whole project: integer Wh, integer KES cents, integer cents per kWh."""

from typing import Final

WH_PER_KWH: Final = 1000
CENTS_PER_KES: Final = 100


def cost_cents(wh: int, cents_per_kwh: int) -> int:
    """Return the price in cents of ``wh`` watt-hours at ``cents_per_kwh``, rounded half to even.

    This is the only place where energy times price is rounded. Both arguments may be negative.
    """
    product = wh * cents_per_kwh
    quotient = product // WH_PER_KWH  # `divmod` takes twice as long, and each trade asks four times
    twice = (product - quotient * WH_PER_KWH) * 2
    if twice > WH_PER_KWH or (twice == WH_PER_KWH and quotient % 2):
        quotient += 1
    return quotient


def affordable_wh(cents: int, cents_per_kwh: int) -> int:
    """Return the most Wh whose ``cost_cents`` at ``cents_per_kwh`` (> 0) does not exceed ``cents``.

    A negative amount affords nothing.
    """
    if cents <= 0:
        return 0
    wh = cents * WH_PER_KWH // cents_per_kwh
    while cost_cents(wh + 1, cents_per_kwh) <= cents:
        wh += 1
    return wh
