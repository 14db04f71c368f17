"""The opt-in trust mode: an on-chain program that mints by the meter's word and refunds by the clock. Not audited.

Nothing in the hub uses it by itself. Its source is ``hub/program/``; docs/chain.md says what it is good for.
"""

from .community import hand_over_mint, make_vault, thaw_vault, vault_of
from .deployment import DeployError, deploy, program_bytes
from .program import (
    MAX_RATED_W,
    MeterState,
    OrderState,
    Refusal,
    attested_mint,
    authority_address,
    meter_address,
    open_order,
    order_address,
    parse_meter,
    parse_order,
    refund,
    register_meter,
    release,
)

__all__ = [
    "MAX_RATED_W",
    "DeployError",
    "MeterState",
    "OrderState",
    "Refusal",
    "attested_mint",
    "authority_address",
    "deploy",
    "hand_over_mint",
    "make_vault",
    "meter_address",
    "open_order",
    "order_address",
    "parse_meter",
    "parse_order",
    "program_bytes",
    "refund",
    "register_meter",
    "release",
    "thaw_vault",
    "vault_of",
]
