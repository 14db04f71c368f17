"""Household transactions: the hub signs exactly what the household asked for, and nothing else."""

import base64
from uuid import UUID

import pytest
from energy_swap_protocol.transaction import (
    ChainInfo,
    TransactionError,
    allowance_message,
    complete_as_hub,
    lock_message,
    sign_as_household,
    token_account,
)
from nacl.signing import SigningKey
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

HUB = Keypair.from_seed(bytes([1] * 32))
SEED = bytes([2] * 32)
HOUSEHOLD = Keypair.from_seed(SEED).pubkey()
CHAIN = ChainInfo(Pubkey([3] * 32), Pubkey([4] * 32), HUB.pubkey(), Hash(bytes([5] * 32)))
ORDER = UUID(int=7)
LOCK_BYTES = (
    "80020103078a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c8139770ea87d175f56a354"
    "66c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394040404040404040404040404040404040404040404040404040404"
    "040404040464132df0399e186ed4b4c66ca069ef34fb8093035a1577883779aaf426d052ce0303030303030303030303"
    "030303030303030303030303030303030303030303054a535a992921064d24e87160da387c7c35b5ddbc92bb81e41fa8"
    "404105448d06ddf6e1ee758fde18425dbce46ccddab61afc4d83b90d27febdf928d8a18bfc0505050505050505050505"
    "050505050505050505050505050505050505050505020500296c6f636b3a30303030303030302d303030302d30303030"
    "2d303030302d3030303030303030303030370604030402010a0cdc050000000000000300"
)
ALLOWANCE_BYTES = (
    "80020103068a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c8139770ea87d175f56a354"
    "66c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39464132df0399e186ed4b4c66ca069ef34fb8093035a1577883779aa"
    "f426d052ce0303030303030303030303030303030303030303030303030303030303030303054a535a992921064d24e8"
    "7160da387c7c35b5ddbc92bb81e41fa8404105448d06ddf6e1ee758fde18425dbce46ccddab61afc4d83b90d27febdf9"
    "28d8a18bfc05050505050505050505050505050505050505050505050505050505050505050204002a616c6c6f773a30"
    "303030303030302d303030302d303030302d303030302d3030303030303030303030370504020300010a0d204e000000"
    "0000000300"
)


def lock(blockhash: Hash, wh: int = 1500, order: UUID = ORDER) -> MessageV0:
    return lock_message(ChainInfo(CHAIN.mint, CHAIN.escrow, CHAIN.hub, blockhash), HOUSEHOLD, wh, order)


def test_household_key_is_the_same_in_both_libraries() -> None:
    assert bytes(SigningKey(SEED).verify_key) == bytes(HOUSEHOLD)


def test_associated_account_of_a_known_owner() -> None:
    # Derived independently with the token library of solana-py.
    from spl.token.constants import TOKEN_2022_PROGRAM_ID
    from spl.token.instructions import get_associated_token_address

    expected = get_associated_token_address(HOUSEHOLD, CHAIN.mint, TOKEN_2022_PROGRAM_ID)
    assert token_account(HOUSEHOLD, CHAIN.mint) == expected


def test_lock_and_allowance_keep_their_bytes() -> None:
    # Edges in the field build these bytes: a change here is a change of the protocol.
    assert to_bytes_versioned(lock(CHAIN.blockhash)).hex() == LOCK_BYTES
    allowance = allowance_message(CHAIN, HOUSEHOLD, 20_000, ORDER)
    assert to_bytes_versioned(allowance).hex() == ALLOWANCE_BYTES


def test_hub_completes_what_the_household_signed() -> None:
    text = sign_as_household(lock(CHAIN.blockhash), SEED)
    transaction = complete_as_hub(text, lock, HOUSEHOLD, HUB)
    assert all(transaction.verify_with_results())
    assert transaction.message.account_keys[0] == HUB.pubkey()
    assert len(bytes(transaction)) < 1232


def test_hub_takes_the_blockhash_that_the_household_chose() -> None:
    other = Hash(bytes([9] * 32))
    transaction = complete_as_hub(sign_as_household(lock(other), SEED), lock, HOUSEHOLD, HUB)
    assert transaction.message.recent_blockhash == other


@pytest.mark.parametrize(
    "other",
    [
        lock(CHAIN.blockhash, wh=1501),
        lock(CHAIN.blockhash, order=UUID(int=8)),
        allowance_message(CHAIN, HOUSEHOLD, 1500, ORDER),
        lock_message(ChainInfo(CHAIN.mint, Pubkey([6] * 32), CHAIN.hub, CHAIN.blockhash), HOUSEHOLD, 1500, ORDER),
    ],
    ids=["amount", "order", "kind", "escrow"],
)
def test_hub_signs_nothing_else(other: MessageV0) -> None:
    with pytest.raises(TransactionError, match="not the one that this message stands for"):
        complete_as_hub(sign_as_household(other, SEED), lock, HOUSEHOLD, HUB)


def test_forged_household_signature_is_refused() -> None:
    transaction = VersionedTransaction.from_bytes(base64.b64decode(sign_as_household(lock(CHAIN.blockhash), SEED)))
    stranger = Keypair.from_seed(bytes([8] * 32)).sign_message(to_bytes_versioned(transaction.message))
    transaction.signatures = [transaction.signatures[0], stranger]
    text = base64.b64encode(bytes(transaction)).decode()
    with pytest.raises(TransactionError, match="signature does not belong"):
        complete_as_hub(text, lock, HOUSEHOLD, HUB)


@pytest.mark.parametrize("text", ["", "no base64!", base64.b64encode(bytes(200)).decode(), "AAAA"])
def test_odd_bytes_are_refused_in_words(text: str) -> None:
    with pytest.raises(TransactionError):
        complete_as_hub(text, lock, HOUSEHOLD, HUB)


def test_key_that_is_not_asked_signs_nothing() -> None:
    with pytest.raises(TransactionError, match="not one for household"):
        sign_as_household(lock(CHAIN.blockhash), bytes([8] * 32))


@pytest.mark.parametrize("wh", [0, -1, 2**63])
def test_impossible_amounts_are_refused(wh: int) -> None:
    with pytest.raises(TransactionError, match="positive number of Wh"):
        lock(CHAIN.blockhash, wh=wh)


def test_chain_information_must_be_base58() -> None:
    with pytest.raises(TransactionError, match="base58"):
        ChainInfo.parse(mint="!", escrow=str(CHAIN.escrow), hub=str(CHAIN.hub), blockhash=str(CHAIN.blockhash))
    parsed = ChainInfo.parse(
        mint=str(CHAIN.mint), escrow=str(CHAIN.escrow), hub=str(CHAIN.hub), blockhash=str(CHAIN.blockhash)
    )
    assert parsed == CHAIN
