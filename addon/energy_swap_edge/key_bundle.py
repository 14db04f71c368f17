"""The household's key in a file for a safe place: under a passphrase, made and taken back by hand only."""

import secrets
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from .keys import HouseholdKey, KeyLocked, write_private

SHORTEST_PASSPHRASE: Final = 12
_BOUND_TEXT: Final = b"energy-swap/household-key-bundle/1"


class _Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exported key; the fields of bytes are base64."""

    kind: Literal["energy-swap household key"]
    version: Literal[1]
    public_key: str  # hex
    memory_kib: Annotated[int, msgspec.Meta(ge=19_456, le=1_048_576)]
    iterations: Annotated[int, msgspec.Meta(ge=2, le=32)]
    salt: bytes
    nonce: bytes
    sealed: bytes


def seal(key: HouseholdKey, passphrase: str, *, memory_kib: int = 65_536, iterations: int = 3) -> bytes:
    """Return the file that `unseal` opens with ``passphrase``: Argon2id and AES-256-GCM.

    Raises `ValueError` for a passphrase that is too short to protect money.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise ValueError(f"a passphrase for an exported key has at least {SHORTEST_PASSPHRASE} characters")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    sealing_key = _sealing_key(passphrase, salt, memory_kib, iterations)
    return msgspec.json.encode(
        _Bundle(
            kind="energy-swap household key",
            version=1,
            public_key=key.public_key.hex(),
            memory_kib=memory_kib,
            iterations=iterations,
            salt=salt,
            nonce=nonce,
            sealed=AESGCM(sealing_key).encrypt(nonce, key.seed, _BOUND_TEXT + key.public_key),
        )
    )


def unseal(bundle: bytes, passphrase: str) -> HouseholdKey:
    """Return the key in ``bundle``; raises `KeyLocked` when it is damaged or the passphrase is another."""
    try:
        kept = msgspec.json.decode(bundle, type=_Bundle)
        public_key = bytes.fromhex(kept.public_key)
        sealing_key = _sealing_key(passphrase, kept.salt, kept.memory_kib, kept.iterations)
        seed = AESGCM(sealing_key).decrypt(kept.nonce, kept.sealed, _BOUND_TEXT + public_key)
    except InvalidTag:
        raise KeyLocked("this passphrase does not open the exported key") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise KeyLocked(f"this is no exported key, or it is damaged: {error}") from None
    key = HouseholdKey(seed)
    if key.public_key != public_key:
        raise KeyLocked("the exported key is another than it says")
    return key


def export(key: HouseholdKey, path: Path, passphrase: str) -> None:
    """Write the key to ``path``, for the owner only; raises `FileExistsError` rather than replace a file."""
    if path.exists():
        raise FileExistsError(f"{path} is there already; name a new file")
    write_private(path, seal(key, passphrase))


def _sealing_key(passphrase: str, salt: bytes, memory_kib: int, iterations: int) -> bytes:
    derive = Argon2id(salt=salt, length=32, iterations=iterations, lanes=1, memory_cost=memory_kib)
    return derive.derive(passphrase.encode())
