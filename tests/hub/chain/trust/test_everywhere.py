"""The trust mode from its deployment on, on the embedded chain and on a Solana server that is not ours."""

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from energy_swap_hub.chain import trust
from energy_swap_hub.chain.client import NodeRefusedError
from solders.pubkey import Pubkey

from tests.hub.chain.servers import KINDS, community_on

from .conftest import Trusting


@pytest.mark.parametrize("kind", KINDS)
async def test_trust_mode_deployed_by_its_command_mints_releases_and_refunds(kind: str, tmp_path: Path) -> None:
    async with community_on(kind, tmp_path, founds=False) as (world, url):
        command = (
            "-m",
            "energy_swap_hub.chain.trust",
            "--rpc",
            url,
            "--payer",
            str(tmp_path / "keys" / "hub.json"),
        )
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        told, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        await world.tick(2)  # a program runs from the slot after its deployment on
        await world.open(program=Pubkey.from_string(told.decode().strip()))
        trusting = Trusting(world, Pubkey.from_string(told.decode().strip()), datetime.now(UTC))
        await trusting.found()
        amina, brian = trusting.amina, trusting.brian
        assert await trusting.balance(amina.account) == 3_000
        with pytest.raises(NodeRefusedError):
            await trusting.send(*trusting.attested(amina, amina.frame(), wh=1))

        order = await trusting.opened(1, 2_000)
        members = [trusting.hub, trusting.verifier]
        await trusting.send(trust.release(trusting.program, order, [m.pubkey() for m in members]), signers=members)
        trusting.now = datetime.now(UTC)
        late = await trusting.opened(2, 400, minutes=0.2)
        refund = trust.refund(trusting.program, late)
        await trusting.refused(trust.Refusal.TOO_EARLY, refund, payer=trusting.stranger)
        async with asyncio.timeout(90):
            while await trusting.balance(trusting.vault):
                await asyncio.sleep(0.5)
                with suppress(NodeRefusedError):  # too early by the chain's clock
                    await trusting.send(refund, payer=trusting.stranger)
        assert (await trusting.balance(amina.account), await trusting.balance(brian.account)) == (1_000, 2_000)
