"""What the hub logs while money goes every way and much goes wrong: no phone, no name, no secret, no address."""

import logging
from typing import Any

import pytest
from energy_swap_hub.mpesa import hooks
from energy_swap_hub.settlement.payers import account_number
from energy_swap_hub.settlement.payments import order_reversal

from tests.hub.mpesa.conftest import PHONES

OTHERS = ("energy_swap_daraja_simulator", "aiohttp.access")  # the test's own side of the wire


async def test_a_full_run_logs_neither_phones_nor_secrets(bank: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    faults = bank.simulator.faults
    await bank.announce_payments_by_hand()
    faults.arm("F32", variant="markup", product="stk")
    await bank.top_up(3_000)
    await bank.settle()
    for fault, product in (("F01", "stk"), ("F15", "b2c"), ("F03", "stk"), ("F29", "pull"), ("F32", "b2c")):
        faults.arm(fault, product=product)
    await bank.pay_out("p-1", 100)
    await bank.top_up(100, "h-002")
    await bank.pay_by_hand(120, account_number(1))
    await bank.pay_by_hand(50, "254722000111")  # people type anything as account, also somebody's phone
    await bank.settle(step=5)
    receipt = next(m["receipt"] for m in bank.simulator.control.summary()["movements"] if m["cents"] == 12_000)
    await bank.database.write(
        lambda c: order_reversal(c, bank.mpesa, "green", receipt, reason="a mistake", who="office", now=bank.now)
    )
    await bank.settle()

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("the ledger is not ready")

    paid_out, bank.book.paid_out = bank.book.paid_out, refuse
    await bank.pay_out("p-2", 100)
    await bank.until(lambda: "Traceback" in caplog.text)
    bank.book.paid_out = paid_out
    await bank.settle()
    faults.arm("F34", seconds=120)
    await bank.look()

    config = bank.config_in_use
    secrets = [
        config.passkey,
        config.consumer_secret,
        config.consumer_key,
        config.initiator_password,
        config.hmac_secret.decode(),
        "Amina",
        *(phone[3:] for phone in PHONES.values()),
        "722000111",
        *(hooks.callback_url(config, hooks.PAYOUT, row["originator_conversation_id"]).rpartition("/")[2]
          for row in await bank.payouts()),
        *(hooks.callback_url(config, hooks.PUSH, row["intent_id"]).rpartition("/")[2]
          for row in await bank.intents()),
    ]  # fmt: skip
    told = [caplog.handler.format(record) for record in caplog.records if not record.name.startswith(OTHERS)]
    assert any("Traceback" in line for line in told), "there was something to tell"
    assert len([line for line in told if "energy_swap_hub" in line or "worker" in line]) > 0
    for line in told:
        assert not [secret for secret in secrets if secret in line], line
