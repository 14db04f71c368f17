"""What can be chosen on pytest's command line, which modules explain their asserts, which tests come first."""

import pytest
from hypothesis import settings

# How fast this machine is says nothing about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

pytest.register_assert_rewrite("tests.hub.village")

_LONG = ("end_to_end", "custom_components", "esphome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the rooms that take long, so that several processes end at about the same time."""
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=20261120, help="the luck of the M-Pesa storm (20261120)")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The luck that was chosen."""
    return int(request.config.getoption("--seed"))
