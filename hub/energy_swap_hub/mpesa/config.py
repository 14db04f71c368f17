"""Where Daraja is, who we are there, and where it finds us."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_FORBIDDEN_IN_PATH: Final = ("m-pesa", "mpesa", "safaricom", "exe", "cmd", "sql", "query")


@dataclass(frozen=True, slots=True, kw_only=True)
class MPesaConfig:
    """One short code. Without ``certificate_pem`` (Daraja's, for this environment) no payout can be asked for.

    ``callback_base_url`` must be lower case and free of the words that Daraja bans; ``hmac_secret`` (at least 16
    bytes) makes the callback paths unguessable and must stay the same while payments are open.
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

    def __post_init__(self) -> None:
        path = urlsplit(self.callback_base_url).path.lower()
        if self.callback_base_url != self.callback_base_url.lower() or any(w in path for w in _FORBIDDEN_IN_PATH):
            raise ValueError(
                f"Daraja refuses the callback address {self.callback_base_url}: use lower case only and none of"
                f" {', '.join(_FORBIDDEN_IN_PATH)} in its path"
            )
        if len(self.hmac_secret) < 16:
            raise ValueError("the secret of the callback paths needs at least 16 bytes")
