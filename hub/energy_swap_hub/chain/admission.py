"""Admission: m of n approvers thaw a household's account, each signing alone and off-line, in any order.

Which approvers sign decides a Solana message's accounts, so there is no one message that any m of n could sign.
Each possible panel of m approvers has its own message, all bound to the same durable nonce, so at most one can
ever land. An approver signs the messages of every panel that can still complete: the first of 2-of-3 signs two
(with either of the others), the second one; the first of 5-of-9 signs 70, in a few milliseconds. Nobody is
appointed, nobody comes back a second time, and whoever does not answer holds nothing up. The admission is
complete when all of some panel have signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from energy_swap_protocol.transaction import TOKEN_2022, memo_instruction
from solders.hash import Hash
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import AdvanceNonceAccountParams, advance_nonce_account
from spl.token.instructions import thaw_account
from spl.token.models import ThawAccountParams
from sqlalchemy import Connection, insert, select

from .community import CommunityChain
from .directory import HouseholdAccount, NoChainError, community_chain, household_account
from .intent import enqueue, find
from .payload import Admit
from .tables import chain_approval

type Panel = tuple[int, ...]


class ApprovalError(ValueError):
    """An approval cannot be counted; the text says why."""


@dataclass(frozen=True, slots=True)
class Admission:
    """One household's admission as one approver sees it.

    ``messages`` are the bytes this approver signs, all of them, in this order; none once it has signed.
    ``signed`` are the approvers who have, of whom ``needed`` must.
    """

    household: str
    account: Pubkey
    memo: str
    messages: tuple[bytes, ...]
    signed: tuple[Pubkey, ...]
    needed: int


def admission_message(
    chain: CommunityChain, household: HouseholdAccount, nonce: str, panel: Sequence[Pubkey]
) -> MessageV0:
    """Return the message by which ``panel`` admits ``household``; the hub pays and is the nonce's authority."""
    return MessageV0.try_compile(
        chain.hub,
        [
            advance_nonce_account(
                AdvanceNonceAccountParams(nonce_pubkey=household.nonce_account, authorized_pubkey=chain.hub)
            ),
            memo_instruction(household.memo),
            thaw_account(
                ThawAccountParams(
                    program_id=TOKEN_2022,
                    account=household.account,
                    mint=chain.mint,
                    authority=chain.approvers_authority,
                    multi_signers=list(panel),
                )
            ),
        ],
        [],
        Hash.from_string(nonce),
    )


def admission_for(connection: Connection, community: str, household: str, approver: Pubkey) -> Admission:
    """Return what ``approver`` is to sign to admit ``household``.

    Raises `NoChainError` until the household's account is open on the chain, `ApprovalError` for a stranger.
    """
    chain = community_chain(connection, community)
    account, nonce = _opened(connection, community, household)
    position = _position(chain, approver)
    signatures = _signatures(connection, community, household, nonce)
    signed = _signed(signatures)
    panels = () if position in signed else _panels(chain, position, signed)
    return Admission(
        household=household,
        account=account.account,
        memo=account.memo,
        messages=tuple(_bytes(chain, account, nonce, panel) for panel in panels),
        signed=tuple(chain.approvers[i] for i in signed),
        needed=chain.needed,
    )


def approve(
    connection: Connection,
    community: str,
    household: str,
    approver: Pubkey,
    signatures: Sequence[Signature],
    now: datetime,
) -> Admission:
    """Count an approver's ``signatures`` over the messages of `admission_for`, in their order.

    When a panel is complete, its admission is enqueued. The same signatures again change nothing. Raises
    `ApprovalError` if a signature belongs to none of the messages, or none was given.
    """
    chain = community_chain(connection, community)
    account, nonce = _opened(connection, community, household)
    position = _position(chain, approver)
    if not signatures:
        raise ApprovalError("an approval is one or more signatures")
    # Others may have signed since this approver looked: any panel with the approver counts.
    panels = iter([panel for panel in _all_panels(chain) if position in panel])
    for signature in signatures:
        panel = next((p for p in panels if signature.verify(approver, _bytes(chain, account, nonce, p))), None)
        if panel is None:
            raise ApprovalError(
                "a signature is not one over this admission's messages in their order; fetch and sign them again"
            )
        _store(connection, community, household, nonce, panel, approver, signature)
    known = _signatures(connection, community, household, nonce)
    complete = next((p for p in _all_panels(chain) if all((p, i) in known for i in p)), None)
    if complete is not None:
        members = tuple(str(chain.approvers[i]) for i in complete)
        payload = Admit(household, nonce, members, tuple(known[complete, i] for i in complete), account.memo)
        enqueue_admit(connection, community, payload, now)
    return admission_for(connection, community, household, approver)


def enqueue_admit(connection: Connection, community: str, payload: Admit, now: datetime) -> str:
    """Enqueue the admission that a complete panel has signed; the first complete panel of a nonce wins."""
    intent_id = admit_intent_id(payload.household, payload.nonce)
    if find(connection, community, intent_id) is not None:
        return intent_id
    return enqueue(connection, community, intent_id, payload, now)


def admit_intent_id(household: str, nonce: str) -> str:
    """Return the id of the admission bound to ``nonce``; a failed one leaves a new nonce and may be repeated."""
    return f"admit:{household}:{nonce[:8]}"


def _opened(connection: Connection, community: str, household: str) -> tuple[HouseholdAccount, str]:
    account = household_account(connection, community, household)
    if account.nonce is None:
        raise NoChainError(f"the token account of {household} is not open on the chain yet; try again shortly")
    return account, account.nonce


def _position(chain: CommunityChain, approver: Pubkey) -> int:
    if approver not in chain.approvers:
        raise ApprovalError(f"{approver} is not an approver of {chain.community}")
    return chain.approvers.index(approver)


def _all_panels(chain: CommunityChain) -> list[Panel]:
    return list(combinations(range(len(chain.approvers)), chain.needed))


def _panels(chain: CommunityChain, position: int, signed: Sequence[int]) -> tuple[Panel, ...]:
    """Return the panels that ``position`` signs: all with it that those who have signed can still complete."""
    together = {*signed, position}
    return tuple(
        panel
        for panel in _all_panels(chain)
        if position in panel and (together.issubset(panel) or together.issuperset(panel))
    )


def _bytes(chain: CommunityChain, account: HouseholdAccount, nonce: str, panel: Panel) -> bytes:
    members = [chain.approvers[i] for i in panel]
    return to_bytes_versioned(admission_message(chain, account, nonce, members))


def _signatures(
    connection: Connection, community: str, household: str, nonce: str
) -> dict[tuple[Panel, int], str]:
    chain = community_chain(connection, community)
    position = {str(key): i for i, key in enumerate(chain.approvers)}
    rows = connection.execute(
        select(chain_approval.c.panel, chain_approval.c.approver, chain_approval.c.signature).where(
            chain_approval.c.community_id == community,
            chain_approval.c.household_id == household,
            chain_approval.c.nonce == nonce,
        )
    )
    return {(tuple(map(int, panel.split(","))), position[approver]): text for panel, approver, text in rows}


def _signed(signatures: dict[tuple[Panel, int], str]) -> list[int]:
    return sorted({i for _, i in signatures})


def _store(
    connection: Connection,
    community: str,
    household: str,
    nonce: str,
    panel: Panel,
    approver: Pubkey,
    signature: Signature,
) -> None:
    key = {
        "community_id": community,
        "household_id": household,
        "nonce": nonce,
        "panel": ",".join(map(str, panel)),
        "approver": str(approver),
    }
    columns = chain_approval.c
    is_known = connection.execute(
        select(columns.approver).where(*(columns[name] == value for name, value in key.items()))
    ).first()
    if is_known is None:
        connection.execute(insert(chain_approval).values(**key, signature=str(signature)))
