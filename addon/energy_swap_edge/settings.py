"""What the household chose for its adviser and its trader, kept on disk.

Reserve, cap, strategy, the one switch.
"""

from typing import Annotated, Final

import msgspec

from .store import Store

_NOTE: Final = "own_settings"
MOST_WH: Final = 10_000_000
MOST_KES: Final = 1_000_000


class Kept(msgspec.Struct, frozen=True):
    """The settings. ``limits_before`` are the household's own limits (sell, buy) while the trader sets others."""

    reserve_wh: int = 0
    daily_cap_cents: int = 50_000
    strategy: str = "standing_limits"
    auto_sell: bool = False
    limits_before: tuple[int | None, int | None] | None = None
    battery_charge_wh: int = 0
    battery_at: int | None = None


class SetReserve(msgspec.Struct, frozen=True):
    """Keep so much in tokens."""

    wh: Annotated[int, msgspec.Meta(ge=0, le=MOST_WH)]


class SetDailyCap(msgspec.Struct, frozen=True):
    """Spend no more a day by trading automatically; whole KES."""

    kes: Annotated[int, msgspec.Meta(ge=0, le=MOST_KES)]


class ReportBattery(msgspec.Struct, frozen=True):
    """What is in the household's battery now."""

    charge_wh: Annotated[int, msgspec.Meta(ge=0, le=MOST_WH)]


class OwnSettings:
    """The settings in use; a change is on disk when it returns."""

    def __init__(self, store: Store, kept: Kept) -> None:
        self._store = store
        self.kept = kept

    @classmethod
    async def load(cls, store: Store) -> OwnSettings:
        """Return what ``store`` remembers, or the defaults."""
        text = await store.note(_NOTE)
        return cls(store, Kept() if text is None else msgspec.json.decode(text, type=Kept))

    async def change(self, **changes: object) -> None:
        """Replace some settings."""
        kept = msgspec.structs.replace(self.kept, **changes)
        await self._store.set_note(_NOTE, msgspec.json.encode(kept).decode())
        self.kept = kept
