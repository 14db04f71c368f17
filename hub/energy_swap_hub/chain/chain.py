"""The chain as the rest of the hub sees it: open a community, keep sending, and read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from energy_swap_protocol.transaction import DECIMALS, ChainInfo, spent_account
from solana.rpc.async_api import AsyncClient
from solders.pubkey import Pubkey
from spl.token.constants import MULTISIG_LEN
from sqlalchemy import Connection

from energy_swap_hub.storage import Database

from .client import Node
from .community import CommunityChain, CommunityError, check_community, fund, make_community, plan_community
from .decided import find_hub_again, lose_hub
from .directory import add_community, change_community, community_chain, find_community, hubs
from .intent import is_known, open_intents
from .keys import HubKeys
from .nonces import community_account
from .proposal_store import Stage, proposals
from .sender import Clock, OnFinal, Sender
from .token2022 import parse_mint, parse_token_account
from .trust.program import METER_BYTES

_CLUSTERS: Final = {
    "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d": "mainnet-beta",
    "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG": "devnet",
    "4uhcVJyU9pJkvQyS88uRDiswHScSKQKqZWbSNexuXdaY": "testnet",
}


class ChainDocument(msgspec.Struct, frozen=True):
    """What ``GET /chain`` answers; all keys are base58."""

    cluster: str
    mint: str
    escrow: str
    hub: str
    decimals: int
    blockhash: str
    last_valid_block_height: int

    def info(self) -> ChainInfo:
        """Return the part that household transactions are built from."""
        return ChainInfo.parse(mint=self.mint, escrow=self.escrow, hub=self.hub, blockhash=self.blockhash)


@dataclass(frozen=True, slots=True)
class Holding:
    """A token account: what is in it, what the hub may still burn of it, and whether it is frozen.

    What the hub can burn now is the smaller of the two amounts, and nothing while it is frozen.
    """

    wh: int
    allowance_wh: int
    is_frozen: bool


def _is_changing(connection: Connection, community: str) -> bool:
    """Whether authorities may be on their way to other keys, so that the chain is ahead of what is known of it."""
    kinds = {"approved", "hand_over", "pause"}
    return any(intent.kind in kinds for intent in open_intents(connection, community, 1_000))


def check_mode(known: CommunityChain, program: Pubkey | None) -> None:
    """Raise `CommunityError` unless a token was founded in the mode that is configured, for good."""
    if known.program == program:
        return
    was = "without trust_mode" if known.program is None else f"with trust_mode and the program {known.program}"
    raise CommunityError(
        f"{known.community} was founded {was}, which is for good; configure it so, or found a new community"
    )


class Chain:
    """The hub's chain. `run` sends what the outbox holds; every other call reads."""

    def __init__(
        self, database: Database, client: AsyncClient, keys: HubKeys, clock: Clock, on_final: OnFinal
    ) -> None:
        """``on_final(connection, intent)`` is called in the DB transaction that makes an intent final."""
        self._database = database
        self._node = Node(client)
        self._keys = keys
        self._clock = clock
        self._sender = Sender(database, self._node, keys, clock, on_final)
        self._cluster: str | None = None

    async def open_community(
        self, community: str, approvers: Sequence[Pubkey], needed: int, program: Pubkey | None = None
    ) -> CommunityChain:
        """Make the community's token, or find that it is there; safe to repeat after a kill.

        ``needed`` of ``approvers`` (public keys, at most 11) admit households. With the trust mode's ``program``
        it is founded in that mode, and one that is there must have been. Raises `CommunityError` if the chain
        holds something else, or the hub cannot pay for it.
        """
        verifiers = self.configured_verifiers
        known = await self._database.read(lambda c: find_community(c, community))
        if known is not None:
            await self._choose_hub(known)
            known = await self._community(community)
            check_mode(known, program)
            await self._database.read(lambda c: self._check_known(c, known, approvers, needed))
            if not await self._database.read(lambda c: _is_changing(c, community)):
                await check_community(self._node, known)
            if program is not None:
                await self._learn_rent(community)
            return await self._community(community)
        genesis = await self._node.genesis()
        plan = plan_community(community, genesis, self._keys.hub.pubkey(), verifiers, approvers, needed, program)
        await make_community(self._node, self._keys.hub, plan)
        await self._database.write(lambda c: add_community(c, plan))
        if program is not None:
            await self._learn_rent(community)
        return await self._community(community)

    async def _learn_rent(self, community: str) -> None:
        """Note the rent of a meter's account as it is now; a proposal keeps the one it was asked with."""
        lamports = await self._node.rent_lamports(METER_BYTES)
        await self._database.write(lambda c: change_community(c, community, meter_lamports=lamports))

    def _check_known(
        self, connection: Connection, known: CommunityChain, approvers: Sequence[Pubkey], needed: int
    ) -> None:
        """Refuse to work with keys that a token does not have; what was changed since its founding is no error."""
        changed = proposals(connection, known.community, (Stage.DONE,))
        is_as_founded = not any(proposal.kind == "approvers" for proposal in changed)
        is_same = (set(known.approvers), known.needed) == (set(approvers), needed)
        if self._keys.keypair(known.payer) is None or (is_as_founded and not is_same):
            raise CommunityError(
                f"the token of {known.community} was made with other keys or approvers than configured; restore "
                "them: other approvers take a proposal that those of now sign"
            )
        if not self._keys.of(known.verifiers):
            raise CommunityError(
                f"none of the verifiers of {known.community} is configured; until minting was handed over, those "
                "of before belong into retiring_verifiers"
            )

    async def _choose_hub(self, known: CommunityChain) -> None:
        """Let the next key act when the hub's own is lost, and no more when that is found again."""
        community, acting, now = known.community, self._keys.hub.pubkey(), self._clock()
        if self._keys.keypair(known.hub) is not None:
            if known.acting_hub is not None and known.handing_over is None:
                account = community_account(known.hub, community)
                value = await self._node.nonce(account)
                nonce = None if value is None else (account, value)
                await self._database.write(lambda c: find_hub_again(c, community, nonce, now))
        elif self._keys.is_hub_lost and known.acting_hub != acting:
            await self._database.write(lambda c: lose_hub(c, community, acting, now))
        if self._keys.is_hub_lost and known.hub != acting:
            await fund(self._node, acting)

    async def run(self) -> None:
        """Send what is enqueued, for ever, until cancelled."""
        await self._sender.run()

    async def send_waiting(self) -> None:
        """Send what is enqueued and return; for tools and tests that do not `run`."""
        await self._sender.send_waiting()

    def wake(self) -> None:
        """Say that something has been enqueued and committed."""
        self._sender.wake()

    async def chain_info(self, community: str) -> ChainDocument:
        """Return what households need to build transactions; raise `NoChainError` without a token."""
        chain = await self._community(community)
        blockhash, last_valid = await self._node.latest_blockhash()
        return ChainDocument(
            cluster=await self.cluster(),
            mint=str(chain.mint),
            escrow=str(chain.escrow),
            hub=str(chain.hub),
            decimals=DECIMALS,
            blockhash=str(blockhash),
            last_valid_block_height=last_valid,
        )

    async def transaction(self, community: str, signature: str) -> bytes:
        """Return the bytes of one of the community's transactions, as the node has it; raise `LookupError`."""
        is_ours = await self._database.read(lambda c: is_known(c, community, signature))
        found = await self._node.transaction(signature) if is_ours else None
        if found is None:
            raise LookupError(f"there is no transaction {signature} of this community")
        return found

    async def supply_wh(self, community: str) -> int:
        """Return how much eKWh of the community exists and is not used, in Wh."""
        return (await self.supply_wh_at(community))[1]

    async def supply_wh_at(self, community: str) -> tuple[int, int]:
        """Return the newest confirmed slot, and the supply in it."""
        chain = await self._community(community)
        slot, (mint, spent) = await self._node.accounts_at([chain.mint, spent_account(chain.mint)])
        used_wh = 0 if spent is None else parse_token_account(spent).wh
        return slot, parse_mint(mint or b"").supply_wh - used_wh

    async def escrow_wh(self, community: str) -> int:
        """Return how much of it lies in escrow."""
        chain = await self._community(community)
        return await self.balance_wh(chain.escrow)

    async def holdings(self, accounts: Sequence[Pubkey]) -> list[Holding | None]:
        """Return each token account's state, ``None`` for one that does not exist."""
        of_hub = await self._database.read(hubs)
        found: list[Holding | None] = []
        for data in await self._node.accounts(accounts):
            if data is None:
                found.append(None)
                continue
            account = parse_token_account(data)
            allowance = account.allowance_wh if account.delegate in of_hub else 0
            found.append(Holding(account.wh, allowance, account.is_frozen))
        return found

    async def balance_wh(self, account: Pubkey) -> int:
        """Return the Wh in ``account``; none in one that does not exist."""
        return (await self.balances_wh([account]))[0]

    async def balances_wh(self, accounts: Sequence[Pubkey]) -> list[int]:
        """Return the Wh in each of ``accounts``."""
        return [holding.wh if holding else 0 for holding in await self.holdings(accounts)]

    async def allowances_wh(self, accounts: Sequence[Pubkey]) -> list[int]:
        """Return what the hub may still burn of each of ``accounts``, whether or not it is there."""
        return [holding.allowance_wh if holding else 0 for holding in await self.holdings(accounts)]

    async def fee_balance_lamports(self, community: str) -> int:
        """Return what the hub has left to pay fees and rent with."""
        return await self._node.lamports((await self._community(community)).payer)

    @property
    def next_hub(self) -> Pubkey | None:
        """The key that shall take the place of the hub's own; None until one has been made."""
        return self._keys.next_hub_key

    @property
    def configured_verifiers(self) -> list[Pubkey]:
        """Who shall mint with the hub, as configured: those of a new 2-of-3, when the token has others."""
        return [co_signer.key for co_signer in self._keys.co_signers]

    async def multisig_lamports(self) -> int:
        """Return the rent of a multisig, which is lost for ever."""
        return await self._node.rent_lamports(MULTISIG_LEN)

    async def version(self) -> str:
        """Return what the node says it is, in one line."""
        version = await self._node.version()
        return str(version.get("localnet") or f"solana-core {version.get('solana-core')}")

    async def cluster(self) -> str:
        """Return which of Solana's clusters it is; ``localnet`` for our own."""
        if self._cluster is None:
            known = _CLUSTERS.get(await self._node.genesis())
            self._cluster = known or ("localnet" if "localnet" in await self._node.version() else "unknown")
        return self._cluster

    async def _community(self, community: str) -> CommunityChain:
        return await self._database.read(lambda c: community_chain(c, community))
