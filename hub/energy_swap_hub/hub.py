"""The hub put together: every room gets what it uses, and all of it starts and stops in order."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from aiohttp import ClientSession, web
from nacl.signing import SigningKey
from solana.rpc.async_api import AsyncClient
from solders.pubkey import Pubkey
from sqlalchemy import Connection

from energy_swap_hub.chain import connect
from energy_swap_hub.chain.chain import Chain
from energy_swap_hub.chain.keys import (
    CoSigner,
    HubKeys,
    ReserveCoSigner,
    load_hub_key,
    load_keys,
    next_hub_key,
    pilot_co_signers,
)
from energy_swap_hub.chain.localnet.service import LocalnetService
from energy_swap_hub.chain.verifier import RemoteCoSigner
from energy_swap_hub.changes import Changes
from energy_swap_hub.collecting import collect_rarely
from energy_swap_hub.config import DarajaConfig, HubConfig, utc_now
from energy_swap_hub.data_folder import load_secret, locked_data_folder
from energy_swap_hub.membership.households import households
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.push_subscriptions import PURPOSE
from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.membership.sms import HttpSms, NoSms, SmsGateway
from energy_swap_hub.mpesa import MPesa, MPesaConfig
from energy_swap_hub.mpesa.certificate import rsa_key
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.push.courier import Courier, push_session
from energy_swap_hub.push.services import PushServices
from energy_swap_hub.push.vapid import Vapid
from energy_swap_hub.settlement.chain_outcomes import ChainOutcomes
from energy_swap_hub.settlement.chain_watch import ChainWatch
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.settlement.legal import NoLegalBasis, why_no_payment
from energy_swap_hub.settlement.payers import payer
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.settlement.periods import check_length
from energy_swap_hub.settlement.purchases import SpotPurchases
from energy_swap_hub.settlement.relays import relays
from energy_swap_hub.settlement.service import Settlement
from energy_swap_hub.settlement.telling_phones import TellingPhones
from energy_swap_hub.settlement.tokens import TokenDesk
from energy_swap_hub.storage import Database
from energy_swap_hub.web.api import Parts, make_routes
from energy_swap_hub.web.app import make_app
from energy_swap_hub.web.chain_view import ChainView
from energy_swap_hub.web.edge_views import EdgeViews, ReadingEdgeViews
from energy_swap_hub.web.message_queue import MessageQueue
from energy_swap_hub.web.route import route_definitions
from energy_swap_hub.web.tokens import ApiTokens

_LOG = logging.getLogger(__name__)
_LINGERING_SECONDS: Final = 3.0  # how long a refused caller may go on sending before it is cut off
CONSOLE: Final = Path(__file__).resolve().parent.parent / "console" / "dist"

type Clock = Callable[[], datetime]


def serve(config: HubConfig, clock: Clock) -> None:
    """Serve in this process until SIGTERM or SIGINT."""
    # asyncio's own loop lets other threads go first whenever it has sent or received something.
    uvloop.run(_until_told(config, clock))


async def _until_told(config: HubConfig, clock: Clock) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with running_hub(config, clock):
        collect_rarely()
        await stopped.wait()


@asynccontextmanager
async def running_hub(config: HubConfig, clock: Clock) -> AsyncIterator[None]:
    """Run a hub for as long as the context lasts; what a killed one left undone is taken up again.

    Raises `NoLegalBasis` where it would move real money without one, ValueError when the length of its periods
    was changed.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(locked_data_folder(config.data))
        where = config.database_url or config.data / "hub.sqlite"
        database = Database.open(where)
        stack.push_async_callback(database.close)
        community = config.community
        is_new = await database.read(lambda c: not households(c, community.id))
        secret = load_secret(config.data / "keys" / "phones", may_make=is_new)
        phones = PhoneBook(secret)
        callbacks = load_secret(config.data / "keys" / "callbacks", may_make=is_new)
        relay_key = load_secret(
            config.data / "keys" / "relays", may_make=not await database.read(lambda c: relays(c, community.id))
        )
        await database.read(lambda c: check_length(c, community))
        await database.take_lease(community.id, f"{socket.gethostname()}, process {os.getpid()}")
        url, started = config.daraja.base_url, clock()
        if (why := await database.read(lambda c: why_no_payment(c, community, url, started))) is not None:
            raise NoLegalBasis(why)
        changes = Changes()
        keys = chain_keys(config, clock)
        client = await _chain_client(stack, config, clock)
        outcomes = ChainOutcomes(community, clock, changes.mark)
        chain = Chain(database, client, keys, clock, outcomes.final)
        token = await chain.open_community(
            community.id,
            [Pubkey.from_string(key) for key in community.approvers],
            community.approvals_needed,
            config.program,
        )
        if token.program is not None:
            _LOG.warning(
                "%s mints with the trust mode's program %s, which has not been audited",
                community.name,
                token.program,
            )
        mpesa, desk = _money(
            config, database, clock, changes, phones, callbacks, TokenDesk(keys.hub, keys.next_hub)
        )

        async def chain_info() -> dict[str, Any]:
            return dict(msgspec.to_builtins(await chain.chain_info(community.id)))

        def messages_done() -> None:
            changes.mark()
            chain.wake()

        messages = MessageQueue(database, desk, clock, messages_done)
        stack.push_async_callback(messages.close)
        edge_views = ReadingEdgeViews(database, where, EdgeViews(community))
        stack.push_async_callback(edge_views.process.close)
        sms: SmsGateway = NoSms()
        if config.phones.sms is not None:
            sms = HttpSms(await stack.enter_async_context(ClientSession()), config.phones.sms)
        push_seal, push_services = Seal(secret, PURPOSE), PushServices(config.push.services)
        # Without its key no phone is lost: the app subscribes anew with the new one when it is opened.
        push_secret = load_secret(config.data / "keys" / "push", may_make=True)
        vapid = Vapid(push_secret, config.push.contact or _https(config.public_url))
        courier = Courier(
            await stack.enter_async_context(push_session(push_services)), vapid, push_services, utc_now
        )
        routes = make_routes(
            Parts(
                config=config,
                database=database,
                desk=desk,
                clock=clock,
                changes=changes,
                messages=messages,
                edge_views=edge_views,
                chain_info=chain_info,
                chain_view=ChainView(database, chain, token, keys, clock),
                relay_authority=SigningKey(relay_key),
                seal=Seal(secret, b"second-factor"),
                answers_seal=Seal(secret, b"kept-answer"),
                tokens=ApiTokens(community.id, secret),
                phones=phones,
                sms=sms,
                push_seal=push_seal,
                push_services=push_services,
                push_key=vapid.public_key,
                wake=chain.wake,
            )
        )
        app = make_app([*route_definitions(routes), *mpesa.routes()], config.console or CONSOLE)
        await _serve(stack, app, config)
        settlement = Settlement(database, desk, clock, changes, chain.wake)
        watch = ChainWatch(database, chain, community.id, clock, changes)
        telling = TellingPhones(database, community.id, push_seal, courier, changes, clock=clock, now=utc_now)
        await _work(stack, chain.run(), mpesa.run(), settlement.run(), watch.run(), telling.run())
        _LOG.info("hub of %s on http://%s:%d", community.name, config.host, config.port)
        yield


def _https(url: str | None) -> str | None:
    return url if url is not None and url.startswith("https://") else None


def _money(
    config: HubConfig,
    database: Database,
    clock: Clock,
    changes: Changes,
    phones: PhoneBook,
    callbacks: bytes,
    token_desk: TokenDesk,
) -> tuple[MPesa, Desk]:
    mpesa_config = mpesa_config_of(config.daraja, callbacks)

    def phone_of(connection: Connection, community_id: str, household_id: str) -> str:
        return desk.phone_of(connection, community_id, household_id)

    mpesa = MPesa(
        database=database,
        config=mpesa_config,
        events=PaymentBook(clock, lambda _household: changes.mark(), SpotPurchases(config.community, clock)),
        phone_of=phone_of,
        payer_of=lambda connection, account: payer(connection, phones, config.community.id, account),
        refusal=lambda connection, now: why_no_payment(connection, config.community, config.daraja.base_url, now),
        clock=clock,
    )
    desk = Desk(
        config.community,
        phones,
        mpesa,
        Charges.load(),
        token_desk,
        phone_daily_cents=config.phones.daily_kes * 100,
    )
    return mpesa, desk


def mpesa_config_of(daraja: DarajaConfig, callbacks: bytes) -> MPesaConfig:
    """Return what M-Pesa's room needs to know of the configuration; ``callbacks`` keeps its paths secret."""
    certificate_pem = daraja.certificate.read_bytes()
    rsa_key(certificate_pem)  # before a payout waits for it
    return MPesaConfig(
        base_url=daraja.base_url,
        callback_base_url=daraja.callback_base_url,
        short_code=daraja.short_code,
        passkey=daraja.passkey,
        consumer_key=daraja.consumer_key,
        consumer_secret=daraja.consumer_secret,
        initiator=daraja.initiator,
        initiator_password=daraja.initiator_password,
        certificate_pem=certificate_pem,
        hmac_secret=callbacks,
        callback_sources=daraja.callback_sources,
        trusted_proxies=daraja.trusted_proxies,
        confirm_above_kes=daraja.confirm_above_kes,
    )


def chain_keys(config: HubConfig, clock: Clock) -> HubKeys:
    """Return the hub's key and who co-signs: the configured verifiers, or none but this machine."""
    folder = config.data / "keys"
    if not config.verifiers:
        return load_keys(folder)
    hub = load_hub_key(folder, [Pubkey.from_string(verifier.key) for verifier in config.verifiers])

    def co_signer(key: Pubkey, url: str | None) -> CoSigner:
        return ReserveCoSigner(key) if url is None else RemoteCoSigner(url, key, clock)

    retiring = [co_signer(Pubkey.from_string(v.key), v.url) for v in config.retiring_verifiers]
    configured = [co_signer(Pubkey.from_string(v.key), v.url) for v in config.verifiers]
    return HubKeys(hub, configured, [*retiring, *pilot_co_signers(folder)], next_hub_key(folder))


async def _chain_client(stack: AsyncExitStack, config: HubConfig, clock: Clock) -> AsyncClient:
    if config.chain_url is not None:
        client = connect(config.chain_url)
    else:
        service = await LocalnetService.open(config.data / "localnet.sqlite", clock)
        stack.push_async_callback(service.close)
        await _work(stack, service.run_slots())
        client = service.client()
    stack.push_async_callback(client.close)
    return client


async def _serve(stack: AsyncExitStack, app: web.Application, config: HubConfig) -> None:
    patience = config.limits.patience_seconds
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=patience, lingering_time=_LINGERING_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, config.host, config.port).start()


async def _work(stack: AsyncExitStack, *jobs: Any) -> None:
    """Run background jobs until the stack unwinds; a job that ends by itself is a defect and ends the hub."""
    owner = asyncio.current_task()
    assert owner is not None

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("a background task of the hub failed", exc_info=error)
            owner.cancel()

    tasks = [asyncio.create_task(job) for job in jobs]
    for task in tasks:
        task.add_done_callback(ended)

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(stop)
