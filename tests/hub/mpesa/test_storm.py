"""Everything at once, in an order that the seed decides: afterwards the books are M-Pesa's, to the cent."""

import asyncio
import contextlib
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.mpesa import PaymentRefused, payouts
from energy_swap_hub.settlement.actions import Action
from energy_swap_hub.settlement.payments import account_number
from energy_swap_hub.settlement.reconciliation import reconcile_statement

from tests.hub.mpesa.conftest import PHONES
from tests.hub.mpesa.test_faults import decided

WISHES = 60
SEEDS = (1, 2)


async def wish(bank: Any, random: Random, number: int) -> None:
    """Somebody wants something of M-Pesa."""
    home = random.choice(list(PHONES))
    what = random.random()
    if what < 0.6:
        await bank.top_up(random.randrange(10, 300), home)
    elif what < 0.8:
        await bank.pay_by_hand(random.randrange(10, 200), account_number(int(home[-1])), PHONES[home])
    else:
        with contextlib.suppress(Overdrawn):
            await bank.pay_out(f"p-{number}", random.randrange(10, 200), home)


# Only what M-Pesa's own list shows counts: forged callbacks are part of the storm.
@pytest.mark.parametrize(("bank", "seed"), [({"confirm_above_kes": 0}, seed) for seed in SEEDS], indirect=["bank"])
async def test_after_a_storm_the_books_are_m_pesas(bank: Any, seed: int) -> None:
    random = Random(seed)
    await bank.announce_payments_by_hand()
    for home, phone in PHONES.items():
        bank.simulator.control.add_subscriber(Subscriber(phone=phone, name=home, balance_kes=20_000))
        await bank.top_up(3_000, home)
    await bank.settle()
    bank.simulator.faults.play("storm")
    for number in range(WISHES):
        with contextlib.suppress(PaymentRefused):  # that phone is still being asked
            await wish(bank, random, number)
        if random.random() < 0.1:
            await bank.stop_hub()
            bank.now += timedelta(seconds=random.randrange(60))
            await bank.start_hub()
        bank.now += timedelta(seconds=random.randrange(40))
        await asyncio.sleep(0.05)
    bank.simulator.faults.disarm()

    # The weather is over. Once the last bad news is in, what stopped is let go; then M-Pesa's statement is taken in.
    await bank.pass_time(15)
    await bank.database.write(lambda c: payouts.let_go(c, "green"))
    await bank.settle(step=20, within_minutes=10 * 60)
    await bank.look()
    data = await bank.statement()
    found = await bank.database.write(lambda c: reconcile_statement(c, bank.mpesa, "green", data, bank.now))
    assert {difference.kind for difference in found.differences} <= {"missing_credit", "reversed_unasked"}
    for difference in found.differences:
        if difference.kind == "reversed_unasked":
            await decided(bank, "books_differ", difference.subject, Action.BOOK)
    assert bank.count("c2b") > WISHES / 4
    assert bank.count("b2c") > 0
