"""Who signs which panels: any m approvers complete an admission, each having signed once."""

from collections.abc import Iterable
from itertools import combinations, permutations

import pytest
from energy_swap_hub.chain.community import CommunityChain, plan_community
from energy_swap_hub.chain.panels import all_panels, panels_to_sign
from solders.keypair import Keypair
from solders.pubkey import Pubkey


def chain(approvers: int, needed: int) -> CommunityChain:
    keys = [Keypair.from_seed(bytes([n] * 32)).pubkey() for n in range(1, approvers + 4)]
    return plan_community("c", str(Pubkey.default()), keys[0], keys[1:3], keys[3:], needed)


def sign_in_order(community: CommunityChain, order: Iterable[int]) -> tuple[bool, list[int]]:
    """Whether an admission completes when approvers sign one after the other, and how many messages each signs."""
    signed: list[int] = []
    signatures: set[tuple[tuple[int, ...], int]] = set()
    counts = []
    for position in order:
        panels = panels_to_sign(len(community.approvers), community.needed, position, signed)
        counts.append(len(panels))
        signatures |= {(panel, position) for panel in panels}
        signed.append(position)
    return any(
        all((p, i) in signatures for i in p) for p in all_panels(len(community.approvers), community.needed)
    ), counts


@pytest.mark.parametrize(("approvers", "needed"), [(1, 1), (3, 2), (4, 3), (5, 3)])
def test_any_m_approvers_in_any_order_complete_and_fewer_do_not(approvers: int, needed: int) -> None:
    community = chain(approvers, needed)
    for members in combinations(range(approvers), needed):
        for order in permutations(members):
            assert sign_in_order(community, order)[0]
            assert not sign_in_order(community, order[:-1])[0]


def test_each_approver_signs_fewer_than_the_one_before() -> None:
    assert sign_in_order(chain(9, 5), [8, 0, 4, 2, 6]) == (True, [70, 35, 15, 5, 1])
