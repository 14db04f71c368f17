"""The approvers' devices of the demo: the installed approver's own judgement, each with a key of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp
from energy_swap_verifier.approver import Device
from energy_swap_verifier.decision import Community, DoubtError
from energy_swap_verifier.rpc import Node
from nacl.signing import SigningKey
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from energy_swap_demo.households import APPROVERS
from energy_swap_demo.keys import keep_key


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the device did with a proposal, and its explanation for the person who holds it."""

    proposal: str
    is_signed: bool
    explanation: str


@dataclass(frozen=True, slots=True)
class ApproverDevice:
    """One approver's device with its key."""

    name: str
    role: str
    key: SigningKey

    @property
    def public_key(self) -> Pubkey:
        """The key as the community's multisig knows it."""
        return Pubkey(bytes(self.key.verify_key))

    def connect(
        self,
        session: aiohttp.ClientSession,
        hub_url: str,
        community_id: str,
        clock: Callable[[], datetime],
        community: Community,
        node: Node | None = None,
    ) -> Device:
        """Return the device at work; ``community`` is what it was told at the community's founding."""
        key = Keypair.from_seed(bytes(self.key))
        return Device(key, community_id, community, hub_url, session, clock, node)


def keep_approvers(folder: Path) -> tuple[ApproverDevice, ...]:
    """Return the three approvers' devices; their keys are made once and kept in ``folder``."""
    return tuple(
        ApproverDevice(person.name, person.role, keep_key(folder / person.device)) for person in APPROVERS
    )


async def sign_waiting(device: Device) -> list[Verdict]:
    """Sign what waits and holds, and return what was decided about each.

    Raises `HubRefusedError` when the hub refuses a request, `aiohttp.ClientError` when it cannot be reached.
    """
    verdicts: list[Verdict] = []
    for asked in await device.waiting():
        try:
            decision = await device.judge(asked)
        except DoubtError as doubt:
            verdicts.append(Verdict(asked.proposal, is_signed=False, explanation=str(doubt)))
            continue
        await device.sign(asked, decision)
        verdicts.append(Verdict(asked.proposal, is_signed=True, explanation=decision.words))
    return verdicts
