"""A household whose Home Assistant speaks Swahili meets no English sentence on its main paths."""

import asyncio
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.translation import async_get_translations
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_swap.refusals import text_of
from tests.custom_components.contract_edge import ContractEdge

HOUSE = "sensor.amina_s_house"


@pytest.fixture(autouse=True)
async def swahili(hass: HomeAssistant, household: MockConfigEntry) -> None:
    hass.config.language = "sw"
    for category in ("common", "exceptions"):
        await async_get_translations(hass, "sw", category, ["energy_swap"])


async def shows(hass: HomeAssistant, entity: str, wanted: str) -> None:
    """Wait until the entity gives this reason."""

    def reason() -> Any:
        state = hass.states.get(f"{HOUSE}_{entity}")
        return None if state is None else state.attributes.get("reason")

    try:
        async with asyncio.timeout(60):
            while reason() != wanted:
                await asyncio.sleep(0.01)
    except TimeoutError:
        assert reason() == wanted


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            {"code": "not_enough", "key": "too_few_tokens", "numbers": {"have_wh": 420, "need_wh": 50_000}},
            "Una kWh 0.42 za kuuza na hii inahitaji kWh 50. Uza kidogo zaidi, au subiri paneli zako",
        ),
        (
            {"code": "not_admitted", "key": "not_admitted_suspended", "numbers": {}},
            "Jumuiya imeisimamisha kaya hii. Uliza ofisi yake.",
        ),
        (
            {"code": "payment_refused", "key": "payout_too_small", "numbers": {"least_kes": 10, "kes": 0}},
            "M-Pesa hulipa KES 10 au zaidi; hii ingekuwa KES 0.",
        ),
        (
            {"code": "order_refused", "key": "period_too_far", "numbers": {"last_time": 1795168200}},
            "Kipindi hiki kiko mbali mno mbele. Cha mwisho kilicho wazi kinaanza 2026-11-20 01:50.",
        ),
        # Of a hub of another age: a reason that we do not know, one without its figures, and one without a key.
        (
            {"code": "not_admitted", "key": "a_new_one", "numbers": {}},
            "Kituo hakiitambui kaya hii kama mwanachama.",
        ),
        (
            {"code": "not_yet", "key": "too_few_tokens", "numbers": {"have_wh": "-"}},
            "Kituo bado hakijaeleza hili.",
        ),
        ({"code": "not_yet", "key": "too_few_tokens", "numbers": "many"}, "Kituo bado hakijaeleza hili."),
        ({"code": "busy"}, "Kifaa cha kaya"),
    ],
)
async def test_a_refused_sale_says_why_in_swahili(
    hass: HomeAssistant, edge: ContractEdge, refusal: dict[str, Any], said: str
) -> None:
    edge.refusal = {"message": "in English", **refusal}
    with pytest.raises(HomeAssistantError) as refused:
        await hass.services.async_call(
            "energy_swap", "sell", {"energy": 50, "minimum_price": 12}, blocking=True, return_response=True
        )
    assert isinstance(refused.value, ServiceValidationError) is (refusal["code"] != "busy")
    assert text_of(hass, refused.value).startswith(said)


async def test_what_nobody_has_words_for_is_said_as_it_came(hass: HomeAssistant, edge: ContractEdge) -> None:
    edge.refusal = {"code": "a_new_code", "message": "Something new."}
    with pytest.raises(ServiceValidationError) as refused:
        await hass.services.async_call("energy_swap", "sell", {"energy": 1, "minimum_price": 12}, blocking=True)
    assert text_of(hass, refused.value) == "Haikukubaliwa: Something new."
    assert text_of(hass, HomeAssistantError("of another integration")) == "of another integration"


async def test_the_advice_says_why_in_swahili(hass: HomeAssistant, edge: ContractEdge) -> None:
    await edge.change(advice={**edge.state["advice"], "key": "nothing_to_gain"})
    await shows(
        hass,
        "recommendation",
        "Subiri: hakuna la kufanya sasa litakaloleta hata shilingi moja zaidi ya vikomo vyako.",
    )


async def test_the_reputation_is_explained_in_swahili(hass: HomeAssistant, edge: ContractEdge) -> None:
    nothing = dict.fromkeys(
        ("contracts", "promised_wh", "delivered_wh", "top_ups", "paid", "ended", "cancelled"), 0
    ) | {"days": 90}

    async def known(**facts: int) -> None:
        await edge.change(reputation={"percent": 90.0, "reason": "in English", "facts": nothing | facts})

    await known()
    await shows(hass, "reputation", "Bado hakuna kinachojulikana, na kila mtu huanza na asilimia 80.")
    await known(contracts=2, promised_wh=1_500, delivered_wh=1_200, top_ups=3, paid=2, ended=7, cancelled=1)
    await shows(
        hass,
        "reputation",
        "Katika siku 90 zilizopita: umetimiza asilimia 80 ya kWh 1.5 ulizoahidi mapema, "
        "umelipa maombi 2 kati ya 3 ya M-Pesa, umeghairi 1 kati ya maagizo na minada 7.",
    )
    await edge.change(reputation={"percent": 90.0, "reason": "of an older hub"})
    await shows(hass, "reputation", "of an older hub")
    await edge.change(reputation={"percent": 90.0, "reason": "of another age", "facts": {"stars": 5}})
    await shows(hass, "reputation", "of another age")


async def test_the_traders_decision_is_explained_in_swahili(hass: HomeAssistant, edge: ContractEdge) -> None:
    async def decided(*because: tuple[str, dict[str, int]]) -> None:
        reasons = [{"key": key, "numbers": numbers} for key, numbers in because]
        last = {"at": 1795168200, "sentence": "in English", "because": reasons}
        await edge.change(trader={**edge.state["trader"], "last": last})

    spent = {"spent_cents": 4_950, "cap_cents": 5_000, "could_cost_cents": 310}
    await decided(("not_below_average", {"average_cents": 1_530}), ("cap_reached", spent))
    await shows(
        hass,
        "last_decision",
        "Si chini ya wastani wa wiki wa KES 15.30 kwa kWh. Hakuna kinachonunuliwa katika kipindi hiki: "
        "KES 49.50 za kikomo cha leo cha KES 50.00 zimetumika, na kingeweza kugharimu KES 3.10.",
    )
    await decided(("own_limits", {}), ("of_the_future", {}))
    await shows(hass, "last_decision", "in English")
    await decided()
    await shows(hass, "last_decision", "in English")
