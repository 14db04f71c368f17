"""What differs from one real set-up to the next: the rules of this short code, changed over the control API."""

from typing import Literal

import msgspec

from .books import Books

_KEPT_AS = "rules"

type Bouquet = Literal["none", "business", "mgao", "customer"]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rules; the defaults are kind where the real thing differs between short codes."""

    is_validation_on: bool = False  # C2B validation, which Safaricom switches on by e-mail
    validation_patience_seconds: float = 8.0  # real seconds
    bouquet: Bouquet = "none"  # who pays for payments in
    same_amount_window_seconds: int = 0  # result 17 within it; Safaricom's page says 120
    requests_per_second: int = 0  # spike arrest above it; 0: no limit
    initiator_password_days: int = 0  # Safaricom's is 90; 0: for ever
    wrong_credentials_until_lock: int = 3
    is_pull_registration_needed: bool = False
    duplicate_shape: Literal["error", "response", "either"] = "error"  # how B2C refuses a known id
    daily_limit_kes: int = 500_000
    wallet_limit_kes: int = 500_000


class RuleBook:
    """The rules in force, kept in the books."""

    def __init__(self, books: Books) -> None:
        self._books = books
        kept = books.setting(_KEPT_AS)
        self.now = Rules() if kept is None else msgspec.json.decode(kept, type=Rules)

    def change(self, rules: Rules) -> None:
        """Put other rules in force."""
        self._books.remember(_KEPT_AS, msgspec.json.encode(rules))
        self.now = rules
