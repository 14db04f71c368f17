"""The opt-in trust mode: an on-chain program that mints by the meters' word and refunds by the clock. Not audited.

A community is founded with it or without, as configured. The hub mints with it. The program's escrow for one sale
can be called from here; the hub's markets do not call it. Its source is ``hub/program/``; docs/chain.md says more.
"""

from .deployment import DeployError, check_program, deploy, program_bytes
from .program import (
    MAX_RATED_W,
    METER_BYTES,
    OFFICE_BYTES,
    MeterState,
    OrderState,
    Refusal,
    appoint,
    attested_mint,
    authority_address,
    meter_address,
    open_order,
    order_address,
    parse_meter,
    parse_office,
    parse_order,
    refund,
    register_meter,
    release,
)
from .vault import make_vault, thaw_vault, vault_of

__all__ = [
    "MAX_RATED_W",
    "METER_BYTES",
    "OFFICE_BYTES",
    "DeployError",
    "MeterState",
    "OrderState",
    "Refusal",
    "appoint",
    "attested_mint",
    "authority_address",
    "check_program",
    "deploy",
    "make_vault",
    "meter_address",
    "open_order",
    "order_address",
    "parse_meter",
    "parse_office",
    "parse_order",
    "program_bytes",
    "refund",
    "register_meter",
    "release",
    "thaw_vault",
    "vault_of",
]
