"""A community founded with the trust mode: lives as any other, and can be checked by anybody."""

from energy_swap_hub.chain.trust import meter_address, parse_meter

from tests.hub.verifier.test_published import published_at
from tests.hub.verifier.verified import Verified
from tests.hub.village import VILLAGE, Home


async def trade(trusting: Verified) -> None:
    """Periods, a sale on the spot market, a late reading: what was exported is minted by the meters' word."""
    village = trusting.village
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
    await village.end_period({brian.id: 900, amina.id: -700})
    await village.end_period({brian.id: 100, amina.id: 800})
    await village.check()


async def counted(trusting: Verified, home: Home) -> int:
    """The export until which the program has counted a meter."""
    program, chain = trusting.village.program, await trusting.chain()
    assert program is not None
    address = meter_address(program, chain.mint, home.last.meter)
    (data,) = await trusting.node.accounts([address])
    return parse_meter(data or b"").export_wh


async def test_everything_is_minted_by_meters_and_recomputed_by_a_stranger(trusting: Verified) -> None:
    await trade(trusting)
    village = trusting.village
    assert await counted(trusting, village.amina) == village.amina.last.export_wh
    async with published_at(trusting) as told:
        code, lines = await told()
        assert (code, lines[-1]) == (0, "all true"), lines
        figures = {line[:44].strip(): line[44:].strip() for line in lines}
        assert figures["trust mode (not audited), program"] == str(village.program)
        assert figures["meters registered by approvers"] == "4"
        assert int(figures["minted Wh"]) - int(figures["burned Wh"]) == await village.chain.supply_wh(VILLAGE)
