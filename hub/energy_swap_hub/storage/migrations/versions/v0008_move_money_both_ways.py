"""Move money both ways."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_IS_OPEN = sa.text("state IN ('queued', 'sending', 'prompted', 'unknown', 'confirmed')")


def upgrade() -> None:
    """Go from 0007 to 0008."""
    _change_intents()
    _change_what_is_received()
    with op.batch_alter_table("payout", schema=None) as batch_op:
        batch_op.add_column(sa.Column("accepted_at", sa.BigInteger(), nullable=True))
    _create_reversals_and_stops()
    _create_reports()


def _change_intents() -> None:
    with op.batch_alter_table("payment_intent", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purpose", sa.Text(), nullable=False, server_default="top_up"))
        batch_op.add_column(sa.Column("phone_key", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("expires_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("given_up_at", sa.BigInteger(), nullable=True))
        batch_op.drop_index("one_open_intent_per_household")
    # Which phone it was is not known here, so each old one counts as a phone of its own.
    op.execute(sa.text("UPDATE payment_intent SET phone_key = intent_id"))
    with op.batch_alter_table("payment_intent", schema=None) as batch_op:
        batch_op.alter_column("purpose", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.alter_column("phone_key", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.create_index("payment_intent_by_purpose", ["community_id", "purpose"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_intent_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(
            "one_open_intent_per_phone",
            ["phone_key"],
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        )


def _change_what_is_received() -> None:
    with op.batch_alter_table("payment_receipt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("household_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("reference", sa.Text(), nullable=False, server_default=""))
        batch_op.alter_column("intent_id", existing_type=sa.Text(), nullable=True)
    op.execute(
        sa.text(
            "UPDATE payment_receipt SET household_id = (SELECT i.household_id FROM payment_intent i"
            " WHERE i.intent_id = payment_receipt.intent_id), reference = coalesce((SELECT i.account_reference"
            " FROM payment_intent i WHERE i.intent_id = payment_receipt.intent_id), '')"
        )
    )
    with op.batch_alter_table("payment_receipt", schema=None) as batch_op:
        batch_op.alter_column("reference", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.create_index(batch_op.f("ix_payment_receipt_paid_at"), ["paid_at"], unique=False)
    with op.batch_alter_table("payment_callback", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("is_held", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("payment_callback", schema=None) as batch_op:
        batch_op.alter_column("source", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.alter_column("is_held", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def _create_reversals_and_stops() -> None:
    op.create_table(
        "payment_reversal",
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=True),
        sa.Column("kes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reversal_receipt", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("receipt", name=op.f("pk_payment_reversal")),
        sa.UniqueConstraint("reversal_receipt", name=op.f("uq_payment_reversal_reversal_receipt")),
    )
    op.create_index(op.f("ix_payment_reversal_due_at"), "payment_reversal", ["due_at"], unique=False)
    op.create_table(
        "payout_stop",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_payout_stop")),
    )


def _create_reports() -> None:
    op.create_table(
        "account_report",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("utility_cents", sa.BigInteger(), nullable=True),
        sa.Column("working_cents", sa.BigInteger(), nullable=True),
        sa.Column("charges_cents", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_account_report")),
    )
    op.create_index(op.f("ix_account_report_asked_at"), "account_report", ["asked_at"], unique=False)
    op.create_table(
        "statement_line",
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receipt", "kind", name=op.f("pk_statement_line")),
    )
    op.create_index(op.f("ix_statement_line_at"), "statement_line", ["at"], unique=False)
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("matched", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=False),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    op.create_index(
        "reconciliation_of_community", "reconciliation", ["community_id", "source", "starts_at"], unique=False
    )
