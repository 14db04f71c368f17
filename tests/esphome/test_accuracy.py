"""Registers are the integral of the power, whatever its shape; the table in docs says how well."""

from pathlib import Path

from tests.esphome.accuracy import MOST_ERROR_PERCENT, PAGE, measure, page


async def test_every_shape_is_within_a_thousandth_as_the_page_says(meter_program: Path, tmp_path: Path) -> None:
    results = await measure(meter_program, tmp_path)
    assert len(results) == 7
    assert all(abs(result.error_percent) < MOST_ERROR_PERCENT for result in results), results
    assert page(results) == PAGE.read_text(), "run python -m tests.esphome.accuracy"
