"""What an operator sets: one JSON file, read once at start."""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from energy_swap_protocol.period import period_at
from solders.pubkey import Pubkey

from energy_swap_hub.market.fees import Tariff

STAGES: Final = ("partners", "community", "grid")

type Role = Literal["admin", "auditor", "verifier", "installer"]
type Stage = Literal["partners", "community", "grid"]
type LegalBasis = Literal["simulation", "private_network", "licensed"]
type PeriodMinutes = Literal[15, 30, 60]
type Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


class RewardPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a community pays out of its fund for energy that came when the grid needed it.

    ``cents_per_kwh`` is paid for a kWh at stability index 0 outside the evening peak (`pricing.grid_reward`), and
    ``premium_percent`` of it from ``peak_from`` until ``peak_until`` (hours, East Africa Time). The fund receives
    ``fund_percent`` of the community fee. What the fund does not have is not paid (`settlement.rewards`).
    """

    cents_per_kwh: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    fund_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 20
    premium_percent: Annotated[int, msgspec.Meta(ge=100, le=1_000)] = 150
    peak_from: Annotated[int, msgspec.Meta(ge=0, le=23)] = 18
    peak_until: Annotated[int, msgspec.Meta(ge=1, le=24)] = 22

    def __post_init__(self) -> None:
        if self.peak_from >= self.peak_until:
            raise ValueError(
                f"peak_from ({self.peak_from}) is an hour before peak_until ({self.peak_until}) of the same day"
            )


class CommunityConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One community: its rules and the public keys (base58) of its approvers."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{2,32}$")]
    name: str
    opened_at: datetime
    approvers: tuple[str, ...]
    approvals_needed: Annotated[int, msgspec.Meta(ge=1)]
    tariffs: tuple[Tariff, ...]
    period_minutes: PeriodMinutes = 30  # of the beginning; `settlement.settings` knows what it is later
    grace_minutes: Annotated[int, msgspec.Meta(ge=1, le=120)] = 10
    # Without a basis other than "simulation" no real money moves; the reference is the licence's number, or the
    # agreement's of a private network.
    legal_basis: LegalBasis = "simulation"
    legal_reference: Annotated[str, msgspec.Meta(max_length=120)] = ""
    payout_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 19  # East Africa Time
    # Who comes first in the period market. With "grid" at the end, energy that nobody bought was sold to the
    # utility: it is not minted. Without, it stays with the household as tokens.
    stages: tuple[Stage, ...] = ("partners", "community")
    gate_periods: Annotated[int, msgspec.Meta(ge=0, le=96)] = 1  # ahead orders are taken until so long before
    purchase_minutes: Annotated[int, msgspec.Meta(ge=2, le=60)] = 10  # how long a payment for an order may take
    rewards: RewardPolicy | None = None
    # Prepaid: who has less free money and no energy of its own is cut off, unless protected. None: nobody is.
    cut_off_below_cents: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] | None = None
    # What balancing advice counts for the carbon of the main grid: its grams per kWh, and cents per kilogram.
    grid_grams_per_kwh: Annotated[int, msgspec.Meta(ge=0, le=2_000)] = 0
    carbon_cents_per_kg: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    # Value added tax that the prices include, on energy and on fees; and the community's tax number (KRA PIN).
    vat_energy_percent: Percent = 0
    vat_fees_percent: Percent = 0
    tax_number: Annotated[str, msgspec.Meta(max_length=40)] = ""
    # Whether approvers may admit a household before its phone, document, site and consent are in its file.
    evidence: Literal["optional", "required"] = "optional"
    # What becomes of the tokens of who leaves: burned, or burned and paid for at the feed-in tariff by the fund.
    leaving_tokens: Literal["burn", "pay"] = "burn"
    # How long personal data of who left is kept. Kenya's law against money laundering asks for seven years.
    retention_years: Annotated[int, msgspec.Meta(ge=1, le=30)] = 7

    def __post_init__(self) -> None:
        if not self.approvals_needed <= len(self.approvers) <= 11:
            raise ValueError("approvals_needed is at most the number of approvers, and there are at most 11")
        if "community" not in self.stages or list(self.stages) != [s for s in STAGES if s in self.stages]:
            raise ValueError(f"stages come in the order {', '.join(STAGES)}, and community is one of them")
        if self.legal_basis != "simulation" and not self.legal_reference.strip():
            raise ValueError(
                f"legal_basis {self.legal_basis} needs a legal_reference: the licence's number, or the agreement's"
            )
        if self.opened_at.tzinfo is None:
            raise ValueError("times in the configuration carry an offset, like 2026-11-20T00:00:00+03:00")
        first = period_at(self.opened_at, timedelta(minutes=self.period_minutes))
        if not self.tariffs or min(t.valid_from for t in self.tariffs) > first.start:
            raise ValueError(
                f"a tariff must be valid from {first.start.isoformat()}, when the first period begins"
            )
        for approver in self.approvers:
            try:
                Pubkey.from_string(approver)
            except ValueError:
                raise ValueError(f"approver {approver!r} is not a base58 public key of 32 bytes") from None


class UserConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person who signs in to the console; ``password_hash`` is argon2, made by ``energy-swap-hub hash``."""

    user: str
    role: Role
    password_hash: str


class VerifierConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the two that co-sign mints and escrow: its public key (base58), and where it is asked.

    Without ``url`` its key is kept in reserve, off line, and nobody asks it.
    """

    key: str
    url: str | None = None

    def __post_init__(self) -> None:
        try:
            Pubkey.from_string(self.key)
        except ValueError:
            raise ValueError(f"verifier {self.key!r} is not a base58 public key of 32 bytes") from None
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"a verifier's url begins with http:// or https://, not {self.url!r}")


class TrustModeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Found the community with the trust mode: ``program`` (base58) mints, by the meters' signatures.

    The program has not been audited, and there is no way back; ``unaudited`` says that whoever set this knows it.
    """

    program: str
    unaudited: Literal["accepted"]

    def __post_init__(self) -> None:
        try:
            Pubkey.from_string(self.program)
        except ValueError:
            raise ValueError(f"program {self.program!r} is not a base58 address of 32 bytes") from None


class LimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many requests a second the hub takes for long, of an address and of a household's or approver's key.

    Five seconds' worth may come at once. 0: no limit. ``patience_seconds`` is how long a caller may take to send
    a request's head, and how long to send its body; also how long a silent connection is kept.
    """

    address_per_second: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 500
    key_per_second: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 20
    patience_seconds: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 75


class SmsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to ask the operator's SMS gateway to send: an address to post to, with headers such as its API key.

    In the values of ``fields``, ``{phone}`` becomes the number (254712345678) and ``{text}`` the message.
    """

    url: str
    fields: dict[str, str]
    headers: dict[str, str] = {}
    encoding: Literal["form", "json"] = "form"

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"the SMS gateway's url begins with http:// or https://, not {self.url!r}")
        for mark in ("{phone}", "{text}"):
            if not any(mark in value for value in self.fields.values()):
                raise ValueError(f"one of the SMS gateway's fields holds {mark}")


class PhonesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paired phones: who sends their codes, and how much one phone may move in a day."""

    sms: SmsConfig | None = None  # none: no phone can be paired
    daily_kes: Annotated[int, msgspec.Meta(ge=0, le=250_000)] = 5_000


class PushConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Push messages to paired phones: whom push services may ask about them, and services of the operator's."""

    contact: str | None = None  # mailto:… or https://…; none: the hub's public_url
    services: tuple[str, ...] = ()  # origins like https://push.example.org, beside those of the browsers' makers

    def __post_init__(self) -> None:
        if self.contact is not None and not self.contact.startswith(("mailto:", "https://")):
            raise ValueError(f"contact begins with mailto: or https://, not {self.contact!r}")
        for origin in self.services:
            if not re.fullmatch(r"https?://[a-z0-9.-]+(:\d+)?", origin):
                raise ValueError(f"a push service is an origin like https://push.example.org, not {origin!r}")


class DarajaConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Daraja is and how to sign in there; ``certificate`` is the path of its PEM."""

    base_url: str
    callback_base_url: str
    short_code: int
    passkey: str
    consumer_key: str
    consumer_secret: str
    initiator: str
    initiator_password: str
    certificate: Path
    callback_sources: tuple[str, ...] | None = None  # addresses or networks; none: Safaricom's for Safaricom
    trusted_proxies: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0  # of ours, in front of the hub
    confirm_above_kes: Annotated[int, msgspec.Meta(ge=0, le=250_000)] = 5_000  # more waits for the list

    def __post_init__(self) -> None:
        for name in ("base_url", "callback_base_url"):
            url = urlsplit(getattr(self, name))
            if url.scheme not in {"http", "https"} or not url.hostname:
                raise ValueError(f"{name} is an address like https://hub.example.org, not {url.geturl()!r}")


class HubConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hub: where it listens, keeps its data and finds the chain (none: an embedded one)."""

    data: Path
    community: CommunityConfig
    users: tuple[UserConfig, ...]
    daraja: DarajaConfig
    host: str = "127.0.0.1"
    port: int = 8420
    database_url: str | None = None  # postgresql://…; none: hub.sqlite in the data folder
    chain_url: str | None = None
    public_url: str | None = None  # how browsers reach the hub; https:// makes the session cookie a secure one
    verifiers: tuple[VerifierConfig, ...] = ()  # A and B of the 2-of-3; none: both keys lie here, "pilot custody"
    trust_mode: TrustModeConfig | None = None  # for good, from the community's founding on
    limits: LimitsConfig = LimitsConfig()
    phones: PhonesConfig = PhonesConfig()
    push: PushConfig = PushConfig()
    second_factor: Literal["optional", "required"] = "optional"  # for people who sign in
    retiring_verifiers: tuple[VerifierConfig, ...] = ()  # those of before, until minting was handed over
    console: Path | None = None  # folder of the built console, where it is not beside the code

    def __post_init__(self) -> None:
        for one in self.users:
            if not one.password_hash.startswith("$argon2"):
                raise ValueError(f"the password_hash of {one.user} is none: `energy-swap-hub hash` makes it")
        if self.verifiers and (
            len({v.key for v in self.verifiers}) != 2
            or len(self.verifiers) != 2
            or all(v.url is None for v in self.verifiers)
        ):
            raise ValueError("verifiers are two with different keys, and at least one of them has a url")

    @property
    def program(self) -> Pubkey | None:
        """The program of the trust mode; None: the community is founded without it."""
        return None if self.trust_mode is None else Pubkey.from_string(self.trust_mode.program)


def load_config(path: Path, environment: Mapping[str, str] = os.environ) -> HubConfig:
    """Read the file at ``path``; raises `msgspec.ValidationError` naming the field that is wrong.

    ``ENERGY_SWAP_DATABASE_URL`` in the environment comes before the file's ``database_url``: it holds a password.
    """
    config = msgspec.json.decode(path.read_bytes(), type=HubConfig, dec_hook=_path)
    if url := environment.get("ENERGY_SWAP_DATABASE_URL"):
        return msgspec.structs.replace(config, database_url=url)
    return config


def _path(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise msgspec.ValidationError(f"expected a path, got {value!r}")


def utc_now() -> datetime:
    """Return the machine's time: the clock of a hub that is not simulated."""
    return datetime.now(UTC)
