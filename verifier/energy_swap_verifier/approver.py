"""An approver's device: asks the hub what waits, reads what each message does, signs what its person agrees to."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

import aiohttp
import msgspec
from energy_swap_protocol.request import HEADER, sign_request
from nacl.signing import SigningKey
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from .decision import Asked, Community, Decision, DoubtError, decide
from .register import find_admissions
from .rpc import Node

_NOT_THIS_METER: Final = " NOT the meter that it was admitted with: was it replaced?"


class HubRefusedError(RuntimeError):
    """The hub did not take the device's request; the text is the hub's."""


@dataclass(frozen=True, slots=True)
class Device:
    """One approver's key, and the hub and the chain that it talks to.

    Without ``node`` it signs admissions only: of all else the chain must say whose account it is about.
    """

    key: Keypair
    community_id: str
    community: Community
    hub_url: str
    session: aiohttp.ClientSession
    clock: Callable[[], datetime]
    node: Node | None = None

    @property
    def public_key(self) -> Pubkey:
        """The key as the community's multisig knows it."""
        return self.key.pubkey()

    async def waiting(self) -> list[Asked]:
        """Return what waits for this approver, oldest first; raises `HubRefusedError`, `aiohttp.ClientError`."""
        answer = await self._request("GET", self._path, b"")
        asked = msgspec.json.decode(answer, type=list[Asked])
        return [one for one in asked if str(self.public_key) not in one.signatures]

    async def judge(self, asked: Asked) -> Decision:
        """Return what signing would do, in words; raises `DoubtError`, `NodeError`."""
        decision = decide(asked, self.public_key, self.community)
        if decision.account is None:
            return decision
        if self.node is None:
            raise DoubtError("whose account this is only the chain says: give the device a chain_url")
        found = await find_admissions(self.node, self.community.mint, decision.account)
        admitted = [memo for memo, _ in found]
        if decision.household not in {memo.household for memo in admitted}:
            raise DoubtError(f"{decision.account} was never admitted as the account of {decision.household}")
        if decision.meter is not None and decision.meter not in {memo.meter for memo in admitted}:
            return replace(decision, words=decision.words + _NOT_THIS_METER)
        return decision

    async def sign(self, asked: Asked, decision: Decision) -> tuple[int, int]:
        """Sign what was judged and hand it in; return how many have signed and how many must."""
        signatures = [str(self.key.sign_message(message)) for message in decision.messages]
        body = msgspec.json.encode({"signatures": signatures})
        answer = await self._request("POST", f"{self._path}/{asked.proposal}/signatures", body)
        told = msgspec.json.decode(answer, type=dict[str, int])
        return told["signatures"], told["needed"]

    @property
    def _path(self) -> str:
        return f"/api/v1/communities/{self.community_id}/proposals"

    async def _request(self, method: str, path: str, body: bytes) -> bytes:
        url, key = self.hub_url.rstrip("/") + path, SigningKey(self.key.secret())
        at = int(self.clock().timestamp())
        header = sign_request(method, path, body, key=key, nonce=uuid4().hex, at=at)
        headers = {HEADER: header, "Content-Type": "application/json"}
        async with self.session.request(method, url, data=body or None, headers=headers) as response:
            answer = await response.read()
            if response.status >= 400:
                raise HubRefusedError(f"{method} {path}: {response.status} {answer.decode(errors='replace')}")
            return answer
