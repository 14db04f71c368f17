"""The verifier on the network: it answers requests that the hub signed, one after another."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
import msgspec
from aiohttp import web
from energy_swap_protocol.request import HEADER, MAX_SKEW_SECONDS, RequestError, verify_request
from solders.keypair import Keypair

from .config import VerifierConfig
from .judge import Judge, NotNowError, RefusedError
from .proposal import MAX_BODY, PATH, NotSigned, Request
from .rpc import Node, NodeError
from .store import Store

_LOG = logging.getLogger(__name__)

type Clock = Callable[[], datetime]


class Service:
    """The verifier's two routes: who it is, and the signature."""

    def __init__(self, config: VerifierConfig, key: Keypair, store: Store, judge: Judge, clock: Clock) -> None:
        self._config = config
        self._key = key
        self._store = store
        self._judge = judge
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application(client_max_size=MAX_BODY)
        app.add_routes([web.get("/", self._who), web.post(PATH, self._co_sign)])
        return app

    async def _who(self, _request: web.Request) -> web.Response:
        return web.json_response({"verifier": str(self._key.pubkey()), "community": self._config.community})

    async def _co_sign(self, request: web.Request) -> web.Response:
        """Answer 200 with the signature, 409 refused for good, 503 not now, 401 or 400 not the hub's request."""
        body, now = await request.read(), int(self._clock().timestamp())
        try:
            signed = verify_request(
                request.headers.get(HEADER, ""), request.method, request.path_qs, body, now=now
            )
            if signed.signer not in map(bytes, self._config.hubs):
                raise RequestError("this verifier answers its hub only")
            if not self._store.claim_nonce(signed.nonce, now, 2 * MAX_SKEW_SECONDS):
                raise RequestError("this request was received before; sign a new one with a new nonce")
            asked = msgspec.json.decode(body, type=Request)
        except RequestError as error:
            return _not_signed(401, str(error))
        except msgspec.DecodeError as error:
            return _not_signed(400, str(error))
        async with self._one_at_a_time:
            return await self._judged(asked, now)

    async def _judged(self, asked: Request, now: int) -> web.Response:
        try:
            signed = await self._judge.sign(asked)
        except RefusedError as error:
            _LOG.warning("refused %s: %s", asked.intent, error)
            with self._store.changing():
                self._store.refuse(asked.intent, str(error), now)
            return _not_signed(409, str(error))
        except (NotNowError, NodeError) as error:
            _LOG.info("%s waits: %s", asked.intent, error)
            return _not_signed(503, str(error))
        _LOG.info("signed %s", asked.intent)
        return web.Response(body=msgspec.json.encode(signed), content_type="application/json")


def _not_signed(status: int, reason: str) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(NotSigned(reason)), content_type="application/json"
    )


@asynccontextmanager
async def running_verifier(config: VerifierConfig, key: Keypair, clock: Clock) -> AsyncIterator[int]:
    """Serve for as long as the context lasts; yields the port."""
    config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store.open(config.data / "verifier.sqlite")
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            judge = Judge(config, key, store, Node(session, config.chain_url), clock)
            runner = web.AppRunner(Service(config, key, store, judge, clock).application(), access_log=None)
            await runner.setup()
            try:
                await web.TCPSite(runner, config.host, config.port).start()
                port = int(runner.addresses[0][1])
                _LOG.info("verifier %s of %s on port %d", key.pubkey(), config.community, port)
                yield port
            finally:
                await runner.cleanup()
    finally:
        store.close()
