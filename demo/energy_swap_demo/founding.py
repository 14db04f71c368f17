"""A community's founding: households apply, approvers sign one by one, edges allow burning and set prices."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from energy_swap_verifier.decision import Community
from solders.pubkey import Pubkey

from .approvers import sign_waiting
from .households import ADMISSIONS_NEEDED, COMMUNITY_START, HOUSEHOLDS
from .neighbourhood import Neighbourhood
from .settings import COMMUNITY

FOUNDED: Final = COMMUNITY_START + timedelta(minutes=1)
_PATIENCE_SECONDS: Final = 90.0


async def found_community(neighbourhood: Neighbourhood, say: Callable[[str], None]) -> None:
    """Wait until all households are admitted and ready to trade, while the approvers' devices sign.

    The households' first readings, with which they apply, are those of `FOUNDED`.
    """
    if neighbourhood.clock.now() < FOUNDED:
        neighbourhood.clock.set(FOUNDED)
        await neighbourhood.metering.publish_minute(FOUNDED)
    chain = await neighbourhood.console.chain(COMMUNITY)
    community = Community(Pubkey.from_string(chain["mint"]), Pubkey.from_string(chain["hub"]))
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            neighbourhood.children.raise_if_any_died()
            rows = (await neighbourhood.console.get("households"))["households"]
            if len(rows) == len(HOUSEHOLDS) and all(
                row["status"] == "admitted" and row["allowance_wh"] and row["buy_at_most"] for row in rows
            ):
                break
            # Any two of the three will do; here the third one is away.
            for device in neighbourhood.approvers[:ADMISSIONS_NEEDED]:
                at_work = device.connect(
                    neighbourhood.session, neighbourhood.hub_url, COMMUNITY, neighbourhood.clock, community
                )
                for verdict in await sign_waiting(at_work):
                    refuses = "" if verdict.is_signed else "refuses: "
                    say(f"{device.name} ({device.role}) {refuses}{verdict.explanation}")
            await asyncio.sleep(0.1)
    say(
        f"{len(HOUSEHOLDS)} households are admitted, each by {ADMISSIONS_NEEDED} of {len(neighbourhood.approvers)}"
    )
