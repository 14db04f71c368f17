"""The trust mode as an operator meets it: the command, the setting, and what the hub says of itself then."""

import logging
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession
from energy_swap_hub.chain.community import CommunityError
from energy_swap_hub.config import HubConfig, TrustModeConfig
from energy_swap_hub.hub import running_hub

from tests.hub.village import VILLAGE

from .conftest import Hub, clock, command


async def test_community_is_founded_with_what_the_command_printed(
    config: HubConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A hub before its first start.
    config = msgspec.structs.replace(config, data=tmp_path / "new")
    code, out, err = await command("trust-program", config, tmp_path)
    assert code == 0, err
    assert "This program has not been audited, and nobody can ever change it." in err
    setting = msgspec.json.decode(f"{{{out}}}")["trust_mode"]
    chosen = msgspec.structs.replace(config, trust_mode=msgspec.convert(setting, TrustModeConfig))
    url = f"http://127.0.0.1:{config.port}"
    with caplog.at_level(logging.WARNING):
        async with running_hub(chosen, clock), ClientSession(url) as session:
            hub = Hub(url, chosen, session)
            admin = await hub.admin()
            page = await (await admin.get("/chain")).json()
            head = await (await session.get(f"/api/v1/communities/{VILLAGE}/readings")).json()
            await hub.close()
    assert page["trust_program"] == head["trust_program"] == setting["program"]
    assert "which has not been audited" in caplog.text
    with pytest.raises(CommunityError, match=r"was founded with trust_mode .* which is for good"):
        async with running_hub(config, clock):
            pass


async def test_community_that_is_there_is_not_moved(config: HubConfig) -> None:
    chosen = TrustModeConfig(program="TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb", unaudited="accepted")
    with pytest.raises(CommunityError, match="was founded without trust_mode, which is for good"):
        async with running_hub(msgspec.structs.replace(config, trust_mode=chosen), clock):
            pass


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"program": "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"}, "unaudited"),
        ({"program": "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb", "unaudited": True}, "unaudited"),
        ({"program": "nothing", "unaudited": "accepted"}, "program 'nothing' is not a base58 address"),
    ],
)
def test_setting_that_does_not_say_unaudited_or_names_nothing_is_refused(setting: object, why: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=why):
        msgspec.convert(setting, TrustModeConfig)
