"""The chain: eKWh on Solana, through durable intents that have their effect exactly once."""

from .approvals import Paper, paper_for, sign
from .chain import Chain, ChainDocument, Holding
from .client import NodeRefusedError, NodeUnavailableError, connect
from .community import CommunityChain, CommunityError
from .directory import HouseholdAccount, NoChainError, community_chain, find_household, household_account
from .intent import Intent, IntentConflictError, State, find, intents_of
from .keys import CoSigner, HubKeys, KeyFileError, load_keys
from .outbox import (
    enqueue_burn_period,
    enqueue_household_transaction,
    enqueue_mint_period,
    enqueue_open_account,
    enqueue_refund,
    enqueue_release,
)
from .payload import (
    Burn,
    BurnPeriod,
    HouseholdTransaction,
    Mint,
    MintPeriod,
    OpenAccount,
    Release,
    Transfer,
)
from .proposal_store import ApprovalError, Proposal, Stage, proposals, propose

__all__ = [
    "ApprovalError",
    "Burn",
    "BurnPeriod",
    "Chain",
    "ChainDocument",
    "CoSigner",
    "CommunityChain",
    "CommunityError",
    "Holding",
    "HouseholdAccount",
    "HouseholdTransaction",
    "HubKeys",
    "Intent",
    "IntentConflictError",
    "KeyFileError",
    "Mint",
    "MintPeriod",
    "NoChainError",
    "NodeRefusedError",
    "NodeUnavailableError",
    "OpenAccount",
    "Paper",
    "Proposal",
    "Release",
    "Stage",
    "State",
    "Transfer",
    "community_chain",
    "connect",
    "enqueue_burn_period",
    "enqueue_household_transaction",
    "enqueue_mint_period",
    "enqueue_open_account",
    "enqueue_refund",
    "enqueue_release",
    "find",
    "find_household",
    "household_account",
    "intents_of",
    "load_keys",
    "paper_for",
    "proposals",
    "propose",
    "sign",
]
