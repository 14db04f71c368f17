"""Panels: any m of n approvers complete a decision, each having signed once, alone and off-line, in any order.

Which approvers sign decides a Solana message's accounts, so there is no one message that any m of n could sign.
Each possible panel of m approvers has its own message, all bound to the same durable nonce, so at most one can
ever land. An approver signs the messages of every panel that can still complete: the first of 2-of-3 signs two
(with either of the others), the second one; the first of 5-of-9 signs 70, in a few milliseconds. Nobody is
appointed, nobody comes back a second time, and whoever does not answer holds nothing up. A decision is complete
when all of some panel have signed. Positions are those of the approvers in their multisig.
"""

from collections.abc import Sequence
from itertools import combinations

type Panel = tuple[int, ...]


def all_panels(approvers: int, needed: int) -> list[Panel]:
    """Return every panel of ``needed`` out of ``approvers``."""
    return list(combinations(range(approvers), needed))


def panels_to_sign(approvers: int, needed: int, position: int, signed: Sequence[int]) -> tuple[Panel, ...]:
    """Return the panels that ``position`` signs: all with it that those who have ``signed`` can still complete."""
    together = {*signed, position}
    return tuple(
        panel
        for panel in all_panels(approvers, needed)
        if position in panel and (together.issubset(panel) or together.issuperset(panel))
    )
