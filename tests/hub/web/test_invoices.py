"""Invoices and monthly reports as files: what a tax system and a regulator take in, line by line."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from energy_swap_hub.config import HubConfig
from energy_swap_hub.settlement.invoice_rules import Month
from energy_swap_hub.settlement.invoices import issue

from tests.hub.village import community, copy_of, open_village

from .conftest import Person, hub_with, problem_of

MONTH = Month(2026, 11)
PIN = "P051234567X"


@pytest.fixture
async def regulator(founded: Path, config: HubConfig, tmp_path: Path) -> AsyncIterator[Person]:
    """An auditor at the console of a hub that has invoiced November: Amina sold 0.600 kWh to Chebet."""
    data = copy_of(founded, tmp_path / "invoiced")
    taxed = community(vat_energy_percent=16, vat_fees_percent=16, tax_number=PIN)
    async with open_village(data) as village:
        await village.standing(village.amina, sell=1_000)
        await village.standing(village.chebet, buy=2_000)
        await village.fund(village.chebet, 100_000)
        await village.end_period({village.amina.id: 1_000, village.chebet.id: -600})
        village.now = MONTH.ends + timedelta(hours=2)
        assert await village.database.write(lambda c: issue(c, taxed, MONTH, village.now)) == 2
    invoiced = msgspec.structs.replace(config, data=data, community=taxed)
    async with hub_with(invoiced) as hub:
        person = hub.person()
        assert (await person.sign_in("regulator")).status == 200
        yield person


async def lines(person: Person, path: str) -> list[dict[str, str]]:
    answer = await person.get(f"{path}?format=csv")
    assert answer.status == 200
    assert answer.content_type == "text/csv"
    return list(csv.DictReader(io.StringIO((await answer.text()).removeprefix("\ufeff"))))


async def test_a_months_invoices_are_exported_line_by_line_with_their_tax(regulator: Person) -> None:
    found = await lines(regulator, "/months/2026-11/invoices")
    heads = {
        "month": "2026-11", "booked_in": "2026-11", "kind": "invoice", "corrects": "", "seller": "Kisima",
        "seller_pin": PIN, "issued_on": "2026-12-01",
    }  # fmt: skip
    assert [{name: line[name] for name in heads} for line in found] == [heads] * len(found)
    told = {(line["name"], line["item"]): line for line in found}
    assert set(told) == {
        ("Amina", "sold"),
        ("Chebet", "energy"),
        ("Chebet", "community_fee"),
        ("Chebet", "grid_fee"),
    }
    assert len({line["number"] for line in found}) == 2
    sold, energy = told["Amina", "sold"], told["Chebet", "energy"]
    # What a member sells is no supply of the community's, and bears none of its tax.
    assert (sold["kwh"], sold["kes_with_vat"], sold["vat_percent"], sold["vat_kes"]) == (
        "0.600", "-6.00", "0", "0.00",
    )  # fmt: skip
    # 6.00 with 16 % in it: 6.00 x 16 / 116 = 0.827...
    assert (energy["kwh"], energy["kes_with_vat"], energy["vat_percent"]) == ("0.600", "6.00", "16")
    assert (energy["vat_kes"], energy["kes_without_vat"]) == ("0.83", "5.17")
    for line in found:
        assert Decimal(line["vat_kes"]) + Decimal(line["kes_without_vat"]) == Decimal(line["kes_with_vat"])
    as_json = await (await regulator.get("/months/2026-11/invoices")).json()
    assert [{name: _text(value) for name, value in row.items()} for row in as_json] == found


async def test_a_months_report_has_its_figures_and_nobodys_name(regulator: Person) -> None:
    found = await lines(regulator, "/months/2026-11/report")
    figures = {line["figure"]: (line["value"], line["unit"]) for line in found}
    assert figures["energy_exported"] == ("1000", "Wh")
    assert figures["energy_imported"] == ("600", "Wh")
    assert figures["tokens_minted"] == ("1000", "Wh")
    assert figures["tokens_burned"] == ("600", "Wh")
    assert figures["period_trades"] == ("1", "count")
    assert figures["period_value"] == ("600", "cents")
    assert figures["period_mean_price"] == ("1000", "cents/kWh")
    assert figures["applications_waiting"] == ("0", "count")
    assert figures["legal_basis"] == ("simulation", "")
    assert not any(name in str(found) for name in ("Amina", "Chebet", "h-001"))
    as_json = await (await regulator.get("/months/2026-11/report")).json()
    assert [{name: _text(value) for name, value in row.items()} for row in as_json] == found


async def test_a_month_that_is_none_or_has_not_begun_is_refused(regulator: Person) -> None:
    assert await (await regulator.get("/months")).json() == ["2026-11"]
    coming = await problem_of(await regulator.get("/months/2027-01/report"))
    assert (coming["status"], coming["detail"]) == (404, "2027-01 has not begun")
    none = await problem_of(await regulator.get("/months/November/invoices"))
    assert none["detail"] == "month: 'November' is none; write it like 2026-11"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
