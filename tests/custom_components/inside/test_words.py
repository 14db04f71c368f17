"""What the edge and the hub tell by a key has words in the integration, and its words have a key."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from energy_swap_edge.adviser.prices import PriceBand, Tariffs
from energy_swap_edge.api.reads import failure
from energy_swap_edge.command_error import invalid_data
from energy_swap_edge.commands import WISHES
from energy_swap_edge.hub_client import HubRefused
from energy_swap_edge.trader.strategies import STRATEGIES, Because, Moment
from energy_swap_hub.explained import Explained
from energy_swap_hub.ledger import Overdrawn, ekwh, kes
from energy_swap_hub.market.auction import BidTooLowError
from energy_swap_hub.web import problem

from custom_components.energy_swap.api import CommandRefusedError
from custom_components.energy_swap.api.records import refusal
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


def kinds(sources: dict[str, ast.Module]) -> set[str]:
    """Return the names of all classes of refusals that have a key."""
    classes = [node for tree in sources.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = {"Explained"}
    while more := {one.name for one in classes if {ast.unparse(base) for base in one.bases} & found} - found:
        found |= more
    return found


def refusals() -> Iterator[tuple[str, list[ast.expr]]]:
    """Yield what each refusal of the hub is made of, with the file where it is."""
    folder = ROOT / "hub/energy_swap_hub"
    sources = {str(path.relative_to(folder)): ast.parse(path.read_text()) for path in folder.rglob("*.py")}
    named = kinds(sources)
    assert {"OrderRefused", "PaymentRefused", "BidTooLowError", "NotAdmitted", "MessageRefused"} <= named
    for name, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in named:
                yield name, node.args


def test_every_refusal_of_the_hub_has_a_key_and_its_words() -> None:
    named, without = set(), set()
    for file, given in refusals():
        match given:
            case [_, ast.Constant(value=str(key))]:
                named.add(key)
            case [_, _]:  # by a table beside it, whose keys are found as texts below
                assert file in {"membership/households.py", "settlement/refusals.py", "market/auction.py"}
            case [_]:
                without.add(file)
    # What only the office can ask for, in the console, which is English.
    office = {"mpesa/decisions.py", "mpesa/reversals.py", "mpesa/mpesa.py", "settlement/payments.py"}
    assert without <= office
    assert {"consumers_only_buy", "payout_too_small", "no_such_household", "sent_too_long_ago"} <= named
    assert named <= REFUSALS.keys()
    said = {f"not_admitted_{status}" for status in NOT_ADMITTED}
    assert said <= REFUSALS.keys()
    dead = {key for key in REFUSALS.keys() - said if not any(f'"{key}"' in source for source in SOURCES)}
    assert dead == set()


def test_what_the_hub_answers_without_a_key_has_words_for_its_code() -> None:
    codes = {code for kind, _, code in problem.PROBLEMS if not issubclass(kind, Explained)}
    assert codes - REFUSALS.keys() == {
        # Of the office's console and of paired phones.
        *("bad_token", "too_many_tries", "sign_in_refused", "pin_wrong", "not_paired", "pairing_code_wrong"),
        *("passkey_refused", "code_needed", "code_wrong", "evidence_refused", "setting_refused", "not_for_phones"),
        *("unknown_push_service", "approval_refused", "conflict", "not_on_chain"),
        # No edge writes such a request; it asks again after the last one.
        *("invalid_field", "not_json", "restarted"),
        # Always of an account, which has a key.
        "not_enough",
    }


def test_every_refusal_of_the_edge_has_its_words() -> None:
    in_repairs = ENGLISH["issues"]["meter_unclaimed"]["fix_flow"]["error"]
    found = 0
    for path in (ROOT / "addon/energy_swap_edge").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "CommandError":
                match node.args:
                    case [ast.Constant(value=str(code)), *_]:
                        # What could not be heard is an error of its own in the integration.
                        assert code in REFUSALS.keys() | in_repairs.keys() | {"no_answer"}, (path, code)
                        found += 1
    assert found > 10


@pytest.mark.parametrize(
    ("command", "wish", "key", "figures"),
    [
        ("sell", {"wh": 99, "at_least": 1}, "energy_too_little", {"least": "0.1"}),
        ("sell", {"wh": 10_000_001, "at_least": 1}, "energy_too_much", {"most": "10000"}),
        ("buy", {"wh": 100, "at_most": 0}, "price_too_low", {"least": "0.01"}),
        ("bid", {"auction": str(UUID(int=1)), "price": 100_001}, "price_too_high", {"most": "1000.00"}),
        ("top_up", {"kes": 0}, "money_too_little", {"least": "1"}),
        ("pay_out", {"kes": 250_001}, "money_too_much", {"most": "250000"}),
        ("sell", {"wh": 100, "at_least": 1, "valid_for_minutes": 10**6}, "time_too_long", {"most_days": "366"}),
        ("sell", {"wh": "much", "at_least": 1}, "", {}),
    ],
)
def test_a_value_out_of_range_is_refused_in_the_readers_units(
    command: str, wish: dict[str, object], key: str, figures: dict[str, str]
) -> None:
    with pytest.raises(msgspec.ValidationError) as broken:
        msgspec.convert(wish, type=WISHES[command])
    error = invalid_data(broken.value)
    assert (error.code, error.key, in_words(error.numbers)) == ("invalid_data", key, figures)
    assert blanks(REFUSALS[key or error.code]) == figures.keys()


def test_the_figures_of_a_refusal_fill_its_words() -> None:
    for error in (
        Overdrawn("-", account=kes("h-001"), have=5_000, need=9_000),
        Overdrawn("-", account=ekwh("h-001"), have=5_000, need=9_000),
        BidTooLowError(900, 1_000),
    ):
        assert blanks(REFUSALS[error.key]) == set(in_words(error.numbers))
    assert Overdrawn("of no account").key == ""


def test_why_a_question_is_refused_comes_through_the_edge() -> None:
    refused = failure(HubRefused(422, "switch_refused", "in English", "payout_too_small", {"least_kes": 10}))
    assert refused is not None
    assert isinstance(refused.body, bytes)
    heard = refusal(refused.status, "statement", refused.body)
    assert isinstance(heard, CommandRefusedError)
    assert (heard.code, heard.key, heard.numbers) == ("switch_refused", "payout_too_small", {"least_kes": 10})
