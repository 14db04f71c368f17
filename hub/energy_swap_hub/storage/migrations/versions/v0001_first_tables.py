"""First tables; a file from before there were migrations has them, and no version yet."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from nothing to 0001."""
    op.create_table(
        "auction",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("start_price", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("leader", sa.Text(), nullable=True),
        sa.Column("best_bid", sa.BigInteger(), nullable=True),
        sa.Column("leader_hold", sa.Text(), nullable=True),
        sa.Column("leader_since", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_auction")),
        if_not_exists=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        if_not_exists=True,
    )
    op.create_table(
        "burn_allowance",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("remaining_wh", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "household_id", name=op.f("pk_burn_allowance")),
        if_not_exists=True,
    )
    op.create_table(
        "chain_approval",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("household_id", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("panel", sa.String(), nullable=False),
        sa.Column("approver", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "household_id", "nonce", "panel", "approver", name=op.f("pk_chain_approval")
        ),
        if_not_exists=True,
    )
    op.create_table(
        "chain_community",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("genesis", sa.String(), nullable=False),
        sa.Column("mint", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("approvers_authority", sa.String(), nullable=False),
        sa.Column("escrow", sa.String(), nullable=False),
        sa.Column("hub", sa.String(), nullable=False),
        sa.Column("verifiers", sa.String(), nullable=False),
        sa.Column("approvers", sa.String(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_chain_community")),
        if_not_exists=True,
    )
    op.create_table(
        "chain_household",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("household_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("nonce_account", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "household_id", name=op.f("pk_chain_household")),
        if_not_exists=True,
    )
    op.create_table(
        "chain_intent",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.String(), nullable=True),
        sa.Column("last_valid_block_height", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("fee_lamports", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_chain_intent")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_chain_intent_community_id_id")),
        if_not_exists=True,
    )
    op.create_index(
        "chain_intent_open", "chain_intent", ["community_id", "state", "number"], unique=False, if_not_exists=True
    )
    op.create_table(
        "console_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_console_session")),
        if_not_exists=True,
    )
    op.create_table(
        "household",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("meter", sa.LargeBinary(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_hash", sa.LargeBinary(), nullable=False),
        sa.Column("rated_pv_w", sa.BigInteger(), nullable=False),
        sa.Column("main_breaker_w", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("admitted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_household")),
        sa.UniqueConstraint("community_id", "number", name=op.f("uq_household_community_id_number")),
        sa.UniqueConstraint("community_id", "phone_hash", name=op.f("uq_household_community_id_phone_hash")),
        sa.UniqueConstraint("key", name=op.f("uq_household_key")),
        sa.UniqueConstraint("meter", name=op.f("uq_household_meter")),
        if_not_exists=True,
    )
    op.create_table(
        "ledger_balance",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0 OR account NOT LIKE '%:%'", name=op.f("no_household_below_zero")),
        sa.PrimaryKeyConstraint("community_id", "account", name=op.f("pk_ledger_balance")),
        if_not_exists=True,
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint(
            "community_id", "source", "external_id", name=op.f("uq_ledger_entry_community_id_source_external_id")
        ),
        if_not_exists=True,
    )
    op.create_index("ledger_entry_at", "ledger_entry", ["community_id", "at"], unique=False, if_not_exists=True)
    op.create_table(
        "ledger_hold",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("remaining >= 0", name=op.f("no_hold_below_zero")),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_ledger_hold")),
        if_not_exists=True,
    )
    op.create_table(
        "message",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_message")),
        if_not_exists=True,
    )
    op.create_table(
        "meter_state",
        sa.Column("meter", sa.LargeBinary(), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.Column("export_wh", sa.BigInteger(), nullable=False),
        sa.Column("import_wh", sa.BigInteger(), nullable=False),
        sa.Column("generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("net_w", sa.BigInteger(), nullable=True),
        sa.Column("generation_w", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("meter", name=op.f("pk_meter_state")),
        if_not_exists=True,
    )
    op.create_table(
        "payment_callback",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("processed_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_payment_callback")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_payment_callback_processed_at"),
        "payment_callback",
        ["processed_at"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "payment_intent",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("kes", sa.BigInteger(), nullable=False),
        sa.Column("account_reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("checkout_request_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "intent_id", name=op.f("pk_payment_intent")),
        sa.UniqueConstraint("account_reference", name=op.f("uq_payment_intent_account_reference")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_payment_intent_due_at"), "payment_intent", ["due_at"], unique=False, if_not_exists=True
    )
    op.create_index(
        "one_open_intent_per_household",
        "payment_intent",
        ["community_id", "household_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('queued', 'sending', 'prompted', 'unknown', 'confirmed')"),
        postgresql_where=sa.text("state IN ('queued', 'sending', 'prompted', 'unknown', 'confirmed')"),
        if_not_exists=True,
    )
    op.create_index("payment_intent_by_id", "payment_intent", ["intent_id"], unique=True, if_not_exists=True)
    op.create_table(
        "payment_receipt",
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("kes", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receipt", name=op.f("pk_payment_receipt")),
        if_not_exists=True,
    )
    op.create_table(
        "payout",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("kes", sa.BigInteger(), nullable=False),
        sa.Column("originator_conversation_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("is_overdue", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "payout_id", name=op.f("pk_payout")),
        sa.UniqueConstraint("originator_conversation_id", name=op.f("uq_payout_originator_conversation_id")),
        sa.UniqueConstraint("receipt", name=op.f("uq_payout_receipt")),
        if_not_exists=True,
    )
    op.create_index(op.f("ix_payout_due_at"), "payout", ["due_at"], unique=False, if_not_exists=True)
    op.create_table(
        "payout_day",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "day", name=op.f("pk_payout_day")),
        if_not_exists=True,
    )
    op.create_table(
        "period",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cents_per_kwh", sa.BigInteger(), nullable=True),
        sa.Column("supply_wh", sa.BigInteger(), nullable=False),
        sa.Column("demand_wh", sa.BigInteger(), nullable=False),
        sa.Column("traded_wh", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("intents", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "start", name=op.f("pk_period")),
        if_not_exists=True,
    )
    op.create_table(
        "position",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("export_wh", sa.BigInteger(), nullable=False),
        sa.Column("import_wh", sa.BigInteger(), nullable=False),
        sa.Column("generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("sequence_from", sa.BigInteger(), nullable=False),
        sa.Column("sequence_to", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("order_wh", sa.BigInteger(), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=True),
        sa.Column("own_wh", sa.BigInteger(), nullable=False),
        sa.Column("sold_wh", sa.BigInteger(), nullable=False),
        sa.Column("bought_wh", sa.BigInteger(), nullable=False),
        sa.Column("earned_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "start", "household_id", name=op.f("pk_position")),
        if_not_exists=True,
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        if_not_exists=True,
    )
    op.create_index(
        "quarantine_household", "quarantine", ["community_id", "household_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "reading",
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.Column("meter", sa.LargeBinary(), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("export_wh", sa.BigInteger(), nullable=False),
        sa.Column("import_wh", sa.BigInteger(), nullable=False),
        sa.Column("generation_wh", sa.BigInteger(), nullable=False),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("measured_at", "meter", name=op.f("pk_reading")),
        if_not_exists=True,
    )
    op.create_index("reading_sequence", "reading", ["meter", "sequence"], unique=True, if_not_exists=True)
    op.create_table(
        "review",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        if_not_exists=True,
    )
    op.create_table(
        "settled_register",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("export_wh", sa.BigInteger(), nullable=False),
        sa.Column("import_wh", sa.BigInteger(), nullable=False),
        sa.Column("generation_wh", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "household_id", name=op.f("pk_settled_register")),
        if_not_exists=True,
    )
    op.create_table(
        "spot_order",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("remaining_wh", sa.BigInteger(), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "id", name=op.f("pk_spot_order")),
        if_not_exists=True,
    )
    op.create_table(
        "standing_order",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("sell_at_least", sa.BigInteger(), nullable=True),
        sa.Column("buy_at_most", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_order")),
        if_not_exists=True,
    )
    op.create_index(
        "standing_order_household",
        "standing_order",
        ["community_id", "household_id", "valid_from"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "trade",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("buyer", sa.Text(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("cents_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trade")),
        if_not_exists=True,
    )
    op.create_index("trade_reference", "trade", ["community_id", "reference"], unique=False, if_not_exists=True)
    op.create_table(
        "ledger_posting",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("leg", sa.BigInteger(), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_posting_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "leg", name=op.f("pk_ledger_posting")),
        if_not_exists=True,
    )
    op.create_index(
        "ledger_posting_account", "ledger_posting", ["community_id", "account"], unique=False, if_not_exists=True
    )
