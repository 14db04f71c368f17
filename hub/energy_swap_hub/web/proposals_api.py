"""What approvers are asked: their devices' routes below the community, and the console's for whoever asks."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from solders.pubkey import Pubkey
from solders.signature import Signature
from sqlalchemy import Connection

from energy_swap_hub.chain.approvals import Paper, paper_for, signers_of
from energy_swap_hub.chain.chain import Chain
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.chain.directory import community_chain, household_account
from energy_swap_hub.chain.proposal import Admission
from energy_swap_hub.chain.proposal_store import UNDER_WAY, Proposal, Stage, proposals
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.membership.files import evidence_of
from energy_swap_hub.membership.households import by_id, claims_of
from energy_swap_hub.membership.sessions import Session
from energy_swap_hub.settlement import proposals as asking
from energy_swap_hub.storage import Database

from .doors import Call, Doors
from .route import Route
from .tokens import Scope

type Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
type Key = Annotated[str, msgspec.Meta(max_length=64)]


class Signatures(msgspec.Struct, forbid_unknown_fields=True):
    """An approver's signatures (base58) over the messages of a proposal, in their order."""

    signatures: Annotated[list[str], msgspec.Meta(min_length=1, max_length=500)]


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """What an admin asks the approvers for.

    ``household`` belongs to suspend, readmit and recover, ``key`` (of the new device, base58) to recover,
    ``approvers`` and ``needed`` to approvers; minters takes the verifiers of the hub's configuration,
    hub the next key that lies in the hub's folder.
    """

    kind: Literal["suspend", "readmit", "recover", "approvers", "minters", "hub"]
    reason: Words
    household: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    key: Key | None = None
    approvers: Annotated[list[Key], msgspec.Meta(max_length=11)] | None = None
    needed: Annotated[int, msgspec.Meta(ge=1, le=11)] | None = None


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: Words


class ApproverApi:
    """The routes below ``/api/v1/communities/{community}/proposals``; only approvers' keys open them."""

    def __init__(
        self,
        doors: Doors,
        database: Database,
        community: CommunityConfig,
        clock: Callable[[], datetime],
        changes: Changes,
        wake: Callable[[], None],
    ) -> None:
        self._doors = doors
        self._database = database
        self._community = community
        self._clock = clock
        self._changes = changes
        self._wake = wake

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, doors = f"/api/v1/communities/{self._community.id}/proposals", self._doors
        sign = f"{base}/{{proposal}}/signatures"
        return [
            doors.approver("GET", base, self._list, says="What approvers are asked, and the messages to sign."),
            doors.approver("POST", sign, self._sign, says="An approver's signatures for a proposal."),
        ]

    async def _list(self, call: Call[Pubkey, None]) -> list[dict[str, Any]]:
        def query(connection: Connection) -> list[dict[str, Any]]:
            waiting = proposals(connection, self._community.id, (Stage.OPEN,))
            return [_for_approver(connection, paper_for(connection, one, call.who)) for one in reversed(waiting)]

        return await self._database.read(query)

    async def _sign(self, call: Call[Pubkey, Signatures]) -> dict[str, int]:
        signatures = [_signature(text) for text in call.body.signatures]
        name, now = call.request.match_info["proposal"], self._clock()
        paper = await self._database.write(
            lambda c: asking.sign_proposal(
                c,
                self._community.id,
                name,
                call.who,
                signatures,
                now,
                needs_evidence=self._community.evidence == "required",
            )
        )
        self._changes.mark()
        self._wake()
        return {"signatures": len(paper.signed), "needed": paper.needed}


class ProposalsApi:
    """The console's routes below ``base``: what is asked of the approvers, and an admin's asking."""

    def __init__(
        self,
        base: str,
        doors: Doors,
        database: Database,
        community_id: str,
        clock: Callable[[], datetime],
        changes: Changes,
        chain: Chain,
    ) -> None:
        self._base = base
        self._doors = doors
        self._database = database
        self._community_id = community_id
        self._clock = clock
        self._changes = changes
        self._chain = chain

    def routes(self) -> list[Route]:
        """Return the routes."""
        base, admin = f"{self._base}/proposals", self._doors.admin
        return [
            self._doors.auditor(
                base, self._list, says="What the approvers were asked, the newest first.", scope=Scope.HOUSEHOLDS
            ),
            admin(base, self._ask, says="Ask the approvers to suspend, readmit, recover, or for new keys."),
            admin(f"{base}/{{proposal}}/withdraw", self._withdraw, says="Take a proposal back."),
            admin(f"{self._base}/chain/pause", self._pause, says="Stop every movement of the token."),
            admin(f"{self._base}/chain/resume", self._resume, says="Let the token move again."),
        ]

    async def _list(self, _call: Call[Session, None]) -> dict[str, Any]:
        def query(connection: Connection) -> dict[str, Any]:
            chain = community_chain(connection, self._community_id)
            found = proposals(connection, self._community_id, tuple(Stage), newest=200)
            return {
                "proposals": [_for_console(connection, one) for one in found],
                "devices": [
                    {"household": household, "key": str(Pubkey.from_bytes(key)), "since": int(at.timestamp())}
                    for household, key, at in claims_of(connection, self._community_id)
                ],
                "approvers": list(map(str, chain.approvers)),
                "needed": chain.needed,
                "verifiers": list(map(str, chain.verifiers)),
                "configured_verifiers": list(map(str, self._chain.configured_verifiers)),
                "is_paused": chain.is_paused,
                "hub": self._hub(chain),
            }

        return await self._database.read(query)

    def _hub(self, chain: CommunityChain) -> dict[str, Any]:
        """Return the hub's key, and the one that may take its place."""
        following = chain.acting_hub or self._chain.next_hub
        return {
            "key": str(chain.hub),
            "before": list(map(str, chain.hubs_before)),
            "next": None if following in (None, chain.hub) else str(following),
            "is_lost": chain.acting_hub is not None,
            "can_pause": chain.lost_hub is None,
        }

    async def _ask(self, call: Call[Session, Ask]) -> dict[str, str]:
        proposal = await self._asked(call.body, call.who.user)
        self._changed()
        return {"proposal": proposal.id}

    async def _asked(self, wish: Ask, who: str) -> Proposal:
        community_id, now, reason = self._community_id, self._clock(), wish.reason
        match wish.kind:
            case "suspend" | "readmit":
                ask = asking.ask_suspension if wish.kind == "suspend" else asking.ask_readmission
                name = _given(wish.household, "household", wish.kind)
                return await self._database.write(
                    lambda c: ask(c, community_id, name, who=who, reason=reason, now=now)
                )
            case "recover":
                name = _given(wish.household, "household", wish.kind)
                key = _key(_given(wish.key, "key", wish.kind), "key")
                wh = await self._frozen_wh(name)
                return await self._database.write(
                    lambda c: asking.ask_recovery(c, community_id, name, key, wh, who=who, reason=reason, now=now)
                )
            case "approvers":
                keys = [_key(text, "approvers") for text in _given(wish.approvers, "approvers", wish.kind)]
                needed = _given(wish.needed, "needed", wish.kind)
                rent = await self._chain.multisig_lamports()
                return await self._database.write(
                    lambda c: asking.ask_approvers(
                        c, community_id, keys, needed, rent, who=who, reason=reason, now=now
                    )
                )
            case "minters":
                verifiers, rent = self._chain.configured_verifiers, await self._chain.multisig_lamports()
                return await self._database.write(
                    lambda c: asking.ask_minters(c, community_id, verifiers, rent, who=who, reason=reason, now=now)
                )

            case "hub":
                following, rent = self._chain.next_hub, await self._chain.multisig_lamports()
                return await self._database.write(
                    lambda c: asking.ask_hub(c, community_id, following, rent, who=who, reason=reason, now=now)
                )

    async def _frozen_wh(self, household_id: str) -> int:
        """Return what is in a household's account, which must be frozen: else it could change."""
        community_id = self._community_id
        account = await self._database.read(
            lambda c: household_account(c, community_id, by_id(c, community_id, household_id).id)
        )
        (holding,) = await self._chain.holdings([account.account])
        if holding is None or not holding.is_frozen:
            raise ValueError(f"household: the account of {household_id} is not frozen; suspend it first, and wait")
        return holding.wh

    async def _withdraw(self, call: Call[Session, Reason]) -> dict[str, str]:
        name, who, reason, now = (
            call.request.match_info["proposal"], call.who.user, call.body.reason, self._clock(),
        )  # fmt: skip
        await self._database.write(
            lambda c: asking.withdraw_proposal(c, self._community_id, name, who=who, reason=reason, now=now)
        )
        self._changed()
        return {}

    async def _pause(self, call: Call[Session, Reason]) -> dict[str, str]:
        return await self._set_pause(call, is_paused=True)

    async def _resume(self, call: Call[Session, Reason]) -> dict[str, str]:
        return await self._set_pause(call, is_paused=False)

    async def _set_pause(self, call: Call[Session, Reason], *, is_paused: bool) -> dict[str, str]:
        who, reason, now = call.who.user, call.body.reason, self._clock()
        intent_id = await self._database.write(
            lambda c: asking.set_pause(c, self._community_id, is_paused=is_paused, who=who, reason=reason, now=now)
        )
        self._changed()
        return {"intent": intent_id}

    def _changed(self) -> None:
        self._changes.mark()
        self._chain.wake()


def _for_approver(connection: Connection, paper: Paper) -> dict[str, Any]:
    proposal = paper.proposal
    body = _told(connection, proposal) | {
        "memos": list(paper.memos),
        "messages": [base64.b64encode(message).decode() for message in paper.messages],
        "signatures": [str(key) for key in paper.signed],
        "needed": paper.needed,
    }
    if isinstance(proposal.wish, Admission):
        household = by_id(connection, proposal.community, proposal.wish.household)
        body["application"] = {
            "key": str(Pubkey.from_bytes(household.key)),
            "meter": household.meter.hex(),
            "rated_pv_w": household.rated_pv_w,
            "main_breaker_w": household.main_breaker_w,
        }
    return body


def _for_console(connection: Connection, proposal: Proposal) -> dict[str, Any]:
    chain = community_chain(connection, proposal.community)
    signed = [str(chain.approvers[i]) for i in signers_of(connection, proposal, chain)]
    ended = None if proposal.ended_at is None else int(proposal.ended_at.timestamp())
    return _told(connection, proposal) | {
        "state": proposal.stage.value,
        "is_under_way": proposal.stage in UNDER_WAY,
        "signatures": signed,
        "needed": chain.needed,
        "ended_at": ended,
        "missing": _missing(connection, proposal),
    }


def _missing(connection: Connection, proposal: Proposal) -> list[str] | None:
    """Return what the file of an applicant lacks; None for anything but an admission."""
    if not isinstance(proposal.wish, Admission):
        return None
    return list(evidence_of(connection, proposal.community, proposal.wish.household).missing)


def _told(connection: Connection, proposal: Proposal) -> dict[str, Any]:
    household = proposal.household
    return {
        "proposal": proposal.id,
        "kind": proposal.kind,
        "household": household,
        "name": None if household is None else by_id(connection, proposal.community, household).name,
        "reason": proposal.reason,
        "asked_by": proposal.asked_by,
        "asked_at": int(proposal.asked_at.timestamp()),
        "wish": {k: v for k, v in msgspec.to_builtins(proposal.wish).items() if k != "type"},
    }


def _given[T](value: T | None, name: str, kind: str) -> T:
    if value is None:
        raise ValueError(f"{name}: {kind} takes this field")
    return value


def _key(text: str, name: str) -> Pubkey:
    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not a base58 public key of 32 bytes") from None


def _signature(text: str) -> Signature:
    try:
        return Signature.from_string(text)
    except ValueError:
        raise ValueError("a signature is base58 of 64 bytes") from None
