"""What an operator does about M-Pesa at the command line: compare a statement, register addresses."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from energy_swap_hub.config import HubConfig
from energy_swap_hub.data_folder import load_secret, locked_data_folder
from energy_swap_hub.hub import mpesa_config_of
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.mpesa import MPesa, MPesaConfig
from energy_swap_hub.mpesa.client import Accepted, DarajaClient, Refused
from energy_swap_hub.mpesa.hooks import CONFIRMATION, TIME_OUT, VALIDATION, callback_url
from energy_swap_hub.settlement.payers import payer
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.settlement.reconciliation import Reconciliation, reconcile_statement
from energy_swap_hub.settlement.words import kes
from energy_swap_hub.storage import Database, StorageError

type Say = Callable[[str], None]
type Clock = Callable[[], datetime]


def reconcile(config: HubConfig, statement: Path, clock: Clock, say: Say) -> bool:
    """Compare a statement of the M-Pesa portal with the books and credit what is missing; whether all agrees.

    The hub must not be running: with a running one, the console takes the same file. Raises `StorageError`,
    `DataFolderError`, `StatementError` and `OSError`.
    """
    data = statement.read_bytes()
    with locked_data_folder(config.data):
        found = asyncio.run(_reconcile(config, data, clock))
    say(f"{found.starts_at:%Y-%m-%d %H:%M} to {found.ends_at:%Y-%m-%d %H:%M} UTC: {found.matched} movements agree")
    for difference in found.differences:
        ours, theirs = _amount(difference.books_cents), _amount(difference.mpesa_cents)
        say(f"  {difference.kind:18}{difference.receipt:14} M-Pesa {theirs:>16}, books {ours:>16}")
    say(f"{found.credited} were missing and are credited now; {len(found.differences)} wait as reviews")
    return not found.differences


async def _reconcile(config: HubConfig, data: bytes, clock: Clock) -> Reconciliation:
    where = config.database_url or config.data / "hub.sqlite"
    if not Database.is_there(where):
        raise StorageError(f"there is no database at {where}; the hub makes it at its first start")
    database = Database.open(where)
    community_id = config.community.id
    phones = PhoneBook(load_secret(config.data / "keys" / "phones", may_make=False))
    mpesa = MPesa(
        database=database,
        config=_config(config),
        events=PaymentBook(clock, lambda _household: None),
        phone_of=_no_phone,
        payer_of=lambda connection, account: payer(connection, phones, community_id, account),
        clock=clock,
    )
    try:
        return await database.write(lambda c: reconcile_statement(c, mpesa, community_id, data, clock()))
    finally:
        await database.close()


def register(config: HubConfig, pull_phone: str | None, clock: Clock, say: Say) -> bool:
    """Tell Daraja where payments by hand are announced and, with a nominated phone, ask for the list of payments.

    Returns whether both are in place. In production the addresses count once, for good.
    """
    return asyncio.run(_register(_config(config), pull_phone, clock, say))


async def _register(config: MPesaConfig, pull_phone: str | None, clock: Clock, say: Say) -> bool:
    subject = str(config.short_code)
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        client = DarajaClient(session, config, clock)
        answers = [
            (
                "payments by hand",
                await client.register_urls(
                    confirmation_url=callback_url(config, CONFIRMATION, subject),
                    validation_url=callback_url(config, VALIDATION, subject),
                ),
            )
        ]
        if pull_phone is not None:
            url = callback_url(config, TIME_OUT, subject)
            answers.append(("list of payments", await client.register_pull(phone=pull_phone, callback_url=url)))
    for what, answer in answers:
        match answer:
            case Accepted():
                say(f"{what}: registered")
            case Refused():
                say(f"{what}: refused ({answer.code}): {answer.reason}")
            case _:
                say(f"{what}: {answer.reason}")
    return all(isinstance(answer, Accepted) for _, answer in answers)


def _config(config: HubConfig) -> MPesaConfig:
    return mpesa_config_of(config.daraja, load_secret(config.data / "keys" / "callbacks", may_make=False))


def _no_phone(*_: object) -> str:
    raise RuntimeError("nothing is sent from the command line")


def _amount(cents: int | None) -> str:
    return "nothing" if cents is None else kes(cents)
