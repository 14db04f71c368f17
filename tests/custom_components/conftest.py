"""One real Home Assistant for all tests of the integration, and a household with its own edge for each of them."""

import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from energy_swap_demo.broker import free_port
from energy_swap_demo.browser import Browser
from energy_swap_demo.home_assistant import INTEGRATION, HomeAssistant

sys.path.insert(0, str(Path(__file__).parents[2]))  # custom_components and tests are no installed packages

from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.household import Household
from tests.custom_components.log import log_lines

# What Home Assistant says about any custom integration; its echo of an action's error, which tests provoke; and
# that set-up cannot succeed while the edge is away or does not know us, which it says once, in our words.
EXPECTED = re.compile(
    r"We found a custom integration energy_swap|\[homeassistant\.components\.websocket_api\.|"
    r"not ready yet: The edge at|could not authenticate: The edge at"
)
COMPLAINT = re.compile(r" (WARNING|ERROR|CRITICAL) .*energy_swap|custom_components/energy_swap/")


collect_ignore = ["inside"]  # test_inside.py starts these, in a process of their own


@pytest.fixture
def closed_port() -> int:
    return free_port()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HomeAssistant]:
    home = HomeAssistant(
        tmp_path_factory.mktemp("home_assistant"),
        free_port(),
        integrations=(INTEGRATION, Path(__file__).parent / "announcer"),
        extra_configuration="announcer:\n",
    )
    async with home:
        await home.onboard()
        yield home
        await home.stop()
        complaints = [line for line in log_lines(home) if COMPLAINT.search(line) and not EXPECTED.search(line)]
        assert not complaints, "\n".join(complaints)


@pytest_asyncio.fixture(loop_scope="session")
async def edge() -> AsyncIterator[ContractEdge]:
    """An edge that runs and that nobody has paired with."""
    edge = ContractEdge()
    await edge.start()
    yield edge
    await edge.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def household(home: HomeAssistant, edge: ContractEdge) -> AsyncIterator[Household]:
    """A household that is set up."""
    household = await Household.set_up(home, edge)
    yield household
    await household.remove()


@pytest_asyncio.fixture(loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser
