"""What can be chosen on pytest's command line, which modules explain their asserts, which tests stay together."""

from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.hub.village")


_TESTS = Path(__file__).parent
# What these share is dear: a neighbourhood with its Home Assistant, a Home Assistant, a compiled meter.
_TOGETHER = {
    "end_to_end/test_home_assistant.py": "neighbourhood",
    "end_to_end/test_home_assistant_evening.py": "neighbourhood",
}
_ROOMS_TOGETHER = ("custom_components", "esphome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file's tests in one process where several run them; what takes long begins first."""
    for item in items:
        path = item.path.relative_to(_TESTS)
        group = path.parts[0] if path.parts[0] in _ROOMS_TOGETHER else _TOGETHER.get(str(path), str(path))
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.parent.name not in ("end_to_end", *_ROOMS_TOGETHER))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=20261120, help="the luck of the M-Pesa storm (20261120)")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The luck that was chosen."""
    return int(request.config.getoption("--seed"))
