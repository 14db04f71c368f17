"""Settings count from their time on, for what belongs to that time; without a legal basis no real money moves."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_hub.config import CommunityConfig, DarajaConfig, HubConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.ledger import FEES as FEES_ACCOUNT
from energy_swap_hub.membership.tables import audit
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.settlement.legal import NoLegalBasis, moves_real_money, why_no_payment
from energy_swap_hub.settlement.settings import (
    Change,
    Prices,
    SettingsRefused,
    change_settings,
    rules,
    settings_at,
    withdraw_change,
)
from energy_swap_protocol.message import TopUp
from sqlalchemy import select

from tests.hub.village import MPESA, OPENED, VILLAGE, Village, community, copy_of, open_village

REAL = "https://api.safaricom.co.ke"
DEARER = Prices(
    community_fee_cents_per_kwh=100,
    grid_fee_cents_per_kwh=150,
    retail_cents_per_kwh=2_500,
    feed_in_cents_per_kwh=300,
)


async def change(village: Village, what: Change, valid_from: datetime, **said: Any) -> int:
    given: dict[str, Any] = {"who": "office", "reason": "the members decided it", "now": village.now} | said
    return await village.database.write(lambda c: change_settings(c, village.community, what, valid_from, **given))


async def settings(village: Village, at: datetime) -> CommunityConfig:
    return await village.read(lambda c: settings_at(c, village.community, at))


async def office_acts(village: Village) -> list[str]:
    """Return what the audit says that the office did, in its order: who, and each setting before and after."""
    query = select(audit.c.what).where(audit.c.who == "office").order_by(audit.c.id)
    return await village.read(lambda c: list(c.execute(query).scalars()))


async def test_a_period_is_booked_with_the_settings_of_its_own_time(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.fund(chebet, 100_000)
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=1_000)
    first = village.now.replace(minute=0) + timedelta(hours=1)
    await change(village, Change(tariff=DEARER, grace_minutes=30), first)
    fees = []
    for _ in range(3):  # two before the change, one after
        await village.end_period({amina.id: 2_000, chebet.id: -2_000})
        fees.append(await village.balance(FEES_ACCOUNT))
    assert fees == [100, 200, 400]
    assert (await settings(village, first - timedelta(seconds=1))).grace_minutes == 10
    assert (await settings(village, first)).grace_minutes == 30
    assert await office_acts(village) == [
        "changed community_fee_cents_per_kwh from 50 to 100, grace_minutes from 10 to 30; counts from "
        "2026-11-20 10:00 UTC: the members decided it"
    ]


async def test_a_change_of_the_past_or_against_orders_that_hold_money_is_refused(village: Village) -> None:
    soon = village.now.replace(minute=0) + timedelta(hours=1)
    with pytest.raises(SettingsRefused, match="from 2026-11-20 10:00 UTC to a year from now"):
        await change(village, Change(payout_hour=20), soon - timedelta(hours=1))
    with pytest.raises(SettingsRefused, match="a full hour"):
        await change(village, Change(payout_hour=20), soon + timedelta(minutes=30))
    with pytest.raises(SettingsRefused, match="name at least one of period_minutes, tariff"):
        await change(village, Change(), soon)
    with pytest.raises(SettingsRefused, match="stages come in the order"):
        await change(village, Change(stages=("community", "partners")), soon)
    with pytest.raises(SettingsRefused, match="needs a legal_reference"):
        await change(village, Change(legal_basis="licensed"), soon)
    with pytest.raises(SettingsRefused, match="say why"):
        await change(village, Change(payout_hour=20), soon, reason=" ")
    await village.fund(village.chebet, 100_000)
    period = village.period_after(5)
    await village.buy_ahead(village.chebet, period, 1_000, 900)
    with pytest.raises(SettingsRefused, match=r"choose 2026-11-20 12:00 UTC or later"):
        await change(village, Change(tariff=DEARER), soon)
    await change(village, Change(payout_hour=20), soon)


async def test_a_change_to_come_is_taken_back_and_one_that_counts_is_not(village: Village) -> None:
    soon = village.now.replace(minute=0) + timedelta(hours=1)
    licence = await change(village, Change(legal_basis="licensed", legal_reference="EPRA/1"), soon)
    other = await change(village, Change(payout_hour=20), soon)

    async def withdraw(number: int) -> None:
        said: dict[str, Any] = {"who": "office", "reason": "too early", "now": village.now}
        await village.database.write(lambda c: withdraw_change(c, village.community, number, **said))

    await withdraw(other)
    assert (await settings(village, soon)).payout_hour == 19
    with pytest.raises(SettingsRefused, match="taken back by office"):
        await withdraw(other)
    with pytest.raises(LookupError):
        await withdraw(999)
    later = await change(village, Change(legal_reference="EPRA/2"), soon + timedelta(hours=1))
    village.now = soon
    with pytest.raises(SettingsRefused, match="counts since 2026-11-20 10:00 UTC"):
        await withdraw(licence)
    found = (await village.read(lambda c: rules(c, village.community))).at(soon)
    assert (found.legal_basis, found.legal_reference) == ("licensed", "EPRA/1")
    await withdraw(later)
    assert await office_acts(village) == [
        "changed legal_basis from simulation to licensed, legal_reference from nothing to EPRA/1; counts from "
        "2026-11-20 10:00 UTC: the members decided it",
        "changed payout_hour from 19 to 20; counts from 2026-11-20 10:00 UTC: the members decided it",
        "took back the change of payout_hour that was to count from 2026-11-20 10:00 UTC: too early",
        "changed legal_reference from EPRA/1 to EPRA/2; counts from 2026-11-20 11:00 UTC: the members decided it",
        "took back the change of legal_reference that was to count from 2026-11-20 11:00 UTC: too early",
    ]


async def test_of_two_changes_from_one_time_the_later_word_counts(village: Village) -> None:
    soon = village.now.replace(minute=0) + timedelta(hours=1)
    await change(village, Change(tariff=DEARER, payout_hour=20), soon)
    await change(village, Change(payout_hour=21), soon)
    found = await settings(village, soon)
    assert (found.payout_hour, len(found.tariffs)) == (21, 2)


def test_real_money_is_what_goes_to_mpesa_itself() -> None:
    assert moves_real_money(REAL)
    assert not moves_real_money("https://sandbox.safaricom.co.ke")
    assert not moves_real_money("http://127.0.0.1:8490")


async def test_no_real_money_moves_before_the_legal_basis_counts(founded: Path, tmp_path: Path) -> None:
    async with open_village(copy_of(founded, tmp_path / "v"), mpesa=replace(MPESA, base_url=REAL)) as village:
        home, soon = village.amina, village.now.replace(minute=0) + timedelta(hours=1)
        await village.fund(home, 200_000)
        with pytest.raises(PaymentRefused, match="Kisima has no legal basis for real money"):
            await village.send(home, TopUp(**village.head(), kes=10))
        with pytest.raises(PaymentRefused, match="legal_basis and legal_reference"):
            await village.pay_out(home, 600)
        assert (await village.wallet(home))["kes_cents"] == 200_000, "nothing was set aside"
        await change(village, Change(legal_basis="private_network", legal_reference="agreement of 2026"), soon)
        village.now = soon
        assert (await village.pay_out(home, 600))["kes"] == 600


async def test_a_hub_that_would_move_real_money_does_not_start_as_a_simulation(
    founded: Path, tmp_path: Path
) -> None:
    (tmp_path / "daraja.pem").write_bytes(certificate(new_key()))
    daraja = DarajaConfig(
        base_url=REAL,
        callback_base_url="https://hub.example",
        short_code=600_000,
        passkey="passkey",
        consumer_key="key",
        consumer_secret="secret",
        initiator="hub",
        initiator_password="password",
        certificate=tmp_path / "daraja.pem",
    )
    data = copy_of(founded, tmp_path / "hub")
    config = HubConfig(data=data, community=community(), users=(), daraja=daraja, port=0)
    with pytest.raises(NoLegalBasis, match="it is a simulation"):
        async with running_hub(config, lambda: OPENED + timedelta(minutes=1)):
            pass


def test_a_licence_needs_its_number() -> None:
    with pytest.raises(ValueError, match="needs a legal_reference"):
        community(legal_basis="licensed")
    rules_of_then = community(legal_basis="licensed", legal_reference="EPRA/MG/1")
    assert (rules_of_then.id, rules_of_then.legal_reference) == (VILLAGE, "EPRA/MG/1")


async def test_a_simulator_needs_no_legal_basis(village: Village) -> None:
    why = await village.read(lambda c: why_no_payment(c, village.community, "http://127.0.0.1:9", village.now))
    assert why is None
