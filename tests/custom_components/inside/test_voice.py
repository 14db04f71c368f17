"""What the documentation says can be spoken is understood: entities by their names, and its own sentence."""

import re
from pathlib import Path
from textwrap import dedent

import pytest
from homeassistant.components.conversation import async_converse
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.custom_components.contract_edge import ContractEdge

CHAPTER = (
    (Path(__file__).parents[3] / "docs" / "home-assistant.md")
    .read_text()
    .partition("## Voice and language models")[2]
    .partition("\n## ")[0]
)


@pytest.fixture
async def assist(hass: HomeAssistant, household: MockConfigEntry, tmp_path: Path) -> None:
    """A voice assistant that may see the household's entities and has read the documentation's sentences."""
    path = re.search(r"`config/(custom_sentences/\S+\.yaml)`", CHAPTER)
    block = re.search(r"\n\n((?:    .*\n)+)", CHAPTER)
    assert path is not None
    assert block is not None
    sentences = tmp_path / path[1]
    sentences.parent.mkdir(parents=True)
    sentences.write_text(dedent(block[1]))
    hass.config.config_dir = str(tmp_path)
    for component in ("homeassistant", "intent", "conversation"):
        assert await async_setup_component(hass, component, {})
    for state in hass.states.async_all():
        async_expose_entity(hass, "conversation", state.entity_id, should_expose=True)
    await hass.async_block_till_done()


async def said(hass: HomeAssistant, words: str) -> str:
    """Say it, and return what is answered."""
    answer = await async_converse(hass, words, None, Context(), language="en")
    await hass.async_block_till_done()
    return str(answer.response.speech["plain"]["speech"])


async def test_what_the_documentation_says_is_understood(
    hass: HomeAssistant, assist: None, edge: ContractEdge
) -> None:
    asked, ordered = re.findall(r'"([A-Z][^"]+)"', CHAPTER)[:2]
    balance = hass.states.get("sensor.amina_s_house_kes_balance")
    assert balance is not None
    assert balance.state in await said(hass, asked)
    await said(hass, ordered)
    assert edge.commands[-1] == {"command": "set_auto_sell", "on": False}
    sentence = re.search(r'sentences: \["([^"]+)"\]', CHAPTER)
    assert sentence is not None
    await said(hass, sentence[1])
    assert edge.commands[-1] == {"command": "set_auto_sell", "on": True}
