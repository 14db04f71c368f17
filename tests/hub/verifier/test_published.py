"""What a community publishes proves every mint to anybody, and nothing that is not true passes."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from energy_swap_hub.chain.client import Node
from energy_swap_hub.chain.intent import State
from energy_swap_hub.metering.epochs import start_epoch
from energy_swap_hub.settlement.settings import Change, change_settings
from energy_swap_hub.web.app import make_app
from energy_swap_hub.web.doors import Doors
from energy_swap_hub.web.readings_api import ReadingsApi
from energy_swap_hub.web.route import route_definitions
from energy_swap_protocol.transaction import TOKEN_2022
from energy_swap_verifier.config import load_key
from energy_swap_verifier.verify_command import verify
from nacl.signing import SigningKey
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from spl.token.instructions import mint_to_checked, transfer_checked
from spl.token.models import MintToCheckedParams, TransferCheckedParams

from tests.hub.verifier.verified import Verified, open_verified
from tests.hub.village import OPENED, VILLAGE, Home, Village, community

BASE = f"/api/v1/communities/{VILLAGE}/readings"


@dataclass(frozen=True)
class Traded:
    """A village after some trade, with its public address."""

    verified: Verified
    client: TestClient[Any, Any]

    async def told(self, readings: str | None = None, **more: Any) -> tuple[int, list[str]]:
        """What a stranger is told."""
        lines: list[str] = []
        url = readings or str(self.client.make_url(BASE))
        rpc = self.verified.config.chain_url
        return await verify(rpc, url, say=lines.append, **more), lines


@asynccontextmanager
async def published_at(verified: Verified) -> AsyncIterator[Traded]:
    """The village with its public address."""
    village = verified.village
    api = ReadingsApi(Doors(village.database, lambda: OPENED), village.database, village.community)
    app = make_app(route_definitions(api.routes()), Path("no console"))
    async with TestClient(TestServer(app)) as client:
        yield Traded(verified, client)


async def trade(verified: Verified) -> None:
    """A period with a trade, a sale on the spot market, and a period for which a meter was silent."""
    village = verified.village
    amina, brian, chebet = village.amina, village.brian, village.chebet
    await village.fund(chebet, 200_000)
    await village.standing(amina, sell=900)
    await village.standing(chebet, buy=1_500)
    await village.end_period({amina.id: 2_000, brian.id: 1_500, chebet.id: -1_200})
    order = await village.sell(brian, 1_000, 800)
    await village.buy(chebet, 400, 900)
    await village.chain_works()
    assert order
    await village.end_period({amina.id: 300, chebet.id: -400}, silent=(brian.id,))


@pytest.fixture
async def traded(verified: Verified) -> AsyncIterator[Traded]:
    village = verified.village
    await trade(verified)
    await village.end_period({village.brian.id: 900})
    await village.check()
    async with published_at(verified) as made:
        yield made


async def test_a_stranger_recomputes_everything_from_address_or_file(traded: Traded, tmp_path: Path) -> None:
    code, lines = await traded.told()
    assert (code, lines[-1]) == (0, "all true"), lines
    figures = {line[:44].strip(): line[44:].strip() for line in lines}
    supply = await traded.verified.village.chain.supply_wh(VILLAGE)
    assert (
        int(figures["minted Wh"]) - int(figures["burned Wh"])
        == supply
        == int(figures["supply Wh = minted - burned"])
    )
    assert int(figures["open orders Wh"]) == 600 == int(figures["escrow Wh"])
    assert int(figures["mints with true readings and roots"]) >= 4
    export = await traded.client.get(f"{BASE}.jsonl")
    path = tmp_path / "readings.jsonl"
    path.write_bytes(await export.read())
    assert await traded.told(str(path)) == (code, lines)
    mint = str((await traded.verified.chain()).mint)
    assert (await traded.told(str(path), mint=mint))[0] == 0
    assert (await traded.told(str(path), mint=mint[::-1]))[0] == 1


async def test_who_checks_follows_a_change_of_the_periods_length(
    founded_with_verifier: Path, tmp_path: Path
) -> None:
    """Hours were the beginning, half hours count from that day on: verifier and stranger go by what is told."""
    folder, midnight = tmp_path / "village", OPENED.replace(hour=0)
    shutil.copytree(founded_with_verifier, folder)
    async with open_verified(folder, rules=community(period_minutes=60)) as verified:
        village = verified.village
        said: dict[str, Any] = {"who": "office", "reason": "decided", "now": midnight - timedelta(days=8)}
        await village.database.write(
            lambda c: change_settings(c, village.community, Change(period_minutes=30), midnight, **said)
        )
        await trade(verified)
        await village.end_period({village.brian.id: 900})
        await village.check()
        async with published_at(verified) as traded:
            assert (await traded.told())[1][-1] == "all true"
            index = await (await traded.client.get(BASE)).json()
            assert index["period_minutes"] == 60
            assert index["period_changes"] == [{"from": int(midnight.timestamp()), "minutes": 30}]
            assert "2026-11-20T09:30Z" in index["periods"]
            export = await (await traded.client.get(f"{BASE}.jsonl")).read()
            path = tmp_path / "readings.jsonl"
            path.write_bytes(export.replace(b'"minutes":30', b'"minutes":15', 1))
            code, lines = await traded.told(str(path))
            assert code == 1
            assert "from after the end of period" in lines[-1]


async def put_another_meter(village: Village, home: Home) -> None:
    """A meter is replaced, and the approvers let the new one in."""
    home.meter_key = SigningKey(bytes([88]) * 32)
    fresh = replace(home.last, meter=bytes(home.meter_key.verify_key), sequence=0, export_wh=0, import_wh=0)
    home.last = replace(fresh, generation_wh=0)
    village.now += timedelta(minutes=1)
    await village.replace_meter(home, home.measure(village.now))


async def test_a_replaced_meter_is_proven_by_the_chain_alone(traded: Traded) -> None:
    village = traded.verified.village
    amina = village.amina
    await put_another_meter(village, amina)
    before = (await traded.told())[1]
    await village.end_period({amina.id: 700})
    await village.check()
    code, lines = await traded.told()
    assert (code, lines[-1]) == (0, "all true"), lines
    minted = [int(line[44:]) for told in (before, lines) for line in told if line.startswith("minted Wh")]
    assert minted[1] == minted[0] + 700


async def test_a_meter_that_the_approvers_did_not_let_in_is_a_lie(traded: Traded) -> None:
    village = traded.verified.village
    amina = village.amina
    amina.meter_key = SigningKey(bytes([88]) * 32)
    amina.last = replace(amina.last, meter=bytes(amina.meter_key.verify_key), sequence=0)
    village.now += timedelta(minutes=1)
    frame = amina.measure(village.now)
    # A hub that changes the meter on its own word only: its verifier signs no mint for it.
    await village.database.write(
        lambda c: start_epoch(c, VILLAGE, amina.id, frame, who="office", reason="why", now=village.now)
    )
    supply = await village.chain.supply_wh(VILLAGE)
    await village.end_period({amina.id: 700})
    failed = [intent for intent in await village.intents() if intent.state is State.FAILED]
    assert failed
    assert "not admitted with this account" in (failed[-1].error or "")
    assert await village.chain.supply_wh(VILLAGE) == supply


async def test_what_is_published_names_nobody_and_can_be_kept(traded: Traded) -> None:
    index = await (await traded.client.get(BASE)).json()
    assert len(index["periods"]) == 3
    page = await traded.client.get(f"{BASE}/{index['periods'][0]}")
    text = await page.text()
    assert '"is_settled":true' in text
    for home in traded.verified.village.homes:
        for private in (home.id, home.name, home.phone, str(home.pubkey)):
            assert private not in text
    assert page.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = await traded.client.get(
        f"{BASE}/{index['periods'][0]}", headers={"If-None-Match": page.headers["ETag"]}
    )
    assert (again.status, await again.read()) == (304, b"")
    assert not page.headers["ETag"].startswith("W/")
    missing = await traded.client.get(f"{BASE}/2026-11-20T09:07Z")
    assert missing.status == 422


def write_tampered(path: Path, export: bytes, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Write an export that somebody has changed."""
    documents = [msgspec.json.decode(line) for line in export.splitlines()]
    change(documents)
    path.write_bytes(b"\n".join(msgspec.json.encode(document) for document in documents))


async def test_tampered_evidence_is_found_out(traded: Traded, tmp_path: Path) -> None:
    def first(documents: list[dict[str, Any]]) -> dict[str, Any]:
        return dict(documents[1]["transactions"][0])

    def more_wh(documents: list[dict[str, Any]]) -> None:
        first(documents)["mints"][0]["wh"] += 1

    def other_frame(documents: list[dict[str, Any]]) -> None:
        mints = first(documents)["mints"]
        mints[0]["frames"] = mints[1]["frames"]

    def cut_frame(documents: list[dict[str, Any]]) -> None:
        first(documents)["mints"][0]["frames"].pop()

    def broken_signature(documents: list[dict[str, Any]]) -> None:
        frame = first(documents)["mints"][0]["frames"][0]
        first(documents)["mints"][0]["frames"][0] = frame[:-8] + "AAAAAAAA"

    def other_account(documents: list[dict[str, Any]]) -> None:
        mints = first(documents)["mints"]
        mints[0]["account"], mints[1]["account"] = mints[1]["account"], mints[0]["account"]

    def no_period(documents: list[dict[str, Any]]) -> None:
        del documents[1]

    path, export = tmp_path / "readings.jsonl", await (await traded.client.get(f"{BASE}.jsonl")).read()
    for change, reason in (
        (more_wh, "the published readings are for"),
        (other_frame, "not those that the memo commits to"),
        (cut_frame, "not those that the memo commits to"),
        (broken_signature, "not those that the memo commits to"),
        (other_account, "not those that the memo commits to"),
        (no_period, "no readings are published"),
    ):
        write_tampered(path, export, change)
        code, lines = await traded.told(str(path))
        assert code == 1, change.__name__
        assert lines[-1].startswith("LIE")
        assert reason in lines[-1]


async def collude(traded: Traded, instruction: Instruction) -> None:
    """Send what hub and verifier sign together behind everybody's back."""
    verified = traded.verified
    node, hub = Node(verified.village.localnet.client()), verified.village.desk.tokens.hub
    blockhash, _ = await node.latest_blockhash()
    message = MessageV0.try_compile(hub.pubkey(), [instruction], [], blockhash)
    transaction = VersionedTransaction(message, [hub, load_key(verified.config.data)])
    await node.send(bytes(transaction), preflight=True)
    await verified.village.localnet.tick()


async def test_a_mint_that_hub_and_verifier_made_up_together_is_found_out(traded: Traded) -> None:
    chain = await traded.verified.chain()
    mint = MintToCheckedParams(
        program_id=TOKEN_2022, mint=chain.mint, dest=chain.escrow, mint_authority=chain.authority, amount=1_000,
        decimals=3, signers=[chain.hub, chain.verifiers[0]],
    )  # fmt: skip
    await collude(traded, mint_to_checked(mint))
    code, lines = await traded.told()
    assert code == 1
    assert "1000 Wh were minted and no readings are published" in lines[-1]


async def test_escrow_that_hub_and_verifier_emptied_together_is_found_out(traded: Traded) -> None:
    chain, village = await traded.verified.chain(), traded.verified.village
    account = await traded.verified.account(village.david)
    move = TransferCheckedParams(
        program_id=TOKEN_2022, source=chain.escrow, mint=chain.mint, dest=Pubkey.from_string(account),
        owner=chain.authority, amount=600, decimals=3, signers=[chain.hub, chain.verifiers[0]],
    )  # fmt: skip
    await collude(traded, transfer_checked(move))
    code, lines = await traded.told()
    assert code == 1
    assert "600 Wh left the escrow that no order had locked" in lines[-1]


async def test_what_cannot_be_checked_is_no_proof(traded: Traded, tmp_path: Path) -> None:
    code, lines = await traded.told(str(tmp_path / "nothing.jsonl"))
    assert code == 2
    assert lines[0].startswith("cannot be checked")
    code, _ = await traded.told("http://127.0.0.1:9/readings")
    assert code == 2
