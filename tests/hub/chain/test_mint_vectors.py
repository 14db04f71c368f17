"""The mints that the console's check in the browser is tested against are those that the hub makes."""

from .mint_vectors import FILE, vectors


def test_vectors_are_what_the_hub_makes() -> None:
    assert FILE.read_text() == vectors(), "run .venv/bin/python -m tests.hub.chain.mint_vectors"
