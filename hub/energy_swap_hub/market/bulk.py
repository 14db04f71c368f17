"""Large books on arrays: the sums of a side by limit, what a side fills, and who is paired with whom.

Nothing is decided here that `period` does not decide in the same way on plain numbers; a test holds both together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from energy_swap_hub.market.sharing import share_equally
from energy_swap_hub.market.trade import Trade

type _Numbers = NDArray[np.int64]

MOST_WH: Final = 2**62  # of a side: what is summed up here stays within 64 bits


@dataclass(frozen=True, slots=True)
class BulkSide:
    """One side of a book in which no household has two orders: the three lists belong together by place."""

    households: Sequence[str]
    wh: _Numbers
    limits: _Numbers

    def levels(self) -> list[list[int]]:
        """Return [limit, Wh] of each limit, lowest first."""
        wanted = self.wh > 0
        limits, wh = self.limits[wanted], self.wh[wanted]
        if not len(limits):
            return []
        order = np.argsort(limits)
        limits, wh = limits[order], wh[order]
        starts = np.flatnonzero(np.diff(limits, prepend=limits[0] - 1))
        sums = np.add.reduceat(wh, starts)
        return [[limit, total] for limit, total in zip(limits[starts].tolist(), sums.tolist(), strict=True)]

    def filled(self, better: NDArray[np.bool_], price: int, volume: int, lot: str) -> _Numbers:
        """Return the Wh each order trades of ``volume``: ``better`` limits in full, those at ``price`` share."""
        filled = np.where(better, self.wh, 0)
        marginal = np.flatnonzero(self.limits == price).tolist()
        wanted = {self.households[place]: int(self.wh[place]) for place in marginal}
        shares = share_equally(volume - int(filled.sum()), wanted, lot)
        for place in marginal:
            filled[place] = shares.get(self.households[place], 0)
        return filled


def bulk_side(households: Sequence[str], wh: Sequence[int], limits: Sequence[int]) -> BulkSide:
    """Return a side; raise OverflowError if its numbers are too large for arrays."""
    if sum(wh) > MOST_WH:
        raise OverflowError
    return BulkSide(households, np.array(wh, np.int64), np.array(limits, np.int64))


def pair_in_line(sells: BulkSide, sold: _Numbers, buys: BulkSide, bought: _Numbers) -> tuple[Trade, ...]:
    """Return the trades of `pairing.pair` for two sides that have no household in common.

    Sellers and buyers stand in line by name. Wherever one of them is done, a trade ends.
    """
    sellers, sold_until = _line(sells, sold)
    buyers, bought_until = _line(buys, bought)
    ends = np.sort(np.concatenate((sold_until, bought_until)))
    ends = ends[np.diff(ends, prepend=0) > 0]
    seller_places = np.searchsorted(sold_until, ends).tolist()
    buyer_places = np.searchsorted(bought_until, ends).tolist()
    return tuple(
        map(
            Trade,
            map(sellers.__getitem__, seller_places),
            map(buyers.__getitem__, buyer_places),
            np.diff(ends, prepend=0).tolist(),
            strict=True,
        )
    )


def _line(side: BulkSide, filled: _Numbers) -> tuple[list[str], _Numbers]:
    """Return the names of who trades, in order, and the sum of Wh up to and with each."""
    places = np.flatnonzero(filled).tolist()
    places.sort(key=side.households.__getitem__)
    return [side.households[place] for place in places], np.cumsum(filled[places])
