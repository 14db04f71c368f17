"""A verifier killed at any moment delays a mint, and nothing is minted twice."""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import pytest
from energy_swap_hub.chain.intent import State
from energy_swap_verifier.config import load_key

from tests.hub.verifier.test_verifier import PERIOD, supply
from tests.hub.verifier.verified import Verified

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_verifier_killed_around_its_memory_signs_once(verified: Verified, moment: str) -> None:
    mint = await verified.export(verified.village.amina, 700)
    await verified.stop()
    path = verified.folder / "verifier.json"
    path.write_bytes(msgspec.json.encode(verified.config, enc_hook=str))
    command = (
        sys.executable,
        "-m",
        "tests.hub.verifier.doomed_verifier",
        str(path),
        verified.now.isoformat(),
        moment,
    )
    doomed = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    try:
        await listening(verified.config.port)
        (intent,) = await verified.mint(PERIOD, [mint])
        assert await asyncio.wait_for(doomed.wait(), 20) == -signal.SIGKILL
    finally:
        if doomed.returncode is None:
            doomed.kill()
            await doomed.wait()
    assert intent.state is State.QUEUED
    assert await supply(verified) == 0
    await verified.start()
    for _ in range(3):
        await verified.village.chain_works()
    assert (await verified.intent(intent.id)).state is State.CONFIRMED
    assert await supply(verified) == 700


async def listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return


async def test_the_command_makes_a_key_once_and_tells_what_is_wrong(tmp_path: Path) -> None:
    async def call(*arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m"), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    config = tmp_path / "verifier.json"
    config.write_text('{"data": "x", "community": "kisima", "hub": "nobody"}')
    key, run, verify = await asyncio.gather(
        call("energy_swap_verifier", "key", str(tmp_path / "a")),
        call("energy_swap_verifier", "run", str(config)),
        call("energy_swap_verifier.verify_command", "--rpc", "http://127.0.0.1:9", "--readings", str(config)),
    )
    assert key == (0, f"{load_key(tmp_path / 'a').pubkey()}\n")
    assert (tmp_path / "a" / "verifier.json").stat().st_mode & 0o077 == 0
    assert run[0] == 1
    assert "verifier.json" in run[1]
    assert verify[0] == 2
    assert "cannot be checked" in verify[1]
