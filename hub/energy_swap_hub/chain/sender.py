"""The sender: takes intents from the outbox, in order per community, and has each one's effect exactly once.

The rules (each one survives a kill at any instruction):
- the signed bytes, their signature and last valid block height are stored before they are first sent;
- identical bytes cannot execute twice, so they are sent again until they land or have expired;
- an intent is signed anew only after the finalized chain has passed the last valid height and neither its
  signature nor its memo is found in the chain's history;
- a hub that finds the chain ahead of it, as one restored from a backup does, looks for each intent's memo before
  it signs, and follows the transaction that had its effect before;
- an error on the chain is final; so is one that preflight finds before anything was sent;
- what a household or the approvers signed cannot be signed anew by the hub: it fails with the reason, an approval
  once its nonce has been used for 150 finalized blocks by a transaction that is not its own;
- a pause goes before all that is queued, and nothing that moves tokens is sent while the token is paused;
- while the hub's own key is lost, only what puts another in its place is sent;
- after a pause, or when minting goes to other keys, nothing is sent until that is final;
- the next intent of a community is sent when the one before is confirmed; only finalized ones become final.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection

from energy_swap_hub.storage import Database

from . import intent as intents
from .build import HubPayload, witness
from .client import Node, NodeRefusedError, NodeUnavailableError, Status, describe_error
from .community import CommunityChain
from .decided import carry_over
from .directory import community_chain
from .intent import Intent, State
from .keys import HubKeys
from .nonces import nonce_account
from .payload import Admit, Approved, HandOver, HouseholdTransaction, OpenAccount, OpenNonce, Pause
from .signing import NeverError, NotNowError, Signed, Signer

type OnFinal = Callable[[Connection, Sequence[Intent]], None]
type Clock = Callable[[], datetime]

_POLL_SECONDS: Final = 0.15
_RESEND_SECONDS: Final = 1.5
_RETRY_SECONDS: Final = 2.0
_NONCE_LAG_BLOCKS: Final = 150
_BATCH: Final = 64
_RECOVERY: Final = "recover:"
_HUB: Final = "hub:"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _End:
    """How an intent ended for good."""

    intent: Intent
    error: str | None
    fee_lamports: int


class Sender:
    """One loop that brings every queued intent to its end; `wake` it after enqueueing."""

    def __init__(self, database: Database, node: Node, keys: HubKeys, clock: Clock, on_final: OnFinal) -> None:
        self._database = database
        self._node = node
        self._signer = Signer(database, node, keys)
        self._clock = clock
        self._on_final = on_final
        self._woken = asyncio.Event()
        self._sent_at: dict[int, float] = {}  # by intent number, this process's last sending
        self._retry_at: dict[str, float] = {}  # by community
        self._nonce_used_at: dict[int, int] = {}  # by intent number, the finalized height when it was first seen
        self._is_behind: dict[str, bool] = {}  # by community, as found when this process first sends for it

    def wake(self) -> None:
        """Look at the outbox now."""
        self._woken.set()

    async def run(self) -> None:
        """Send for ever, until cancelled."""
        while True:
            self._woken.clear()
            await self.send_waiting()
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def send_waiting(self) -> None:
        """Bring every community's intents as far as they come without waiting."""
        communities = await self._database.read(intents.communities_with_work)
        await asyncio.gather(*(self._serve(community) for community in communities))

    async def _serve(self, community: str) -> None:
        if self._retry_at.get(community, 0.0) > asyncio.get_running_loop().time():
            return
        try:
            while await self._step(community):
                pass
        except NodeUnavailableError as error:
            self._pause(community, error.wait_seconds)
            _log.warning("chain of %s: the node cannot be asked, trying again: %s", community, error)
        except Exception:  # noqa: BLE001 - a defect in one community's work must not stop the others'
            self._pause(community)
            _log.exception("chain of %s: unexpected error, trying again", community)

    def _pause(self, community: str, seconds: float = 0.0) -> None:
        self._retry_at[community] = asyncio.get_running_loop().time() + max(seconds, _RETRY_SECONDS)

    async def _step(self, community: str) -> bool:
        """Follow what has been sent, then send the next; whether anything moved."""
        waiting = await self._database.read(lambda c: intents.open_intents(c, community, _BATCH))
        sent = [intent for intent in waiting if intent.state is State.SENT]
        queued = [intent for intent in waiting if intent.state is State.QUEUED]
        if sent:
            statuses = await self._node.statuses([str(intent.signature) for intent in sent])
            ends = [await self._end(i, s) for i, s in zip(sent, statuses, strict=True)]
            await self._finish([end for end in ends if end is not None])
            moved = [status is None and await self._resend(i) for i, status in zip(sent, statuses, strict=True)]
            if any(ends) or any(moved):
                return True
            if any(status is None or not status.is_confirmed for status in statuses):
                return False
            if any(isinstance(intent.payload, Pause | HandOver) for intent in sent):
                return False  # what follows depends on what it has changed, known when it is final
        chosen = next_to_send(queued, await self._chain(community)) if queued else None
        return chosen is not None and await self._send(chosen)

    async def _end(self, intent: Intent, status: Status | None) -> _End | None:
        """Return how the intent ended on the chain, once that is final."""
        if status is None or not status.is_final:
            return None
        landed = await self._node.landed(str(intent.signature))
        if landed is None:
            return None  # the node's history lags behind its statuses
        error = None if status.error is None else describe_error(status.error, landed.logs)
        return _End(intent, error, landed.fee_lamports)

    async def _is_chain_ahead(self, community: str) -> bool:
        """Whether the token's newest transaction is one that this database knows nothing of."""
        if community not in self._is_behind:
            newest = await self._node.newest_with_memo((await self._chain(community)).mint)
            is_ours = newest is None or f"community:{community}" in newest[1]
            self._is_behind[community] = not is_ours and not await self._database.read(
                lambda c: newest is None or intents.is_known(c, community, newest[0])
            )
            if self._is_behind[community]:
                _log.warning(
                    "chain of %s: the chain knows more than this database; looking before sending", community
                )
        return self._is_behind[community]

    async def _send(self, intent: Intent) -> bool:
        payload = intent.payload
        if not isinstance(payload, HouseholdTransaction | Approved | Admit) and await self._is_chain_ahead(
            intent.community
        ):
            landed = await self._find_by_memo(intent, payload)
            if landed is not None:
                return await self._database.write(lambda c: intents.mark_sent(c, intent, b"", landed, None))
        try:
            signed = await self._signer.sign(intent)
        except NotNowError as error:
            await self._put_back(intent, str(error))
            return False
        except NeverError as error:
            await self._finish([_End(intent, str(error), 0)])
            return True
        if not await self._database.write(
            lambda c: intents.mark_sent(c, intent, signed.raw, signed.signature, signed.last_valid_block_height)
        ):
            return True  # another worker has it
        self._sent_at[intent.number] = asyncio.get_running_loop().time()
        try:
            await self._node.send(signed.raw, preflight=True)
        except NodeRefusedError as error:
            return await self._refused(intent, signed, error)
        return True

    async def _refused(self, intent: Intent, signed: Signed, error: NodeRefusedError) -> bool:
        """Decide about a transaction that preflight kept from being sent."""
        if (await self._node.statuses([signed.signature], search_history=True))[0] is not None:
            return True  # it is on the chain after all: an earlier try of the transport got through
        sent = await self._database.read(lambda c: intents.find(c, intent.community, intent.id))
        if sent is None or sent.signature != signed.signature:
            return True
        if error.is_for_good:
            await self._finish([_End(sent, describe_error(error.reason or str(error), error.logs), 0)])
            return True
        if error.reason in {"BlockhashNotFound", "AlreadyProcessed"}:
            return False  # this node is behind: `_resend` decides, by expiry
        await self._put_back(sent, describe_error(error.reason or str(error), error.logs))
        return False

    async def _resend(self, intent: Intent) -> bool:
        """Send the stored bytes again, or find that they can never land."""
        now = asyncio.get_running_loop().time()
        if self._sent_at.get(intent.number, 0.0) + _RESEND_SECONDS > now:
            return False
        if intent.last_valid_block_height is not None:
            if await self._node.block_height() > intent.last_valid_block_height:
                return await self._expired(intent)
        elif isinstance(intent.payload, Approved) and await self._is_nonce_used(intent.payload):
            # The one that used it may be this very transaction: a node can show an account before the history that
            # changed it, and behind one address there may be several nodes.
            height = await self._node.block_height()
            if height <= self._nonce_used_at.setdefault(intent.number, height) + _NONCE_LAG_BLOCKS:
                return False
            return await self._expired(intent)
        self._sent_at[intent.number] = now
        try:
            await self._node.send(intent.raw or b"", preflight=False)
        except NodeRefusedError as error:
            _log.info("chain of %s: %s refused when sent again: %s", intent.community, intent.id, error)
        # A localnet has executed it by now.
        return (await self._node.statuses([str(intent.signature)]))[0] is not None

    async def _expired(self, intent: Intent) -> bool:
        if (await self._node.statuses([str(intent.signature)], search_history=True))[0] is not None:
            return False  # the next look finds it
        match intent.payload:
            case HouseholdTransaction():
                await self._finish([_End(intent, "expired before it reached the chain; sign it again", 0)])
            case Approved() | Admit():
                error = "the approvals are outdated: the nonce has changed; approve again"
                await self._finish([_End(intent, error, 0)])
            case payload:
                landed = await self._find_by_memo(intent, payload)
                if landed is None:
                    await self._put_back(intent, "expired before it reached the chain", at_once=True)
                else:
                    await self._database.write(lambda c: intents.adopt_signature(c, intent, landed))
        return True

    async def _find_by_memo(self, intent: Intent, payload: HubPayload) -> str | None:
        chain = await self._chain(intent.community)
        for signature in await self._node.signatures_with_memo(witness(chain, payload), intent.memo):
            landed = await self._node.landed(signature)
            if landed is not None and landed.fee_payer in chain.hubs:
                return signature
        return None

    async def _put_back(self, intent: Intent, reason: str, *, at_once: bool = False) -> None:
        if reason != intent.error or intent.state is not State.QUEUED:
            _log.warning("chain of %s: %s waits: %s", intent.community, intent.id, reason)
            await self._database.write(lambda c: intents.mark_queued(c, intent, reason))
        self._sent_at.pop(intent.number, None)
        if not at_once:
            self._pause(intent.community)

    async def _finish(self, ends: Sequence[_End]) -> None:
        """Make intents final, and tell `on_final` in the same DB transaction.

        What households have signed, locks by the dozen, shares one transaction, unless that fails; everything
        else has its own.
        """
        for is_shared, together in groupby(ends, lambda end: isinstance(end.intent.payload, HouseholdTransaction)):
            some = list(together)
            try:
                if is_shared:
                    await self._finish_together(some)
                    continue
            except Exception:
                if len(some) == 1:
                    raise
                _log.exception("chain of %s: %d locks could not end together", some[0].intent.community, len(some))
            for end in some:
                await self._finish_together([end])

    async def _finish_together(self, ends: Sequence[_End]) -> None:
        nonces = [await self._nonce_after(end.intent) for end in ends]

        def change(connection: Connection) -> None:
            finals = []
            for end, nonce in zip(ends, nonces, strict=True):
                now = self._clock()
                final = intents.mark_final(
                    connection, end.intent, error=end.error, fee_lamports=end.fee_lamports, now=now
                )
                if final is not None:
                    carry_over(connection, final, nonce, now)
                    finals.append(final)
            if finals:
                self._on_final(connection, finals)

        await self._database.write(change)
        for end in ends:
            intent = end.intent
            self._sent_at.pop(intent.number, None)
            self._nonce_used_at.pop(intent.number, None)
            if end.error is not None:
                _log.warning("chain of %s: %s failed: %s", intent.community, intent.id, end.error)

    async def _nonce_after(self, intent: Intent) -> tuple[str, str] | None:
        """Return the nonce account that has to do with this intent, and the nonce that is in it now."""
        match intent.payload:
            case OpenAccount(household=household, owner=owner):
                chain = await self._chain(intent.community)
                account = str(nonce_account(chain, household, Pubkey.from_string(owner)))
            case OpenNonce(account=account) | Approved(account=account):
                pass
            case _:
                return None
        nonce = await self._node.nonce(Pubkey.from_string(account))
        return None if nonce is None else (account, nonce)

    async def _is_nonce_used(self, payload: Approved) -> bool:
        return await self._node.nonce(Pubkey.from_string(payload.account)) != payload.nonce

    async def _chain(self, community: str) -> CommunityChain:
        return await self._database.read(lambda c: community_chain(c, community))


def next_to_send(queued: Sequence[Intent], chain: CommunityChain) -> Intent | None:
    """Return which of the ``queued`` intents is sent next; None: all wait for the token or the hub's key."""
    if chain.acting_hub is not None:
        return next((intent for intent in queued if _replaces_hub(intent, chain)), None)
    stops = [intent for intent in queued if isinstance(intent.payload, Pause)]
    if stops:
        return stops[0]
    if not chain.is_paused:
        return queued[0]
    return next((intent for intent in queued if _moves_nothing(intent)), None)


def _replaces_hub(intent: Intent, chain: CommunityChain) -> bool:
    """Whether an intent belongs to putting another key in the place of the hub's lost one."""
    match intent.payload:
        case OpenNonce(account=account):
            return account == str(chain.nonce_account)
        case Approved(proposal=proposal):
            return proposal.startswith(_HUB)
        case payload:
            return isinstance(payload, HandOver) and payload.is_lost


def _moves_nothing(intent: Intent) -> bool:
    """Whether an intent has its effect while the token is paused: accounts are opened, frozen and thawed."""
    match intent.payload:
        case Approved(proposal=proposal):
            return not proposal.startswith(_RECOVERY)
        case payload:
            return isinstance(payload, OpenAccount | OpenNonce)
