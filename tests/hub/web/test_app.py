import asyncio
import logging
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from energy_swap_hub.chain.client import NodeUnavailableError
from energy_swap_hub.chain.directory import NoChainError
from energy_swap_hub.chain.intent import IntentConflictError
from energy_swap_hub.chain.proposal_store import ApprovalError
from energy_swap_hub.web.app import make_app

from tests.hub.village import OPENED, Home

from .conftest import API, Hub, problem_of

SECRET = "the database is at /srv/secret"
RAISED: dict[str, tuple[Exception, int, str]] = {
    "bug": (RuntimeError(SECRET), 500, "internal"),
    "key": (KeyError(SECRET), 500, "internal"),
    "chain": (NoChainError("household h-009 has no token account; open it first"), 404, "not_on_chain"),
    "conflict": (IntentConflictError("intent lock:1 exists and asks for something else"), 409, "conflict"),
    "approval": (ApprovalError("an approval is one or more signatures"), 409, "approval_refused"),
    "node": (NodeUnavailableError(SECRET), 503, "chain_unavailable"),
}


async def raises(request: web.Request) -> web.Response:
    raise RAISED[request.match_info["what"]][0]


@pytest.fixture
def console(tmp_path: Path) -> Path:
    """A built console beside a file that is nobody's business."""
    (tmp_path / "secret.txt").write_text(SECRET)
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Energy Swap</title>")
    (folder / "assets" / "app-1a2b3c.js").write_text("export {}")
    return folder


async def test_every_answer_carries_the_security_headers(console: Path) -> None:
    app = make_app([web.get("/api/raise/{what}", raises)], console)
    async with TestClient(TestServer(app)) as client:
        for path in ("/", "/assets/app-1a2b3c.js", "/households", "/health", "/api/nothing", "/api/raise/bug"):
            answer = await client.get(path)
            assert _policy(answer.headers["Content-Security-Policy"]) == {
                "default-src": ["'self'"],  # scripts, too: none in the page, none from elsewhere, no eval
                "style-src": ["'self'", "'unsafe-inline'"],
                "object-src": ["'none'"],
                "base-uri": ["'none'"],
                "form-action": ["'self'"],
                "frame-ancestors": ["'none'"],
            }, path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert answer.headers["Referrer-Policy"] == "no-referrer", path
        assert (await client.get("/assets/app-1a2b3c.js")).headers["Cache-Control"].startswith("public")
        assert (await client.get("/")).headers["Cache-Control"] == "no-cache"


def _policy(header: str) -> dict[str, list[str]]:
    directives = (directive.split() for directive in header.split(";"))
    return {name: sources for name, *sources in directives}


@pytest.mark.parametrize("what", RAISED)
async def test_errors_say_what_the_caller_can_use_and_nothing_else(
    console: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    error, status, code = RAISED[what]
    app = make_app([web.get("/api/raise/{what}", raises)], console)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(f"/api/raise/{what}")
        assert (answer.status, (await problem_of(answer))["code"]) == (status, code)
        assert SECRET not in await answer.text()
        assert (await answer.json())["detail"] == str(error) or status >= 500
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(logged) == (status == 500), "an unexpected one is logged, once"


async def test_unknown_addresses_and_methods_are_problems_too(hub: Hub) -> None:
    for method, path, status, code in (
        ("GET", "/api/v1/communities/elsewhere/chain", 404, "not_found"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/hooks/nothing", 404, "not_found"),
        ("POST", "/hooks/k/1234/5678", 404, "not_found"),
        ("POST", "/", 405, "method_not_allowed"),
        ("DELETE", f"{API}/messages", 405, "method_not_allowed"),
    ):
        answer = await hub.session.request(method, path)
        assert (answer.status, (await problem_of(answer))["code"]) == (status, code), path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_no_path_leads_out_of_the_console(console: Path) -> None:
    (console / "link.txt").symlink_to(console.parent / "secret.txt")
    server = TestServer(make_app([], console))
    async with server:
        for path in (
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/assets/..%2f..%2fsecret.txt",
            "/assets/../../secret.txt",
            f"/{console.parent}/secret.txt",
            f"//{console.parent}/secret.txt",
            f"/%2f{str(console.parent).strip('/')}/secret.txt",
            "/..\\secret.txt",
            "/link.txt",
            "/%00",
            "/" + "a" * 5_000,
        ):
            status, body = await asyncio.to_thread(_raw_get, server.port or 0, path)
            assert SECRET not in body, path
            assert status in {200, 400, 404}, (path, status)
            if status == 200:
                assert "<title>Energy Swap</title>" in body, path


def _raw_get(port: int, path: str) -> tuple[int, str]:
    """Ask without a client that tidies the path up."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while more := connection.recv(65_536):
            answer += more
    text = answer.decode("utf-8", "replace")
    return int(text.split(" ", 2)[1]), text


async def test_without_a_built_console_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    async with TestClient(TestServer(make_app([], tmp_path / "nothing"))) as client:
        answer = await client.get("/")
        assert answer.status == 503
        assert "script/bootstrap" in await answer.text()


async def test_a_hostile_name_comes_back_as_json_only(hub: Hub) -> None:
    name = "<script>alert('x')</script>"
    esther = Home("h-005", name, 5, 0)
    answer = await hub.send(esther.key, esther.application(OPENED + timedelta(minutes=1)))
    assert answer.content_type == "application/json"
    admin = await hub.admin()
    for path in ("/households", "/overview"):
        page = await admin.get(path)
        assert page.content_type == "application/json"
        assert name in await page.text()
        assert page.headers["X-Content-Type-Options"] == "nosniff"
    async with ClientSession(hub.url) as session:
        html = await session.get("/households")
        assert name not in await html.text()
