"""What the edge and the hub tell by a key has words in the integration, and its words have a key."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

from energy_swap_edge.adviser.prices import PriceBand, Tariffs
from energy_swap_edge.trader.strategies import STRATEGIES, Because, Moment
from energy_swap_hub.ledger import Overdrawn, ekwh, kes
from energy_swap_hub.market.auction import BidTooLowError

from custom_components.energy_swap.refusals import in_words

ROOT = Path(__file__).parents[3]
ENGLISH = json.loads((ROOT / "custom_components/energy_swap/translations/en.json").read_text())
REFUSALS = {
    key.removeprefix("refused_"): text["message"]
    for key, text in ENGLISH["exceptions"].items()
    if key.startswith("refused_")
}
NOT_ADMITTED = ("unknown", "applied", "suspended", "leaving", "left")
SOURCES = [
    path.read_text()
    for folder in ("hub/energy_swap_hub", "addon/energy_swap_edge")
    for path in (ROOT / folder).rglob("*.py")
]


def words_of(beginning: str) -> dict[str, str]:
    """Return the sentences whose keys begin so, by the rest of their keys."""
    common = ENGLISH["common"].items()
    return {key.removeprefix(beginning): text for key, text in common if key.startswith(beginning)}


def blanks(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


def test_every_reason_of_the_trader_has_its_words_and_figures() -> None:
    moment = Moment(
        sell_at_least=1_000,
        buy_at_most=2_000,
        price=PriceBand(0, 1_000, 1_200, 1_400, 9),
        best_later=1_500,
        week_average=1_300,
        tariffs=Tariffs(retail=2_500, feed_in=500, fees=100),
        tokens_wh=9_000,
        reserve_wh=500,
        own_use_wh=2_000,
        battery_wh=0,
        lacking_wh=1_000,
        lacking_price=2_100,
    )
    others = replace(moment, tokens_wh=0, lacking_wh=0, week_average=None)
    found = [one for strategy in STRATEGIES.values() for at in (moment, others) for one in strategy(at).because]
    # What trader/trader.py adds to them.
    found += [
        Because("cap_reached", {"spent_cents": 1, "cap_cents": 2, "could_cost_cents": 3}),
        Because("switched_off", {}),
    ]
    known = words_of("because_")
    assert {one.key for one in found} == known.keys()
    for one in found:
        assert blanks(known[one.key]) == set(in_words(one.numbers)), one.key


def test_every_advice_has_its_words() -> None:
    source = (ROOT / "addon/energy_swap_edge/adviser/advice.py").read_text()
    keys = set(re.findall(r'key = "(\w+)"|gain, "(\w+)", sentence', source))
    assert {one or other for one, other in keys} == words_of("advice_").keys()


def keys_of_refusals() -> set[str]:
    """Return the keys that hub and edge name as reasons of a refusal, as far as they stand where it is raised."""
    found: set[object] = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source)):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if re.search(r"(Refused|BidError|AuctionError|OverError)$", name):
                assert isinstance(node, ast.Call)
                found |= {given.value for given in node.args[1:2] if isinstance(given, ast.Constant)}
    return {key for key in found if isinstance(key, str) and re.fullmatch("[a-z_]+", key)}


def test_every_refusal_that_has_a_key_has_its_words() -> None:
    named = keys_of_refusals()
    assert {"consumers_only_buy", "own_auction", "payout_too_small"} <= named
    assert named <= REFUSALS.keys()
    said = {f"not_admitted_{status}" for status in NOT_ADMITTED}
    assert said <= REFUSALS.keys()
    dead = {key for key in REFUSALS.keys() - said if not any(f'"{key}"' in source for source in SOURCES)}
    assert dead == set()


def test_the_figures_of_a_refusal_fill_its_words() -> None:
    for error in (
        Overdrawn("-", account=kes("h-001"), have=5_000, need=9_000),
        Overdrawn("-", account=ekwh("h-001"), have=5_000, need=9_000),
        BidTooLowError(900, 1_000),
    ):
        assert blanks(REFUSALS[error.key]) == set(in_words(error.numbers))
    assert Overdrawn("of no account").key == ""
