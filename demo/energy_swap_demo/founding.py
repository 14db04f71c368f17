"""A community's founding: households apply, approvers sign one by one, edges allow burning and set prices."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from solders.pubkey import Pubkey

from .approvers import sign_pending
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
    mint = Pubkey.from_string(chain["mint"])
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
                for decision in await sign_pending(
                    neighbourhood.session,
                    neighbourhood.hub_url,
                    COMMUNITY,
                    device,
                    neighbourhood.clock,
                    mint,
                ):
                    verdict = "" if decision.is_signed else "refuses: "
                    say(f"{device.name} ({device.role}) {verdict}{decision.explanation}")
            await asyncio.sleep(0.1)
    say(
        f"{len(HOUSEHOLDS)} households are admitted, each by {ADMISSIONS_NEEDED} of {len(neighbourhood.approvers)}"
    )
