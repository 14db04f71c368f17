"""Our Token-2022 bytes: the chain itself accepts them and reads back what we meant."""

import pytest
from energy_swap_hub.chain.client import Node
from energy_swap_hub.chain.community import NAME, SYMBOL
from energy_swap_hub.chain.token2022 import (
    Extension,
    LayoutError,
    metadata_bytes,
    mint_bytes,
    parse_mint,
    parse_multisig,
    parse_token_account,
)
from solders.system_program import ID as NOBODY

from .world import APPROVERS, World


async def data_of(node: Node, world: World, name: str) -> bytes:
    data = (await node.accounts([getattr(world.community, name)]))[0]
    assert data is not None
    return data


async def test_the_mint_has_the_authorities_of_the_design(world: World) -> None:
    data = await data_of(world.node, world, "mint")
    mint = parse_mint(data)
    community = world.community
    assert (mint.supply_wh, mint.decimals) == (0, 3)
    assert mint.mint_authority == community.authority
    assert mint.freeze_authority == community.approvers_authority
    values = mint.extensions
    approvers, hub = bytes(community.approvers_authority), bytes(community.hub)
    assert values[Extension.MINT_CLOSE_AUTHORITY] == approvers
    assert values[Extension.PERMANENT_DELEGATE] == approvers
    assert values[Extension.DEFAULT_ACCOUNT_STATE] == b"\x02"
    assert values[Extension.PERMISSIONED_BURN] == hub
    assert values[Extension.PAUSABLE] == hub + b"\x00"
    assert values[Extension.METADATA_POINTER] == bytes(NOBODY) + bytes(community.mint)
    metadata = values[Extension.TOKEN_METADATA]
    assert metadata[:64] == bytes(NOBODY) + bytes(community.mint), "nobody can rename the token"
    assert metadata[64:] == b"\x0a\0\0\0Energy kWh\x04\0\0\0eKWh\0\0\0\0\0\0\0\0"
    fixed = [e for e in Extension if e is not Extension.TOKEN_METADATA]
    assert len(data) == mint_bytes(fixed) + metadata_bytes(NAME, SYMBOL, "")


async def test_multisigs_and_escrow_are_read_back(world: World) -> None:
    community = world.community
    of_hub = parse_multisig(await data_of(world.node, world, "authority"))
    assert (of_hub.needed, of_hub.members) == (2, (community.hub, *community.verifiers))
    of_approvers = parse_multisig(await data_of(world.node, world, "approvers_authority"))
    assert (of_approvers.needed, of_approvers.members) == (2, tuple(key.pubkey() for key in APPROVERS))
    escrow = parse_token_account(await data_of(world.node, world, "escrow"))
    assert (escrow.mint, escrow.owner, escrow.wh) == (community.mint, community.authority, 0)
    assert not escrow.is_frozen


async def test_accounts_are_not_mistaken_for_each_other(world: World) -> None:
    mint, multisig, escrow = [await data_of(world.node, world, n) for n in ("mint", "authority", "escrow")]
    for parse, strangers in (
        (parse_mint, (multisig, escrow, b"")),
        (parse_multisig, (mint, escrow, b"")),
        (parse_token_account, (mint, multisig, b"", bytes(165))),
    ):
        for data in strangers:
            with pytest.raises(LayoutError):
                parse(data)


def test_a_mint_never_has_the_size_of_a_multisig() -> None:
    sizes = {
        mint_bytes([Extension.PAUSABLE] * n + [Extension.PERMANENT_DELEGATE] * m)
        for n in range(6)
        for m in range(6)
    }
    assert 355 not in sizes
