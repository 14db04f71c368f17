"""Where Daraja is, who we are there, and where it finds us."""

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

_FORBIDDEN_IN_PATH: Final = ("m-pesa", "mpesa", "safaricom", "exe", "cmd", "sql", "query")
_SAFARICOM: Final = ".safaricom.co.ke"

# Where Safaricom's callbacks were seen to come from. It changes: a callback from elsewhere is held, never dropped.
SAFARICOM_SOURCES: Final = (
    *(f"196.201.214.{host}" for host in (200, 206, 207, 208)),
    *(f"196.201.213.{host}" for host in (44, 114)),
    *(f"196.201.212.{host}" for host in (69, 74, 127, 128, 129, 132, 136, 138)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MPesaConfig:
    """One short code. Without ``certificate_pem`` (Daraja's, for this environment) no payout can be asked for.

    ``callback_base_url`` must be lower case and free of the words that Daraja bans; ``hmac_secret`` (at least 16
    bytes) makes the callback paths unguessable and must stay the same while payments are open.
    ``callback_sources`` are addresses or networks whose callbacks count at once; None: Safaricom's known ones for
    Safaricom, any for another ``base_url``. ``trusted_proxies`` is how many reverse proxies of ours stand in
    front, each of which adds the address of its caller to ``X-Forwarded-For``. A payment above
    ``confirm_above_kes`` is credited only once M-Pesa's own list shows it: callbacks are not signed.
    """

    base_url: str
    callback_base_url: str
    short_code: int
    passkey: str = field(repr=False)
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    initiator: str
    initiator_password: str = field(repr=False)
    certificate_pem: bytes | None = field(repr=False)
    hmac_secret: bytes = field(repr=False)
    callback_sources: tuple[str, ...] | None = None
    trusted_proxies: int = 0
    confirm_above_kes: int = 5_000

    def __post_init__(self) -> None:
        path = urlsplit(self.callback_base_url).path.lower()
        if self.callback_base_url != self.callback_base_url.lower() or any(w in path for w in _FORBIDDEN_IN_PATH):
            raise ValueError(
                f"Daraja refuses the callback address {self.callback_base_url}: use lower case only and none of"
                f" {', '.join(_FORBIDDEN_IN_PATH)} in its path"
            )
        if len(self.hmac_secret) < 16:
            raise ValueError("the secret of the callback paths needs at least 16 bytes")
        for source in self.callback_sources or ():
            ip_network(source)  # raises ValueError that names it
        if self.trusted_proxies < 0:
            raise ValueError("trusted_proxies is how many proxies of yours stand in front: 0 or more")

    @property
    def known_sources(self) -> tuple[str, ...]:
        """The addresses whose callbacks count at once; empty: any."""
        if self.callback_sources is not None:
            return self.callback_sources
        return SAFARICOM_SOURCES if (urlsplit(self.base_url).hostname or "").endswith(_SAFARICOM) else ()
