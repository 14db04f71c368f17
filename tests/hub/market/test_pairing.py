"""Pairing and sharing: everybody gets exactly what is theirs, nobody trades with itself."""

from collections import Counter

import pytest
from energy_swap_hub.market.pairing import pair
from energy_swap_hub.market.sharing import share_equally
from energy_swap_hub.market.trade import Trade
from hypothesis import assume, given, settings
from hypothesis import strategies as st

amounts = st.dictionaries(st.sampled_from([*"abcdefgh"]), st.integers(0, 50), max_size=8)


def _balance(sold: dict[str, int], bought: dict[str, int]) -> bool:
    """Let a further household even out the two sides; say whether nobody has to trade with itself."""
    difference = sum(sold.values()) - sum(bought.values())
    (bought if difference > 0 else sold)["z"] = abs(difference)
    total = sum(sold.values())
    return all(sold.get(name, 0) + bought.get(name, 0) <= total for name in sold.keys() | bought.keys())


@settings(deadline=None)
@given(amounts, amounts)
def test_fills_are_paired_exactly(sold: dict[str, int], bought: dict[str, int]) -> None:
    assume(_balance(sold, bought))
    trades = pair(sold, bought)
    assert all(trade.seller != trade.buyer for trade in trades)
    assert Counter(sold) == sum((Counter({t.seller: t.wh}) for t in trades), Counter(dict.fromkeys(sold, 0)))
    assert Counter(bought) == sum((Counter({t.buyer: t.wh}) for t in trades), Counter(dict.fromkeys(bought, 0)))
    parties = sum(wh > 0 for wh in sold.values()) + sum(wh > 0 for wh in bought.values())
    assert len(trades) <= max(0, parties - 1)


def test_household_on_both_sides_is_not_left_with_itself() -> None:
    # Served in line, a would sell to b and b to a, and c would be left with itself.
    same = {"a": 1, "b": 1, "c": 1}
    assert pair(same, same) == (Trade("a", "b", 1), Trade("c", "a", 1), Trade("b", "c", 1))


def test_fills_that_cannot_be_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="itself"):
        pair({"a": 2, "b": 1}, {"a": 2, "c": 1})
    with pytest.raises(ValueError, match="not what is bought"):
        pair({"a": 2}, {"b": 1})


def _in_rounds(wh: int, wanted: dict[str, int]) -> dict[str, int]:
    """Hand out 1 Wh at a time, round after round; the last round, which not all can have, is left out."""
    got = dict.fromkeys(wanted, 0)
    while (waiting := [name for name in wanted if got[name] < wanted[name]]) and wh >= len(waiting):
        for name in waiting:
            got[name] += 1
        wh -= len(waiting)
    return got


@settings(deadline=None)
@given(st.integers(0, 200), amounts, st.text())
def test_shares_are_those_of_equal_rounds(wh: int, wanted: dict[str, int], lot: str) -> None:
    shares = share_equally(wh, wanted, lot)
    assert sum(shares.values()) == min(wh, sum(wanted.values()))
    for name, whole_rounds in _in_rounds(wh, wanted).items():
        assert whole_rounds <= shares.get(name, 0) <= min(whole_rounds + 1, wanted[name])
    assert share_equally(wh, dict(reversed(wanted.items())), lot) == shares
