"""The note of an admission on the chain: which meter the approvers admit with a household's token account."""

from dataclasses import dataclass
from typing import Self

from solders.pubkey import Pubkey


class MemoError(ValueError):
    """A text is no such memo; it says what one looks like."""


@dataclass(frozen=True, slots=True)
class AdmissionMemo:
    """What the approvers sign beside the thaw: whoever can read the chain knows the admitted meters from it.

    ``meter`` is the meter's public key (32 bytes), ``sequence`` that of the reading the household applied with:
    nothing before it is ever minted. The ratings are in watts and bound what readings may show.
    """

    household: str
    meter: bytes
    sequence: int
    rated_pv_w: int
    main_breaker_w: int

    @property
    def text(self) -> str:
        """The memo: ``admit:<household>|<meter, base58>|<sequence>|<rated PV W>|<main breaker W>``."""
        return (
            f"admit:{self.household}|{Pubkey(self.meter)}|{self.sequence}|{self.rated_pv_w}|{self.main_breaker_w}"
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what the memo ``text`` says; raise `MemoError` for any other text."""
        what, _, rest = text.partition(":")
        fields = rest.split("|")
        try:
            household, meter, *numbers = fields
            sequence, rated_pv_w, main_breaker_w = map(int, numbers)
            found = cls(household, bytes(Pubkey.from_string(meter)), sequence, rated_pv_w, main_breaker_w)
        except ValueError:
            raise MemoError("an admission says admit:<household>|<meter>|<sequence>|<PV W>|<breaker W>") from None
        if what != "admit" or found.text != text:
            raise MemoError("an admission says admit:<household>|<meter>|<sequence>|<PV W>|<breaker W>")
        return found
