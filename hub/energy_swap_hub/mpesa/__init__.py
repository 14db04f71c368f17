"""Money in by STK push or by hand, out by B2C, back by reversal: durable, never sent twice, once per receipt."""

from .config import MPesaConfig
from .events import Payer, PaymentEvents, PaymentRefused
from .mpesa import MPesa, open_payments

__all__ = ["MPesa", "MPesaConfig", "Payer", "PaymentEvents", "PaymentRefused", "open_payments"]
