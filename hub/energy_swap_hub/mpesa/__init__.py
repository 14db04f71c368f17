"""Money in by STK push and out by B2C: durable, never sent twice, credited once per receipt."""

from .config import MPesaConfig
from .events import PaymentEvents, PaymentRefused
from .mpesa import MPesa, open_payments

__all__ = ["MPesa", "MPesaConfig", "PaymentEvents", "PaymentRefused", "open_payments"]
