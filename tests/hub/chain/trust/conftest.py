"""A community that handed its mint to the trust mode's program, on an embedded chain whose clock a test sets."""

import asyncio
import shutil
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from energy_swap_hub.chain import trust
from energy_swap_hub.chain.client import NodeRefusedError
from energy_swap_hub.chain.keys import LocalCoSigner
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_protocol.reading import Reading, sign_reading
from energy_swap_protocol.transaction import TOKEN_2022, token_account
from nacl.signing import SigningKey
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from spl.token.instructions import create_idempotent_associated_token_account, thaw_account, transfer_checked
from spl.token.models import ThawAccountParams, TransferCheckedParams

from tests.hub.chain.world import APPROVERS, World, new_world

ROOT = Path(__file__).parents[4]
BUILD = ROOT / "hub" / "program" / "build.py"
COMPILERS = {"clang": ("clang-19", "clang"), "gcc": ("bpf-gcc",)}
RATED_W = 8_000


def build(compiler: str, folder: Path) -> bytes:
    """Build the program from source."""
    if not any(shutil.which(name) for name in COMPILERS[compiler]):
        pytest.skip(f"{COMPILERS[compiler][0]} is not on this machine; script/bootstrap installs it as root")
    command = [sys.executable, str(BUILD), "--compiler", compiler, "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "on_chain.so").read_bytes()


@pytest.fixture(scope="session", params=["clang, as in the tree", "gcc, built now"])
def content(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The program, by either compiler."""
    if request.param.startswith("clang"):
        return trust.program_bytes()
    return build("gcc", tmp_path_factory.mktemp("program"))


class Site:
    """A household with its meter and its token account."""

    def __init__(self, seed: int, key: Keypair, account: Pubkey, at: datetime) -> None:
        self.meter_key = SigningKey(bytes([seed] * 32))
        self.meter = bytes(self.meter_key.verify_key)
        self.key = key
        self.account = account
        self.reading = Reading(self.meter, 7, int(at.timestamp()), 1_000, 500, 1_500)
        self.counted = self.frame()

    def next(self, *, export_wh: int = 0, import_wh: int = 0, seconds: int = 1_800) -> bytes:
        """Return the frame of the next reading, so much later and higher."""
        last = self.reading
        self.reading = replace(
            last,
            sequence=last.sequence + 1,
            measured_at=last.measured_at + seconds,
            export_wh=last.export_wh + export_wh,
            import_wh=last.import_wh + import_wh,
        )
        return self.frame()

    def frame(self, **changes: object) -> bytes:
        """Return the frame of the last reading, or of one that differs from it."""
        return sign_reading(replace(self.reading, **changes), self.meter_key)  # type: ignore[arg-type]


def registers(frame: bytes) -> tuple[int, int]:
    """Export and import of a frame, whoever signed it."""
    found: tuple[int, int] = struct.unpack_from("<QQ", frame, 52)
    return found


class Trusting:
    """The community, its program and two households."""

    def __init__(self, world: World, program: Pubkey, now: datetime) -> None:
        self.world = world
        self.program = program
        self.mint = world.community.mint
        self.escrow = world.community.escrow
        self.vault = trust.vault_of(program, self.mint)
        self.hub = world.keys.hub
        self.now = now
        self.stranger = Keypair.from_seed(b"s" * 32)  # with money for fees
        self.service: LocalnetService
        self.amina: Site
        self.brian: Site

    async def send(
        self, *instructions: Instruction, signers: Sequence[Keypair] = (), payer: Keypair | None = None
    ) -> None:
        """Send a transaction past all of the hub's rules; raises `NodeRefusedError`."""
        paying = payer or self.hub
        blockhash, _ = await self.world.node.latest_blockhash()
        message = MessageV0.try_compile(paying.pubkey(), list(instructions), [], blockhash)
        keys = {key.pubkey(): key for key in (paying, *signers, self.hub, self.verifier)}
        wanted = message.account_keys[: message.header.num_required_signatures]
        transaction = VersionedTransaction(message, [keys[key] for key in wanted])
        await self.world.node.send(bytes(transaction), preflight=True)
        async with asyncio.timeout(60):
            while (await self.world.node.statuses([str(transaction.signatures[0])]))[0] is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await self.world.tick()

    async def found(self) -> None:
        """Open the vault, admit Amina and Brian, register Amina's meter and let it export 3,000 Wh."""
        chain = self.world.community
        await self.world.node.airdrop(self.stranger.pubkey(), 10**9)
        await self.send(trust.make_vault(self.program, self.mint, self.hub.pubkey()))
        approvers = [approver.pubkey() for approver in APPROVERS[:2]]
        thaw = trust.thaw_vault(self.program, self.mint, chain.approvers_authority, approvers)
        await self.send(thaw, signers=APPROVERS[:2])
        self.amina, self.brian = await self.site(1), await self.site(2)
        await self.register(self.amina)
        first = self.amina.next(export_wh=3_000)
        given = transfer_checked(
            TransferCheckedParams(
                program_id=TOKEN_2022, source=self.escrow, mint=self.mint, dest=self.amina.account,
                owner=chain.authority, amount=3_000, decimals=3, signers=self.minters,
            )
        )  # fmt: skip
        await self.send(*self.attested(self.amina, first), given)
        self.amina.counted = first

    def remember(self) -> None:
        """Know Amina and Brian as `found` left them."""
        self.amina, self.brian = self.known_site(1), self.known_site(2)
        self.amina.counted = self.amina.next(export_wh=3_000)

    def known_site(self, seed: int) -> Site:
        key = Keypair.from_seed(bytes([seed] * 32))
        return Site(100 + seed, key, token_account(key.pubkey(), self.mint), self.now - timedelta(hours=6))

    @property
    def minters(self) -> list[Pubkey]:
        """The two of three who sign."""
        return [self.hub.pubkey(), self.verifier.pubkey()]

    async def minted(self) -> int:
        """What was minted after the first 3,000 Wh, which Amina has."""
        return await self.balance(self.escrow)

    async def refused(self, why: trust.Refusal, *instructions: Instruction, **who: object) -> None:
        """Send what the program itself must refuse, for just this reason."""
        with pytest.raises(NodeRefusedError) as refused:
            await self.send(*instructions, **who)  # type: ignore[arg-type]
        reason = refused.value.reason
        assert isinstance(reason, dict), reason
        number = reason["InstructionError"][1]
        assert number == {"Custom": why.value}, (number, refused.value.logs)

    async def balance(self, account: Pubkey) -> int:
        return await self.world.chain.balance_wh(account)

    async def site(self, seed: int) -> Site:
        site = self.known_site(seed)
        key, account = site.key, site.account
        make = create_idempotent_associated_token_account(
            payer=self.hub.pubkey(), owner=key.pubkey(), mint=self.mint, token_program_id=TOKEN_2022
        )
        thaw = thaw_account(
            ThawAccountParams(
                program_id=TOKEN_2022, account=account, mint=self.mint,
                authority=self.world.community.approvers_authority,
                multi_signers=[key.pubkey() for key in APPROVERS[:2]],
            )
        )  # fmt: skip
        await self.send(make, thaw, signers=APPROVERS[:2])
        return site

    async def registration(
        self, site: Site, signers: Sequence[Keypair], *, first_sequence: int = 7, rated_w: int = RATED_W
    ) -> Instruction:
        return trust.register_meter(
            self.program,
            payer=self.hub.pubkey(),
            mint=self.mint,
            approvers=self.world.community.approvers_authority,
            signers=[key.pubkey() for key in signers],
            meter=site.meter,
            account=site.account,
            rated_w=rated_w,
            first_sequence=first_sequence,
            rent_lamports=await self.world.node.rent_lamports(144),
        )

    async def register(self, site: Site) -> None:
        """Register the meter and tell where its registers stand."""
        await self.send(await self.registration(site, APPROVERS[:2]), signers=APPROVERS[:2])
        site.counted = site.frame()

    def attested(
        self,
        site: Site,
        later: bytes,
        *,
        earlier: bytes | None = None,
        wh: int | None = None,
        to: Pubkey | None = None,
        account: Pubkey | None = None,
        signers: Sequence[Pubkey] | None = None,
    ) -> list[Instruction]:
        """Mint the net export since ``earlier``, else since the frame that was minted to last, or ``wh``."""
        earlier = earlier or site.counted
        if wh is None:
            (before, imported_before), (after, imported) = registers(earlier), registers(later)
            wh = max(1, (after - before) - (imported - imported_before))
        return trust.attested_mint(
            self.program,
            mint=self.mint,
            minters=self.world.community.authority,
            signers=self.minters if signers is None else signers,
            to=to or self.escrow,
            account=account or site.account,
            earlier=earlier,
            later=later,
            wh=wh,
        )

    async def mints(self, site: Site, later: bytes, **how: object) -> None:
        """Mint, and remember from where the next one counts."""
        await self.send(*self.attested(site, later, **how))  # type: ignore[arg-type]
        site.counted = later

    async def order(
        self,
        number: int,
        wh: int,
        *,
        minutes: int = 30,
        arbiter: Pubkey | None = None,
        vault: Pubkey | None = None,
    ) -> Instruction:
        """Amina's sale to Brian."""
        return trust.open_order(
            self.program,
            payer=self.hub.pubkey(),
            mint=self.mint,
            seller=self.amina.key.pubkey(),
            seller_account=self.amina.account,
            vault=vault or self.vault,
            buyer_account=self.brian.account,
            arbiter=arbiter or self.world.community.authority,
            order=UUID(int=number),
            wh=wh,
            deadline=self.now + timedelta(minutes=minutes),
            rent_lamports=await self.world.node.rent_lamports(232),
        )

    async def opened(self, number: int, wh: int, **how: object) -> trust.OrderState:
        await self.send(await self.order(number, wh, **how), signers=[self.amina.key])  # type: ignore[arg-type]
        return trust.parse_order(
            await self.state(trust.order_address(self.program, self.mint, UUID(int=number))) or b""
        )

    async def state(self, address: Pubkey) -> bytes | None:
        return (await self.world.node.accounts([address]))[0]

    @property
    def verifier(self) -> Keypair:
        co_signer = self.world.keys.co_signers[0]
        assert isinstance(co_signer, LocalCoSigner)
        return co_signer._keypair


BEGIN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@asynccontextmanager
async def open_trusting(folder: Path, content: bytes) -> AsyncIterator[Trusting]:
    """Open the community in ``folder``; the first time, put ``content`` on the chain and found it with that."""
    made: list[Trusting] = []
    service = await LocalnetService.open(folder / "chain.sqlite", lambda: made[0].now if made else BEGIN)
    client, known = service.client(), folder / "program"
    async with new_world(folder, client, service.tick, founds=False) as world:
        is_new = not known.exists()
        slots = asyncio.create_task(service.run_slots(0.005))
        if is_new:
            program = Keypair()
            await world.node.airdrop(world.keys.hub.pubkey(), 100 * 10**9)
            await trust.deploy(world.node, world.keys.hub, program, content)
            known.write_text(str(program.pubkey()))
        await service.tick(2)  # a program runs from the slot after its deployment on
        address = Pubkey.from_string(known.read_text())
        with pytest.MonkeyPatch.context() as patch:
            # The other compiler's is one that no hub would found a community with.
            patch.setattr("energy_swap_hub.chain.trust.deployment.program_bytes", lambda: content)
            await world.open(program=address)
        slots.cancel()
        trusting = Trusting(world, address, BEGIN)
        trusting.service = service
        made.append(trusting)
        if is_new:
            await trusting.found()
        trusting.remember()
        yield trusting
    await client.close()
    await service.close()


@pytest.fixture(scope="session")
def founded_with(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a community that was founded with a program; tests work on copies."""
    folder = tmp_path_factory.mktemp("founded")

    async def found() -> None:
        async with open_trusting(folder, content):
            pass

    asyncio.run(found())
    return folder


@pytest.fixture
async def trusting(content: bytes, founded_with: Path, tmp_path: Path) -> AsyncIterator[Trusting]:
    """A community whose mint belongs to the program; Amina's meter is registered and has exported 3,000 Wh."""
    folder = tmp_path / "community"
    shutil.copytree(founded_with, folder)
    async with open_trusting(folder, content) as opened:
        yield opened
