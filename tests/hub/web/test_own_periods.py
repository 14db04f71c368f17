import pytest
from nacl.signing import SigningKey

from .conftest import Hub, problem_of


@pytest.mark.parametrize("path", ["/household/periods", "/prices"])
async def test_a_span_of_time_is_asked_for_in_words_that_say_how(hub: Hub, path: str) -> None:
    amina = hub.homes[0]
    for query, words in (
        ("", "from is a time in whole Unix seconds"),
        ("?from=1&to=x", "to is a time in whole Unix seconds"),
        ("?from=99999999999&to=5", "from is a time"),
        ("?from=5&to=5", "at most 32 days"),
        ("?from=0&to=9999999", "at most 32 days"),
    ):
        answer = await hub.signed(amina.key, "GET", f"{path}{query}")
        assert answer.status == 400
        assert words in (await problem_of(answer))["detail"]
    answer = await hub.signed(amina.key, "GET", f"{path}?from={hub.now - 86_400}&to={hub.now}")
    assert answer.status == 200
    assert (await answer.json())["period_minutes"] == 30


@pytest.mark.parametrize("path", ["/household/periods?from=1&to=2", "/prices?from=1&to=2", "/market"])
async def test_only_members_see_the_market(hub: Hub, path: str) -> None:
    assert (await hub.signed(SigningKey(bytes([77]) * 32), "GET", path)).status == 403
    assert (await hub.session.get(f"/api/v1/communities/kisima{path}")).status == 401
    assert (await hub.signed(hub.homes[2].key, "GET", path)).status == 200


async def test_a_household_asks_for_its_own_invoices_with_its_key(hub: Hub) -> None:
    answer = await hub.signed(hub.homes[0].key, "GET", "/household/invoices")
    assert (answer.status, await answer.json()) == (200, [])  # nothing is bought or sold yet
    answer = await hub.signed(hub.homes[0].key, "GET", "/household/invoices/1.pdf?language=sw")
    assert answer.status == 404
    assert "there is no invoice 1" in (await problem_of(answer))["detail"]
    assert (await hub.signed(SigningKey(bytes([77]) * 32), "GET", "/household/invoices")).status == 403
