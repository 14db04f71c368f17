"""Shares too little energy among households with an equal claim: in equal rounds, not first come first served."""

from collections.abc import Mapping
from hashlib import sha256


def share_equally(wh: int, wanted: Mapping[str, int], lot: str) -> dict[str, int]:
    """Return how much of ``wh`` each household gets of what it ``wanted`` (Wh); who gets nothing is left out.

    Everybody gets the same until it has what it wanted; what a satisfied household leaves is shared by the others
    in the same way. The last Wh, fewer than there are households still waiting, are drawn by lot: one each to the
    households whose SHA-256 of ``lot|household`` is lowest. With a new ``lot`` each time (the period's id) nobody
    is favoured for ever. The answer depends on nothing else, so not on the order of arrival.

    All of ``wh`` is given out unless everybody is satisfied before.
    """
    shares: dict[str, int] = {}
    left = wh
    waiting = sorted(wanted, key=lambda household: (wanted[household], household))
    for place, household in enumerate(waiting):
        equal = left // (len(waiting) - place)
        if wanted[household] <= equal:  # satisfied by this round: the ones after it want at least as much
            shares[household] = wanted[household]
            left -= wanted[household]
            continue
        unsatisfied = sorted(waiting[place:], key=lambda name: draw(lot, name))
        last = left - equal * len(unsatisfied)
        for rank, name in enumerate(unsatisfied):
            shares[name] = equal + (rank < last)
        break
    return {household: share for household, share in shares.items() if share}


def draw(lot: str, household: str) -> tuple[bytes, str]:
    """Return the rank of ``household`` in the draw of ``lot``: as good as random, and anybody can check it."""
    return sha256(f"{lot}|{household}".encode()).digest(), household
