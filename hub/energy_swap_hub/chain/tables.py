"""The chain's tables: each community's token, each household's account, proposals, and the intents."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from energy_swap_hub.storage import Id, UtcTime, metadata

chain_community: Final = Table(
    "chain_community",
    metadata,
    Column("community_id", String, primary_key=True),
    Column("genesis", String, nullable=False),  # of the chain this token is on
    Column("mint", String, nullable=False),
    Column("authority", String, nullable=False),  # 2-of-3 {hub, verifier A, verifier B}: mints, owns the escrow
    Column("approvers_authority", String, nullable=False),  # m-of-n approvers: thaws, freezes, recovers
    Column("escrow", String, nullable=False),
    Column("hub", String, nullable=False),
    Column("verifiers", String, nullable=False),  # base58, separated by spaces
    Column("approvers", String, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("nonce_account", String),  # of what the approvers decide about the community; null until it was needed
    Column("nonce", String),
    Column("paused_at", UtcTime),
    Column("handing_over", String),  # the proposal by which minting goes to a new 2-of-3, while it does
    Column("hubs_before", String),  # the hub's earlier keys, the founding one first, separated by spaces
    Column("acting_hub", String),  # the key that acts while the hub's own is lost and nothing handed over yet
    Column("lost_hub", String),  # the lost key that alone could burn and pause, for good
    Column("program", String),  # of the trust mode, which mints; null: the 2-of-3 itself does
    Column("meter_lamports", Id),  # rent of what that program keeps of a meter
)

chain_household: Final = Table(
    "chain_household",
    metadata,
    Column("community_id", String, primary_key=True),
    Column("household_id", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("account", String, nullable=False),
    Column("nonce_account", String, nullable=False),
    Column("nonce", String),  # null until the account is open
    Column("memo", String),  # of its admission, naming its meter; null in those of before that was so
)

chain_proposal: Final = Table(
    "chain_proposal",
    metadata,
    Column("community_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False),  # <kind>[:<household>]:<number>; also the intent's id
    Column("kind", String, nullable=False),
    Column("household_id", String),  # null: it is about the community itself
    Column("wish", Text, nullable=False),  # JSON of a proposal.Wish
    Column("reason", Text, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("nonce_account", String, nullable=False),
    Column("nonce", String),  # null until the nonce account is open
    Column("state", String, nullable=False),  # waiting | open | complete | done | failed | withdrawn | outdated
    Column("approved", Text),  # JSON of the payload.Approved, once a panel has signed
    Column("ended_at", UtcTime),
    UniqueConstraint("community_id", "id"),
)
Index("chain_proposal_state", chain_proposal.c.community_id, chain_proposal.c.state)

chain_signature: Final = Table(
    "chain_signature",
    metadata,
    Column("community_id", String, primary_key=True),
    Column("proposal_id", String, primary_key=True),
    Column("panel", String, primary_key=True),  # positions of the panel's approvers, separated by commas
    Column("approver", String, primary_key=True),
    Column("signature", String, nullable=False),
)

chain_intent: Final = Table(
    "chain_intent",
    metadata,
    Column("number", Id, primary_key=True),
    Column("community_id", String, nullable=False),
    Column("id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String, nullable=False),  # queued | sent | confirmed | failed
    Column("raw", LargeBinary),
    Column("signature", String),
    Column("last_valid_block_height", Id),  # null: bound to a durable nonce, does not expire
    Column("error", Text),
    Column("fee_lamports", Id),
    Column("created_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    UniqueConstraint("community_id", "id"),
)
Index("chain_intent_open", chain_intent.c.community_id, chain_intent.c.state, chain_intent.c.number)
Index("chain_intent_by_number", chain_intent.c.community_id, chain_intent.c.number)
