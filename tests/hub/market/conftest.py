"""Randomness that can be repeated."""

import logging
import os
import random

import pytest


@pytest.fixture
def chance() -> random.Random:
    """A fresh seed each run, shown when the test fails."""
    seed = os.environ.get("ENERGY_SWAP_TEST_SEED") or str(random.SystemRandom().getrandbits(32))
    logging.getLogger("seed").warning("to repeat this run: ENERGY_SWAP_TEST_SEED=%s", seed)
    return random.Random(seed)
