"""What can be chosen on pytest's command line, and which modules of ours explain their asserts."""

import pytest

pytest.register_assert_rewrite("tests.hub.village")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=20261120, help="the luck of the M-Pesa storm (20261120)")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The luck that was chosen."""
    return int(request.config.getoption("--seed"))
