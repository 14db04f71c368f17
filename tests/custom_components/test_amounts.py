"""What people write becomes whole Wh and cents, exactly or not at all."""

from decimal import Decimal
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

# Alone, by its path: its package imports Home Assistant, whose warnings are errors here.
spec = spec_from_file_location("amounts", Path(__file__).parents[2] / "custom_components/energy_swap/amounts.py")
assert spec is not None
assert spec.loader is not None
amounts = module_from_spec(spec)
spec.loader.exec_module(amounts)
LARGEST: int = amounts.LARGEST
whole_units = amounts.whole_units


@given(st.integers(1, LARGEST * 1000))
def test_every_watt_hour_survives_as_float_and_as_text(wh: int) -> None:
    assert whole_units(wh / 1000, 1000) == wh
    assert whole_units(str(Decimal(wh) / 1000), 1000) == wh


@given(st.integers(1, LARGEST * 100))
def test_every_cent_survives(cents: int) -> None:
    assert whole_units(cents / 100, 100) == cents


@given(st.integers(1, LARGEST * 100), st.integers(1, 9))
def test_a_part_of_a_cent_is_never_rounded_away(cents: int, tenths: int) -> None:
    with pytest.raises(amounts.AmountError) as failed:
        whole_units(f"{cents // 100}.{cents % 100:02}{tenths}", 100)
    assert failed.value.problem in {amounts.Problem.TOO_FINE, amounts.Problem.TOO_LARGE}


@given(st.none() | st.booleans() | st.lists(st.integers()) | st.text(alphabet="abcxyz,;:") | st.just(float("nan")))
def test_what_is_no_number_is_called_that(amount: object) -> None:
    with pytest.raises(amounts.AmountError) as failed:
        whole_units(amount, 100)
    assert failed.value.problem is amounts.Problem.NOT_A_NUMBER
