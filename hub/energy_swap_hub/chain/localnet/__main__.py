"""The localnet as a process: ``energy-swap-localnet --port 8899 --data chain.sqlite``."""

import argparse
import asyncio
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from .chain import describe
from .journal import JournalInUseError
from .service import LocalnetService

_SERVICE = web.AppKey("service", LocalnetService)


def application(service: LocalnetService) -> web.Application:
    """Return the web application that answers JSON-RPC at ``/``."""
    app = web.Application(client_max_size=4 * 2**20)
    app[_SERVICE] = service
    app.router.add_post("/", _answer)
    return app


async def _answer(request: web.Request) -> web.Response:
    body = await request.app[_SERVICE].call(await request.read())
    return web.Response(body=body, content_type="application/json")


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="energy-swap-localnet", description=describe())
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8899, help="TCP port; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file of the chain; made if missing")
    arguments = parser.parse_args()
    try:
        asyncio.run(_run(arguments.host, arguments.port, arguments.data))
    except JournalInUseError as error:
        sys.exit(f"energy-swap-localnet: {error}")


async def _run(host: str, port: int, path: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = await LocalnetService.open(path, lambda: datetime.now(UTC))
    runner = web.AppRunner(application(service), access_log=None)
    slots = asyncio.create_task(service.run_slots())
    stopped = asyncio.create_task(stop.wait())
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        sys.stdout.write(f"localnet listening on http://{host}:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        # Slots end by themselves only when the journal cannot be written; then the process ends, loudly.
        await asyncio.wait({slots, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if slots.done():
            slots.result()
    finally:
        slots.cancel()
        stopped.cancel()
        await runner.cleanup()
        await service.close()


if __name__ == "__main__":
    main()
