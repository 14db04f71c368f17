"""All routes of the hub's API, and the description of them that it serves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from nacl.signing import SigningKey

from energy_swap_hub.chain.directory import community_chain
from energy_swap_hub.changes import Changes
from energy_swap_hub.config import HubConfig, utc_now
from energy_swap_hub.membership.passkeys import Passkeys
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.seal import Seal
from energy_swap_hub.membership.sign_in import SignIn
from energy_swap_hub.membership.sms import SmsGateway
from energy_swap_hub.mpesa import open_payments
from energy_swap_hub.push.services import PushServices
from energy_swap_hub.settlement.desk import Desk
from energy_swap_hub.storage import Database

from .chain_view import ChainView
from .complaints_api import ComplaintsApi
from .console_api import ConsoleApi
from .doors import Call, Doors
from .edge_api import EdgeApi
from .edge_views import ReadingEdgeViews
from .idempotency import Idempotency
from .invoices_api import InvoicesApi
from .ledger_api import LedgerApi
from .members_api import MembersApi
from .message_queue import MessageQueue
from .meters_api import MetersApi
from .mpesa_api import MPesaApi
from .office_api import OfficeApi
from .openapi import openapi
from .own_periods_api import OwnPeriodsApi
from .passkeys_api import PasskeysApi
from .phone_api import PhoneApi
from .phone_session_api import PhoneSessionApi
from .phones_api import PhonesApi
from .proposals_api import ApproverApi, ProposalsApi
from .push_api import PushApi
from .readings_api import ReadingsApi
from .relays_api import RelaysApi
from .route import Route
from .session_api import SessionApi
from .settings_api import SettingsApi
from .tokens import ApiTokens
from .tokens_api import TokensApi

_CONSOLE: Final = "/api/v1/console"
DESCRIPTION: Final = "/api/v1/openapi.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes work with.

    ``seal`` closes people's second factors, ``answers_seal`` answers that are kept; ``sms`` carries the codes that
    pair phones; ``push_seal`` closes where phones are told, ``push_key`` is what browsers know the hub by there;
    ``relay_authority`` signs what meters obey; ``wake`` tells the chain that something is to be sent.
    """

    config: HubConfig
    database: Database
    desk: Desk
    clock: Callable[[], datetime]
    changes: Changes
    messages: MessageQueue
    edge_views: ReadingEdgeViews
    chain_info: Callable[[], Awaitable[dict[str, Any]]]
    chain_view: ChainView
    seal: Seal
    answers_seal: Seal
    tokens: ApiTokens
    phones: PhoneBook
    sms: SmsGateway
    push_seal: Seal
    push_services: PushServices
    push_key: str
    relay_authority: SigningKey
    wake: Callable[[], None]


def make_routes(parts: Parts) -> list[Route]:
    """Return every route of the API, that of its description last."""
    config, database, desk, clock, changes = parts.config, parts.database, parts.desk, parts.clock, parts.changes
    community = config.community
    users = {user.user: user for user in config.users}
    doors = Doors(
        database,
        clock,
        community_id=community.id,
        approvers=lambda connection: community_chain(connection, community.id).approvers,
        users=users,
        limits=config.limits,
        trusted_proxies=config.daraja.trusted_proxies,
        needs_second_factor=config.second_factor == "required",
        idempotency=Idempotency(database, utc_now, parts.answers_seal),
        tokens=parts.tokens,
    )
    is_https = (config.public_url or "").startswith("https://")
    sessions = SessionApi(
        _CONSOLE,
        doors,
        database,
        community,
        clock,
        SignIn(users),
        parts.seal,
        is_https=is_https,
    )
    apis = (
        EdgeApi(
            doors,
            database,
            desk,
            clock,
            changes,
            messages=parts.messages,
            views=parts.edge_views,
            chain_info=parts.chain_info,
            wake=parts.wake,
        ),
        OwnPeriodsApi(doors, database, community, clock),
        PhoneSessionApi(doors, database, community, clock, parts.phones, parts.sms, is_https=is_https),
        PhoneApi(doors, database, desk, clock, parts.messages, config.daraja.short_code),
        PushApi(
            doors,
            database,
            community.id,
            clock,
            seal=parts.push_seal,
            services=parts.push_services,
            public_key=parts.push_key,
        ),
        ComplaintsApi(_CONSOLE, doors, database, community.id, clock, changes.mark),
        PhonesApi(_CONSOLE, doors, database, community.id, clock),
        ReadingsApi(doors, database, community),
        ApproverApi(doors, database, community, clock, changes, parts.wake),
        sessions,
        PasskeysApi(
            _CONSOLE,
            doors,
            database,
            Passkeys(config.public_url, f"Energy Swap {community.name}"),
            sessions,
            users,
        ),
        ConsoleApi(
            _CONSOLE,
            doors,
            database,
            desk,
            clock,
            changes,
            parts.chain_view,
            payments_open=lambda connection: open_payments(connection, community.id),
        ),
        LedgerApi(_CONSOLE, doors, database, community, clock, changes),
        MetersApi(_CONSOLE, doors, database, community.id, clock, changes, parts.phones),
        RelaysApi(
            f"/api/v1/communities/{community.id}/household/relay",
            f"{_CONSOLE}/relays",
            doors,
            database,
            community,
            clock,
            changes,
            parts.relay_authority,
            parts.phones,
        ),
        OfficeApi(_CONSOLE, doors, database, community, clock),
        TokensApi(_CONSOLE, doors, database, community.id, parts.tokens),
        InvoicesApi(_CONSOLE, doors, database, community, clock),
        MembersApi(_CONSOLE, doors, database, desk, clock, changes),
        SettingsApi(_CONSOLE, doors, database, community, config.daraja.base_url, clock, changes),
        MPesaApi(_CONSOLE, doors, database, desk, clock, changes),
        ProposalsApi(_CONSOLE, doors, database, community.id, clock, changes, parts.chain_view.chain),
    )
    routes = [route for api in apis for route in api.routes()]
    described: dict[str, Any] = {}

    async def describe(_call: Call[None, None]) -> dict[str, Any]:
        return described

    routes.append(doors.public("GET", DESCRIPTION, describe, says="This description."))
    described |= openapi(routes, f"Energy Swap hub of {community.name}")
    return routes
