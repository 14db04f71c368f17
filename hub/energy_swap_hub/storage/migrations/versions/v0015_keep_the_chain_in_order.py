"""Keep keys, suspensions and recoveries of the chain: what approvers are asked is a proposal, admissions too."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OF_ADMISSIONS = sa.text(
    "SELECT c.community_id, c.household_id, c.account, c.nonce_account, c.nonce, c.memo, h.status, h.applied_at"
    " FROM chain_household c LEFT JOIN household h ON h.community_id = c.community_id AND h.id = c.household_id"
    " ORDER BY c.community_id, c.household_id"
)
_SIGNATURES = sa.text(
    "SELECT panel, approver, signature FROM chain_approval"
    " WHERE community_id = :community_id AND household_id = :household_id AND nonce = ("
    " SELECT max(nonce) FROM chain_approval WHERE community_id = :community_id AND household_id = :household_id)"
)


def upgrade() -> None:
    """Go from 0014 to 0015."""
    for name, kind in (("nonce_account", sa.String()), ("nonce", sa.String()), ("handing_over", sa.String())):
        op.add_column("chain_community", sa.Column(name, kind, nullable=True))
    op.add_column("chain_community", sa.Column("paused_at", sa.BigInteger(), nullable=True))
    proposal = op.create_table(
        "chain_proposal",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("household_id", sa.String(), nullable=True),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("nonce_account", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("approved", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "number"),
        sa.UniqueConstraint("community_id", "id"),
    )
    op.create_index("chain_proposal_state", "chain_proposal", ["community_id", "state"], unique=False)
    signature = op.create_table(
        "chain_signature",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("proposal_id", sa.String(), nullable=False),
        sa.Column("panel", sa.String(), nullable=False),
        sa.Column("approver", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "proposal_id", "panel", "approver"),
    )
    op.create_table(
        "recovery_claim",
        sa.Column("community_id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "key"),
    )
    _ask_for_admissions(proposal, signature)
    op.drop_table("chain_approval")


def _ask_for_admissions(proposal: sa.Table, signature: sa.Table) -> None:
    """Who has been admitted keeps its signatures; who waits is signed for anew: the message is another one now."""
    database = op.get_bind()
    numbers: dict[str, int] = {}
    for row in database.execute(_OF_ADMISSIONS).mappings().all():
        community_id, household_id = row["community_id"], row["household_id"]
        number = numbers[community_id] = numbers.get(community_id, 0) + 1
        proposal_id = f"admit:{household_id}:{number}"
        waits = row["status"] == "applied"
        memo = row["memo"] or f"admit:{household_id}"
        wish = {"type": "admit", "account": row["account"], "household": household_id, "memo": memo}
        state = "done" if not waits else "waiting" if row["nonce"] is None else "open"
        values = {
            "community_id": community_id,
            "number": number,
            "id": proposal_id,
            "kind": "admit",
            "household_id": household_id,
            "wish": json.dumps(wish, separators=(",", ":")),
            "reason": "the household has applied",
            "asked_by": "the hub",
            "asked_at": row["applied_at"] or 0,
            "nonce_account": row["nonce_account"],
            "nonce": row["nonce"],
            "state": state,
        }
        database.execute(sa.insert(proposal).values(values))
        if not waits:
            key = {"community_id": community_id, "household_id": household_id}
            for signed in database.execute(_SIGNATURES, key).mappings().all():
                one = {"community_id": community_id, "proposal_id": proposal_id, **signed}
                database.execute(sa.insert(signature).values(one))
