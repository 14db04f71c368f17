"""The status page: in words what works, what does not, and since when; no script, at any width, two languages."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from aiohttp import web

from .status_words import LANGUAGES, WORDS, chosen_language

_LOGGER = logging.getLogger(__name__)
_RENEW_SECONDS: Final = 15
_HEADERS: Final = {
    # Home Assistant shows the page in a frame of its own origin.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

type Mood = Literal["good", "wait", "bad"]


@dataclass(frozen=True, slots=True)
class View:
    """What the page is made from; ``state`` is the local API's, times are Unix seconds."""

    name: str
    edge_version: str
    state: Mapping[str, Any]
    is_listening: bool
    listening_since: int | None
    pairing_code: str
    clients: int
    now: int
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page."""

    title: str
    mood: Mood
    text: str
    since: int | None = None


def rows(view: View, words: Mapping[str, str]) -> list[Row]:
    """Return what there is to say, most important first."""
    state = view.state
    hub, meter, trader = state["hub"], state["meter"], state["trader"]
    status = "unknown" if meter is None else meter["status"]
    measured = None if meter is None else _when(meter["measured_at"], view)
    meter_mood: dict[str, Mood] = {"live": "good", "silent": "bad"}
    hub_mood: dict[str, Mood] = {"connected": "good", "unreachable": "wait"}
    member_mood: dict[str, Mood] = {"admitted": "good", "suspended": "bad"}
    hub_words = "hub_connected_queue" if hub["status"] == "connected" and hub["queue"] else f"hub_{hub['status']}"
    found = [
        Row(words["meter"], meter_mood.get(status, "wait"), words[f"meter_{status}"].format(when=measured)),
        Row(
            words["broker"],
            "good" if view.is_listening else "bad",
            words["broker_up" if view.is_listening else "broker_down"],
            view.listening_since,
        ),
        Row(
            words["hub"],
            hub_mood.get(hub["status"], "bad"),
            words[hub_words].format(queue=hub["queue"]),
            hub["since"],
        ),
        Row(
            words["membership"],
            member_mood.get(state["membership"], "wait"),
            words.get(f"membership_{state['membership']}", words["membership_unknown"]),
        ),
        _forecast_row(view, words),
    ]
    if trader is not None:
        text = words["trader_on" if trader["auto_sell"] else "trader_off"].format(strategy=trader["strategy"])
        found.append(Row(words["trader"], "good", text))
    if (earnings := state["earnings"]) is not None:
        earned, saved = _kes(earnings["earned_today_cents"]), _kes(earnings["saved_today_cents"])
        found.append(Row(words["money"], "good", words["money_today"].format(earned=earned, saved=saved)))
    text = words["pairing_code"].format(code=view.pairing_code, clients=view.clients)
    return [*found, Row(words["pairing"], "good", text)]


def page(view: View, language: str) -> str:
    """Return the page as HTML."""
    words = WORDS[language]
    alerts = "".join(
        f"<li>{escape(words.get('alert_' + one['key'], one['sentence']))}"
        f" <small>{_since(one['since'], view, words)}</small></li>"
        for one in view.state["alerts"]
    )
    said = rows(view, words)
    if not alerts:
        alerts = "".join(f"<li>{escape(row.title)}: {escape(row.text)}</li>" for row in said if row.mood == "bad")
    is_well = not alerts and all(row.mood == "good" for row in said)
    summary = (
        f'<p class="summary good">{words["all_well"]}</p>'
        if is_well
        else (f'<div class="summary bad"><p>{words["not_well"]}</p><ul>{alerts}</ul></div>' if alerts else "")
    )
    listed = "".join(
        f'<div class="row"><dt><span class="dot {row.mood}" aria-hidden="true"></span>{escape(row.title)}</dt>'
        f"<dd>{escape(row.text)}"
        + (f" <small>{_since(row.since, view, words)}</small>" if row.since is not None else "")
        + "</dd></div>"
        for row in said
    )
    others = " ".join(
        f'<a href="?lang={code}" lang="{code}">{name}</a>' for code, name in LANGUAGES.items() if code != language
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{_RENEW_SECONDS}"><title>{escape(view.name)}</title>'
        '<link rel="stylesheet" href="status.css"></head><body><header>'
        f"<h1>{escape(view.name)}</h1><p>{words['title']} · {escape(view.edge_version)} · {others}</p></header>"
        f"<main>{summary}<dl>{listed}</dl></main></body></html>"
    )


class StatusPage:
    """The page's own small server. Only ``peers`` may ask (None: anybody who reaches it)."""

    def __init__(self, view: Callable[[], View], peers: Collection[str] | None) -> None:
        self._view = view
        self._peers = peers
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; raises `OSError` when it is taken."""
        app = web.Application(client_max_size=1024)
        app.router.add_get("/", self._page)
        app.router.add_get("/status.css", self._style)
        app.router.add_get("/health", self._health)
        app.on_response_prepare.append(_add_headers)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        self._let_in(request)
        language = chosen_language(request.query.get("lang"), request.headers.get("Accept-Language", ""))
        return web.Response(text=page(self._view(), language), content_type="text/html")

    async def _style(self, request: web.Request) -> web.Response:
        self._let_in(request)
        return web.Response(text=STYLE, content_type="text/css")

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    def _let_in(self, request: web.Request) -> None:
        if self._peers is not None and request.remote not in self._peers:
            _LOGGER.warning("the status page is for Home Assistant's ingress, not for %s", request.remote)
            raise web.HTTPForbidden(text="open this page in Home Assistant")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _forecast_row(view: View, words: Mapping[str, str]) -> Row:
    forecast = view.state["forecast"]
    if forecast is None:
        return Row(words["forecast"], "wait", words["forecast_none"])
    text = words.get(f"forecast_{forecast['tier']}", words["forecast_history"])
    return Row(words["forecast"], "good", text.format(when=_when(forecast["made_at"], view)))


def _since(at: int, view: View, words: Mapping[str, str]) -> str:
    return words["since"].format(when=_when(at, view))


def _when(at: int, view: View) -> str:
    """Return a time of today as 14:05, of another day as 2026-11-20 14:05."""
    local = datetime.fromtimestamp(at, UTC).astimezone(view.zone)
    today = datetime.fromtimestamp(view.now, UTC).astimezone(view.zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def _kes(cents: int) -> str:
    return f"KES {cents / 100:,.2f}"


STYLE: Final = """
:root { color-scheme: light dark; --line: #d9dee3; --text: #1c2329; --soft: #5b6670; --back: #fff; --good: #1a7f4b;
  --wait: #a86a00; --bad: #c02e2e; }
@media (prefers-color-scheme: dark) { :root { --line: #333c44; --text: #e8edf1; --soft: #9aa6b1; --back: #11161a;
  --good: #4cc38a; --wait: #e0a030; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 640px; font: 16px/1.45 system-ui, sans-serif; color: var(--text);
  background: var(--back); }
h1 { margin: 0; font-size: 1.4rem; }
header p { margin: 2px 0 16px; color: var(--soft); }
a { color: inherit; display: inline-block; padding: 10px 6px; }
.summary { margin: 0 0 12px; padding: 12px 14px; border: 1px solid; border-radius: 8px; }
.summary p { margin: 0; }
.summary ul { margin: 6px 0 0; padding-left: 20px; }
.summary.good { color: var(--good); }
.summary.bad { color: var(--bad); }
dl { margin: 0; }
.row { padding: 12px 0; border-top: 1px solid var(--line); }
dt { font-weight: 600; }
dd { margin: 2px 0 0 22px; overflow-wrap: anywhere; }
small { color: var(--soft); font-size: 0.875rem; }
.dot { display: inline-block; width: 12px; height: 12px; margin-right: 10px; border-radius: 50%; }
.dot.good { background: var(--good); }
.dot.wait { background: none; border: 3px solid var(--wait); }
.dot.bad { background: var(--bad); border-radius: 2px; }
"""
