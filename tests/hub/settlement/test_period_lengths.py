"""Communities whose periods are not half an hour long."""

from datetime import timedelta
from pathlib import Path

import pytest
from energy_swap_hub.config import HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.settlement import tables
from energy_swap_protocol.period import period_at

from tests.hub.village import FEES, OPENED, community, copy_of, database_of, no_daraja, open_village


@pytest.mark.parametrize("minutes", [15, 60])
async def test_a_period_may_be_a_quarter_or_a_whole_hour(founded: Path, tmp_path: Path, minutes: int) -> None:
    length = timedelta(minutes=minutes)
    async with open_village(
        copy_of(founded, tmp_path / "hub"), rules=community(period_minutes=minutes)
    ) as village:
        amina, chebet = village.amina, village.chebet
        await village.standing(amina, sell=1_000)
        await village.standing(chebet, buy=2_000)
        await village.fund(chebet, 100_000)
        periods = [await village.end_period({amina.id: 2_000, chebet.id: -1_000}) for _ in range(2)]
        assert periods == [period_at(OPENED + n * length, length).id for n in range(2)]
        assert village.now == OPENED + 2 * length
        assert [await village.period_state(period) for period in periods] == ["settled", "settled"]
        assert await village.cents(amina) == 2 * 1_000
        assert await village.cents(chebet) == 100_000 - 2 * (1_000 + FEES)
        assert (await village.on_chain(amina), await village.on_chain(chebet)) == (2 * 1_000, 0)
        assert len(await village.rows(tables.trade)) == 2
        await village.check()


async def test_a_community_keeps_the_length_it_began_with(founded: Path, tmp_path: Path) -> None:
    data = copy_of(founded, tmp_path / "hub")
    async with open_village(data) as village:
        for _ in range(2):
            await village.end_period()
    (tmp_path / "daraja.pem").write_bytes(b"")
    config = HubConfig(
        data=data,
        database_url=None if isinstance(where := database_of(data), Path) else where,
        community=community(period_minutes=15),
        users=(),
        daraja=no_daraja(0, tmp_path / "daraja.pem"),
        port=0,
    )
    with pytest.raises(ValueError, match="period_minutes is 15, but the periods of Kisima are 30 minutes long"):
        async with running_hub(config, lambda: OPENED + timedelta(hours=2)):
            pass
