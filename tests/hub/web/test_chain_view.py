from pathlib import Path
from typing import Any

from energy_swap_hub.chain.directory import community_chain
from energy_swap_hub.web.chain_view import ChainView

from tests.hub.village import ALLOWED_WH, VILLAGE, copy_of, open_village


async def test_the_chain_page_says_whose_each_transaction_is_and_of_how_much(
    founded: Path, tmp_path: Path
) -> None:
    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        amina, chebet = village.amina, village.chebet
        period = await village.end_period({amina.id: 2_000})
        await village.fund(chebet, 100_000)
        order = await village.sell(amina, 500, 1_000)
        auction = await village.start_auction(amina, 700, 1_000, 10)
        await village.buy(chebet, 500, 1_000)
        await village.chain_works()
        chain = await village.read(lambda c: community_chain(c, VILLAGE))
        page = await ChainView(village.database, village.chain, chain, village.keys, village.clock).page()

        told: dict[str, tuple[Any, ...]] = {
            intent["id"]: (intent["signed"], intent["household"], intent["wh"]) for intent in page["intents"]
        }
        assert told[f"lock:{order}"] == ("order", amina.id, 500)
        assert told[f"lock:{auction}"] == ("auction", amina.id, 700)
        assert told[f"mint:{period}"] == (None, None, 2_000)
        [release] = [what for name, what in told.items() if name.startswith("release:")]
        assert release == (None, None, 500)
        assert told[f"open:{amina.id}"] == (None, amina.id, None)
        allowances = sorted(what for name, what in told.items() if name.startswith("allow:"))
        assert allowances == [("allowance", home.id, ALLOWED_WH) for home in village.homes]
