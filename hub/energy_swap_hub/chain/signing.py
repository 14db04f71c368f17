"""Signing: from an intent to the bytes that go on the chain, by whoever must sign them."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from solders.errors import BincodeError
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV1, from_bytes_versioned, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from energy_swap_hub.storage import Database

from .build import Draft, Facts, HubPayload, draft, needs_co_signer
from .client import NONCE_ACCOUNT_BYTES, Node
from .community import CommunityChain
from .directory import community_chain
from .intent import Intent
from .keys import CoSigned, CoSigner, CoSignerUnavailableError, CoSignRefusedError, CoSignRequest, HubKeys
from .payload import Admit, Approved, HandOver, HouseholdTransaction, OpenAccount, OpenNonce
from .token2022 import parse_token_account
from .trust.minting import UnprovenError

_BLOCKS_VALID: Final = 150
_TOKEN_ACCOUNT_BYTES: Final = 174
_FEE_RESERVE_LAMPORTS: Final = 20_000
_LEFT_BEHIND_LAMPORTS: Final = 2_000_000  # an account keeps nothing, or its rent


class NotNowError(Exception):
    """The intent cannot be signed or sent now; it stays queued, and the text says what it waits for."""


class NeverError(Exception):
    """The intent can never be sent; the text says why."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction; without a last valid block height it is bound to a durable nonce."""

    raw: bytes
    signature: str
    last_valid_block_height: int | None


class Signer:
    """Signs as the hub and asks a verifier where the 2-of-3 acts."""

    def __init__(self, database: Database, node: Node, keys: HubKeys) -> None:
        self._database = database
        self._node = node
        self._keys = keys

    async def sign(self, intent: Intent) -> Signed:
        """Return the transaction of ``intent``; raise `NotNowError` or `NeverError` if it cannot be signed."""
        chain = await self._database.read(lambda c: community_chain(c, intent.community))
        match intent.payload:
            case HouseholdTransaction(transaction=text):
                return await self._signed_by_household(text)
            case Approved() as payload:
                return self._signed_by_approvers(payload)
            case Admit():
                raise NeverError("approved in an earlier form; the approvers are asked again")
            case HandOver(is_lost=True) as payload:
                return await self._signed_by_verifiers(chain, intent, payload)
            case payload:
                return await self._signed_by_hub(chain, intent, payload)

    async def _signed_by_household(self, text: str) -> Signed:
        raw = base64.b64decode(text)
        transaction = VersionedTransaction.from_bytes(raw)
        height = await self._node.block_height()
        if not await self._node.is_blockhash_valid(transaction.message.recent_blockhash):
            raise NeverError("expired before it reached the chain; sign it again")
        # An upper bound: which block its blockhash is from is not known.
        return Signed(raw, str(transaction.signatures[0]), height + 2 * _BLOCKS_VALID)

    def _signed_by_approvers(self, payload: Approved) -> Signed:
        wire = base64.b64decode(payload.message)
        message = from_bytes_versioned(wire)
        hub = self._keys.keypair(message.account_keys[0])
        if hub is None:
            raise NeverError("the hub's key has changed since the approvers signed; approve again")
        panel = map(Pubkey.from_string, payload.panel)
        signatures = dict(zip(panel, map(Signature.from_string, payload.signatures), strict=True))
        signatures[hub.pubkey()] = hub.sign_message(wire)
        return _put_together(wire, signatures, None)

    async def _signed_by_hub(self, chain: CommunityChain, intent: Intent, payload: HubPayload) -> Signed:
        hub, facts = self._hub(chain.payer), await self._facts(chain, payload)
        own = [hub]
        if isinstance(payload, HandOver) and payload.hub:
            own.append(self._hub(Pubkey.from_string(payload.hub)))
        unavailable: list[str] = []
        for co_signer in self._keys.of(chain.verifiers):
            try:
                plan = draft(chain, payload, co_signer.key, facts)
            except UnprovenError as error:
                raise NeverError(str(error)) from None
            blockhash, last_valid = await self._node.latest_blockhash()
            message = plan.message(chain.payer, blockhash, await self._units(plan, chain, blockhash))
            wire = to_bytes_versioned(message)
            given: dict[Pubkey, Signature] = {}
            if needs_co_signer(payload):
                try:
                    co_signed = await self._co_sign(co_signer, hub, intent, wire)
                except CoSignerUnavailableError as error:
                    unavailable.append(str(error))
                    continue
                if co_signed.message != wire:
                    wire = co_signed.message
                    last_valid = await self._check_signed_before(plan, chain, hub, wire)
                given[co_signer.key] = co_signed.signature
            given |= {pair.pubkey(): pair.sign_message(wire) for pair in own}
            return _put_together(wire, given, last_valid)
        reason = "; ".join(unavailable) or "none of the token's verifiers is configured here"
        raise NotNowError(f"no verifier signs now: {reason}")

    async def _signed_by_verifiers(self, chain: CommunityChain, intent: Intent, payload: HandOver) -> Signed:
        """Have both verifiers sign one message: the hub's own key is lost."""
        hub, co_signers = self._hub(chain.payer), self._keys.of(chain.verifiers)
        if len(co_signers) < len(chain.verifiers):
            raise NotNowError("the hub's key is lost: both verifiers have to be configured with their url")
        plan = draft(chain, payload, co_signers[0].key, await self._facts(chain, payload))
        blockhash, last_valid = await self._node.latest_blockhash()
        wire = to_bytes_versioned(plan.message(chain.payer, blockhash))
        given = {hub.pubkey(): hub.sign_message(wire)}
        for co_signer in co_signers:
            try:
                co_signed = await self._co_sign(co_signer, hub, intent, wire)
            except CoSignerUnavailableError as error:
                raise NotNowError(f"both verifiers have to sign: {error}") from None
            if co_signed.message != wire:
                if len(given) > 1:
                    raise NotNowError("the verifiers have signed different messages; one of them has to expire")
                wire = co_signed.message
                last_valid = await self._check_signed_before(plan, chain, hub, wire)
                given = {hub.pubkey(): hub.sign_message(wire)}
            given[co_signer.key] = co_signed.signature
        return _put_together(wire, given, last_valid)

    def _hub(self, key: Pubkey) -> Keypair:
        pair = self._keys.keypair(key)
        if pair is None:
            raise NotNowError(f"the hub's key {key} is not in the folder of its keys")
        return pair

    async def _facts(self, chain: CommunityChain, payload: HubPayload) -> Facts:
        match payload:
            case OpenAccount():
                return Facts(nonce_lamports=await self._rent_of_opening(chain, _TOKEN_ACCOUNT_BYTES))
            case OpenNonce():
                return Facts(nonce_lamports=await self._rent_of_opening(chain))
            case HandOver(hub=hub, is_lost=is_lost):
                data = (await self._node.accounts([chain.escrow]))[0]
                leaves = bool(hub) and not is_lost
                left = await self._node.lamports(chain.hub) - _LEFT_BEHIND_LAMPORTS if leaves else 0
                return Facts(escrow_wh=0 if data is None else parse_token_account(data).wh, left_lamports=left)
            case _:
                return Facts()

    async def _units(self, plan: Draft, chain: CommunityChain, blockhash: Hash) -> int | None:
        """Return the compute budget of a large transaction: what a simulation takes, and a fifth more."""
        if not plan.is_large:
            return None
        message = plan.message(chain.payer, blockhash)
        unsigned = [Signature.default()] * message.header.num_required_signatures
        taken = await self._node.units_consumed(bytes(VersionedTransaction.populate(message, unsigned)))
        return None if taken is None else -(-taken * 6 // 5)

    async def _check_signed_before(self, plan: Draft, chain: CommunityChain, hub: Keypair, wire: bytes) -> int:
        """Return until when a message may land that a verifier signed for this intent before we were killed.

        Raises `NotNowError` unless it is the ``plan``'s own and may still land.
        """
        try:
            message = from_bytes_versioned(wire)
            units = message.config.compute_unit_limit if isinstance(message, MessageV1) else None
            again = plan.message(chain.payer, message.recent_blockhash, units)
            is_same = to_bytes_versioned(again) == wire
        except (ValueError, BincodeError) as error:
            raise NotNowError(f"the verifier answered with a message that cannot be read: {error}") from None
        if not is_same:
            raise NotNowError("the verifier answered with another transaction than it was asked for")
        if (
            not await self._node.is_blockhash_valid(message.recent_blockhash)
            and (await self._node.statuses([str(hub.sign_message(wire))], search_history=True))[0] is None
        ):
            raise NotNowError("an earlier transaction has expired here, and for the verifier not yet")
        # An upper bound: which block its blockhash is from is not known.
        return await self._node.block_height() + 2 * _BLOCKS_VALID

    async def _rent_of_opening(self, chain: CommunityChain, *sizes: int) -> int:
        """Return the rent of a nonce account, once the hub can pay for it and for accounts of ``sizes``."""
        nonce = await self._node.rent_lamports(NONCE_ACCOUNT_BYTES)
        rents = [await self._node.rent_lamports(size) for size in sizes]
        needed = nonce + sum(rents) + _FEE_RESERVE_LAMPORTS
        has = await self._node.lamports(chain.payer)
        if has < needed:
            raise NotNowError(f"the hub cannot pay for the account; send {needed - has} lamports to {chain.payer}")
        return nonce

    async def _co_sign(self, co_signer: CoSigner, hub: Keypair, intent: Intent, wire: bytes) -> CoSigned:
        signature = hub.sign_message(wire)
        try:
            return await co_signer.co_sign(
                CoSignRequest(intent.community, intent.id, intent.payload, wire, signature, hub)
            )
        except CoSignRefusedError as error:
            raise NeverError(f"verifier {co_signer.key} refused: {error}") from None


def _put_together(wire: bytes, signatures: Mapping[Pubkey, Signature], last_valid: int | None) -> Signed:
    """Return the transaction of the message ``wire``, each signature at its signer's place."""
    message = from_bytes_versioned(wire)
    signers = message.account_keys[: message.header.num_required_signatures]
    raw = bytes(VersionedTransaction.populate(message, [signatures[key] for key in signers]))
    return Signed(raw, str(signatures[signers[0]]), last_valid)
