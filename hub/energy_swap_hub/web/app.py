"""The hub's one aiohttp application: APIs, Daraja's callbacks, the built pages, and headers for all of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from aiohttp import web

from .problem import MAX_BODY, Handler, problem, problems
from .sockets import OPEN_SOCKETS, close_sockets

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MANIFEST: Final = ".webmanifest"  # aiohttp does not know its type
_NOT_BUILT: Final = "The console is not built. Run script/bootstrap, or 'npm ci && npm run build' in hub/console."


def make_app(routes: Iterable[web.RouteDef], console: Path) -> web.Application:
    """Return the application; ``console`` is the folder of the built console."""
    app = web.Application(middlewares=[problems], client_max_size=MAX_BODY)
    app[OPEN_SOCKETS] = set()
    app.on_shutdown.append(close_sockets)
    app.on_response_prepare.append(_security_headers)
    app.router.add_routes(routes)
    app.router.add_get("/health", _health)
    app.router.add_get("/{path:.*}", _console(console.resolve()))
    return app


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _console(folder: Path) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if path.startswith(("api/", "hooks/")):
            return problem(404, "not_found", f"there is no {request.path}")
        if path == "app":  # the scope of the household app's service worker is below the slash
            raise web.HTTPPermanentRedirect("/app/")
        start = folder / "app" / "index.html" if path.startswith("app/") else folder / "index.html"
        # A name with a NUL is nobody's; the operating system would not even look.
        page = start if "\0" in path else (folder / path).resolve()
        if not page.is_relative_to(folder) or not page.is_file():
            page = start
        if not page.is_file():
            return web.Response(status=503, text=_NOT_BUILT)
        # Built files carry a hash in their name; the page that names them must stay fresh.
        is_hashed = page.parent.name == "assets"
        caching = "public, max-age=31536000, immutable" if is_hashed else "no-cache"
        headers = {"Cache-Control": caching}
        if page.suffix == _MANIFEST:
            headers["Content-Type"] = "application/manifest+json"
        return web.FileResponse(page, headers=headers)

    return serve


async def _security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)  # a picture from outside has a stricter policy of its own
