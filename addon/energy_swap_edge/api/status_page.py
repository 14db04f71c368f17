"""The status page: in words what works, what does not, since when, and who is paired; no script, two languages."""

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from aiohttp import web

from .pairing import PairedClient
from .status_style import STYLE
from .status_words import LANGUAGES, WORDS, chosen_language

_LOGGER = logging.getLogger(__name__)
_RENEW_SECONDS: Final = 15
_HEADERS: Final = {
    # Home Assistant shows the page in a frame of its own origin.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; "
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
    clients: tuple[PairedClient, ...]  # also those whose token was revoked
    connected: frozenset[str]  # the ids of those who are connected now
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
    text = words["pairing_code"].format(code=view.pairing_code, clients=len(_paired(view)))
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
        f"<main>{summary}<dl>{listed}</dl>{_client_list(view, language)}</main></body></html>"
    )


def revoking(language: str, client: PairedClient, csrf: str) -> str:
    """Return the page that asks whether a client's token shall count no more, as HTML."""
    words = WORDS[language]
    name = escape(client.name)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{words['revoke']}: {name}</title>"
        f'<link rel="stylesheet" href="status.css"></head><body><main><h1>{words["revoke"]}: {name}</h1>'
        f"<p>{words['revoke_means']}</p>"
        f'<form method="post" action="revoke"><input type="hidden" name="csrf" value="{csrf}">'
        f'<input type="hidden" name="client" value="{client.id}">'
        f'<input type="hidden" name="lang" value="{language}"><div class="actions">'
        f'<button class="bad">{words["revoke_now"]}</button>'
        f'<a class="button" href="./?lang={language}">{words["cancel"]}</a></div></form></main></body></html>'
    )


def _paired(view: View) -> list[PairedClient]:
    return [one for one in view.clients if one.revoked_at is None]


def _client_list(view: View, language: str) -> str:
    words = WORDS[language]
    items = "".join(_client_item(one, view, language) for one in view.clients)
    listed = f'<ul class="clients">{items}</ul>' if items else f'<p class="soft">{words["clients_none"]}</p>'
    return f"<section><h2>{words['clients']}</h2>{listed}</section>"


def _client_item(client: PairedClient, view: View, language: str) -> str:
    words = WORDS[language]
    told = [words["client_paired"].format(when=_when(client.paired_at, view))]
    if client.revoked_at is not None:
        by = escape(client.revoked_by or "")
        told.append(words["client_revoked"].format(when=_when(client.revoked_at, view), by=by))
    elif client.id in view.connected:
        told.append(words["client_connected"])
    elif client.seen_at is None:
        told.append(words["client_unseen"])
    else:
        told.append(words["client_seen"].format(when=_when(client.seen_at, view)))
    revoke = (
        f'<a class="button" href="?revoke={client.id}&amp;lang={language}" '
        f'aria-label="{words["revoke"]}: {escape(client.name)}">{words["revoke"]}</a>'
    )
    gone = "" if client.revoked_at is None else ' class="gone"'
    return (
        f"<li{gone}><span><b>{escape(client.name)}</b><small>{' · '.join(told)}</small></span>"
        f"{revoke if client.revoked_at is None else ''}</li>"
    )


class StatusPage:
    """The page's own small server. Only ``peers`` may ask (None: anybody who reaches it).

    ``revoke`` lets a client's token count no more, on behalf of whom its second argument names.
    """

    def __init__(
        self,
        view: Callable[[], View],
        peers: Collection[str] | None,
        revoke: Callable[[str, str], Awaitable[PairedClient]],
    ) -> None:
        self._view = view
        self._peers = peers
        self._revoke = revoke
        # Whoever can read the page can revoke; a form that another site sends does not know this.
        self._csrf = secrets.token_urlsafe(32)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; raises `OSError` when it is taken."""
        app = web.Application(client_max_size=1024)
        app.router.add_get("/", self._page)
        app.router.add_get("/status.css", self._style)
        app.router.add_get("/health", self._health)
        app.router.add_get("/clients", self._clients)
        app.router.add_post("/clients/{client}/revoke", self._post_revoke)
        app.router.add_post("/revoke", self._revoke_by_form)
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
        view = self._view()
        asked = request.query.get("revoke")
        client = next((one for one in _paired(view) if one.id == asked), None)
        html = page(view, language) if client is None else revoking(language, client, self._csrf)
        return web.Response(text=html, content_type="text/html")

    async def _clients(self, request: web.Request) -> web.Response:
        self._let_in(request)
        view = self._view()
        listed = [asdict(one) | {"is_connected": one.id in view.connected} for one in view.clients]
        return web.json_response({"clients": listed, "csrf": self._csrf})

    async def _post_revoke(self, request: web.Request) -> web.Response:
        self._let_in(request)
        self._check(request.headers.get("X-CSRF-Token", ""))
        return web.json_response(asdict(await self._revoked(request, request.match_info["client"])))

    async def _revoke_by_form(self, request: web.Request) -> web.Response:
        self._let_in(request)
        form = await request.post()
        self._check(str(form.get("csrf", "")))
        await self._revoked(request, str(form.get("client", "")))
        # To the page itself, wherever Home Assistant shows it.
        raise web.HTTPSeeOther(f"./?lang={chosen_language(str(form.get('lang')), '')}")

    def _check(self, csrf: str) -> None:
        if not hmac.compare_digest(csrf.encode(), self._csrf.encode()):
            raise web.HTTPForbidden(text="open the page anew: this form is an old one, or another site's")

    async def _revoked(self, request: web.Request, client_id: str) -> PairedClient:
        # Home Assistant's ingress says who it let in, and lets nobody else say it.
        who = request.headers.get("X-Remote-User-Name") if self._peers is not None else None
        try:
            return await self._revoke(client_id, who or f"the page, from {request.remote}")
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error)) from None

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
