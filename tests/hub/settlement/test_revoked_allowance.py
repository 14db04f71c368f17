from pathlib import Path

from energy_swap_hub.settlement import tables
from energy_swap_protocol.transaction import TOKEN_2022, token_account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from tests.hub.village import VILLAGE, Home, Village, copy_of, open_village

REVOKE = 5  # the token program's number for it


async def take_back(village: Village, home: Home) -> None:
    """What no rule of the hub can keep a household from: it revokes on the chain, past the hub."""
    node, key = village.chain._node, Keypair.from_seed(bytes(home.key))
    await node.airdrop(key.pubkey(), 10**9)
    info = await village.info()
    account = token_account(key.pubkey(), info.mint)
    accounts = [
        AccountMeta(account, is_signer=False, is_writable=True),
        AccountMeta(key.pubkey(), is_signer=True, is_writable=False),
    ]
    instruction = Instruction(TOKEN_2022, bytes([REVOKE]), accounts)
    blockhash, _ = await node.latest_blockhash()
    message = MessageV0.try_compile(key.pubkey(), [instruction], [], blockhash)
    await node.send(bytes(VersionedTransaction(message, [key])), preflight=True)


async def test_who_takes_its_allowance_back_past_the_hub_stops_nobody_else(founded: Path, tmp_path: Path) -> None:
    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        chebet, david = village.chebet, village.david
        await village.standing(village.amina, sell=1_000)
        for buyer in (chebet, david):
            await village.standing(buyer, buy=1_000)
            await village.fund(buyer, 100_000)
        await take_back(village, chebet)
        period = await village.end_period({village.amina.id: 3_000, chebet.id: -1_000, david.id: -1_000})

        # David's tokens are burned; Chebet's lie in her account, and a person is told.
        assert (await village.on_chain(chebet), await village.on_chain(david)) == (1_000, 0)
        assert await village.period_state(period) == "review"
        [review] = await village.rows(tables.review)
        assert review["subject"] == f"burn:{period}.{chebet.id}"
        assert await village.chain.supply_wh(VILLAGE) == 2_000

        # She buys nothing until she grants again, so it happens once only; the others go on.
        assert (await village.allowance(chebet), await village.cents(chebet)) == (0, 100_000 - 1_200)
        second = await village.end_period({village.amina.id: 3_000, chebet.id: -1_000, david.id: -1_000})
        assert await village.period_state(second) == "settled"
        assert await village.cents(chebet) == 100_000 - 1_200
        await village.allow(chebet, 5_000)
        await village.chain_works()
        third = await village.end_period({village.amina.id: 3_000, chebet.id: -1_000})
        assert await village.period_state(third) == "settled"
        assert await village.cents(chebet) == 100_000 - 2_400
