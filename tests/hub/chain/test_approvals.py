"""Proposals as the tables keep them, on both databases."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from energy_swap_hub.chain.approvals import paper_for, sign, signed_counts
from energy_swap_hub.chain.community import plan_community
from energy_swap_hub.chain.directory import add_community
from energy_swap_hub.chain.intent import find
from energy_swap_hub.chain.payload import Approved
from energy_swap_hub.chain.proposal import Admission, Suspension, Wish
from energy_swap_hub.chain.proposal_store import (
    ApprovalError,
    Proposal,
    Stage,
    nonce_changed,
    outdate_open,
    proposals,
    propose,
)
from energy_swap_hub.storage import Database
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from sqlalchemy import Connection

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
KEYS = [Keypair.from_seed(bytes([n]) * 32) for n in range(1, 9)]
APPROVERS = sorted(KEYS[3:6], key=lambda key: str(key.pubkey()))
CHAIN = plan_community(
    "c", "genesis", KEYS[0].pubkey(), [k.pubkey() for k in KEYS[1:3]], [k.pubkey() for k in APPROVERS], 2
)
NONCES = [str(Hash(bytes([n]) * 32)) for n in range(3)]


def ask(connection: Connection, wish: Wish, account: int, nonce: str | None) -> Proposal:
    return propose(
        connection, "c", wish, (Pubkey(bytes([account]) * 32), nonce), asked_by="office", reason="why", now=NOW
    )


def signed_by(connection: Connection, proposal: Proposal, *approvers: Keypair) -> None:
    for approver in approvers:
        paper = paper_for(connection, proposal, approver.pubkey())
        signatures = [approver.sign_message(message) for message in paper.messages]
        sign(connection, "c", proposal.id, approver.pubkey(), signatures, NOW)


async def test_proposals_are_signed_counted_and_outdated(where: Path | str) -> None:
    account = str(KEYS[7].pubkey())

    def live(connection: Connection) -> None:
        add_community(connection, CHAIN)
        one, two = [ask(connection, Admission(f"h-00{n}", account, f"admit:h-00{n}"), n, None) for n in (1, 2)]
        assert (one.id, one.stage) == ("admit:h-001:1", Stage.WAITING)
        with pytest.raises(ApprovalError, match="is waiting"):
            sign(connection, "c", one.id, APPROVERS[0].pubkey(), [KEYS[0].sign_message(b"x")], NOW)
        for proposal in (one, two):
            nonce_changed(connection, "c", str(proposal.nonce_account), NONCES[0], NOW)
        one, two = reversed(proposals(connection, "c", (Stage.OPEN,)))
        signed_by(connection, one, *APPROVERS[1:])
        signed_by(connection, two, APPROVERS[0])
        assert signed_counts(connection, "c", "admit") == {"h-001": 2, "h-002": 1}
        intent = find(connection, "c", one.id)
        assert intent is not None
        assert isinstance(intent.payload, Approved)
        assert [p.id for p in proposals(connection, "c", (Stage.COMPLETE,))] == [one.id]

        three = ask(connection, Suspension("h-002", account), 2, NONCES[0])
        signed_by(connection, three, *APPROVERS[:2])
        assert find(connection, "c", three.id) is None, "it waits until nothing of the household's is under way"
        nonce_changed(connection, "c", str(three.nonce_account), NONCES[1], NOW)
        ended = {p.id for p in proposals(connection, "c", (Stage.OUTDATED,))}
        assert ended == {two.id, three.id}
        again = ask(connection, Suspension("h-002", account), 2, NONCES[1])
        assert [p.id for p in outdate_open(connection, "c", NOW)] == [again.id]

    database = Database.open(where)
    await database.write(live)
    await database.close()
