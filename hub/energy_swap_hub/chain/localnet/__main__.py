"""The localnet as a process: ``energy-swap-localnet --port 8899 --data chain.sqlite``."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from .chain import describe
from .journal import JournalInUseError
from .service import LocalnetService


def application(path: Path | None) -> web.Application:
    """Return the web application that serves the chain in ``path`` at ``/``."""

    async def serve(app: web.Application) -> AsyncIterator[None]:
        service = await LocalnetService.open(path, lambda: datetime.now(UTC))
        app[_SERVICE] = service
        slots = asyncio.create_task(service.run_slots())
        yield
        slots.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await slots
        await service.close()

    app = web.Application(client_max_size=4 * 2**20)
    app.cleanup_ctx.append(serve)
    app.router.add_post("/", _answer)
    return app


_SERVICE = web.AppKey("service", LocalnetService)


async def _answer(request: web.Request) -> web.Response:
    body = await request.app[_SERVICE].call(await request.read())
    return web.Response(body=body, content_type="application/json")


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="energy-swap-localnet", description=describe())
    parser.add_argument("--port", type=int, default=8899, help="TCP port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file of the chain; made if missing")
    arguments = parser.parse_args()
    try:
        asyncio.run(_run(arguments.port, arguments.data))
    except JournalInUseError as error:
        sys.exit(f"energy-swap-localnet: {error}")


async def _run(port: int, path: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(path), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        sys.stdout.write(f"localnet listening on http://127.0.0.1:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    main()
