"""The household's Ed25519 key: made at first start, kept encrypted, used to sign for the household.

What the encryption protects. With a passphrase: a copy of the data directory (a stolen card, a leaked backup) does
not give the key away, as far as the passphrase is hard to guess. Without one, the key is encrypted under a random
secret in the file ``household.secret`` (mode 0600): that protects a copy which leaves that file out, as the app's
backups do, and nothing more; whoever reads the whole directory has the key. In both cases whoever controls the
running process has the key.
"""

import base64
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from nacl.signing import SigningKey
from solders.pubkey import Pubkey

KEY_FILE: Final = "household.key"
SECRET_FILE: Final = "household.secret"  # noqa: S105 - a file name
PASSPHRASE_FILE: Final = "household.passphrase"  # noqa: S105 - a file name; of the app, see `keep_passphrase`
_SECRET_BYTES: Final = 32
_BOUND_TEXT: Final = b"energy-swap/household-key/1"


class KeyLocked(RuntimeError):  # noqa: N818 - reads as the answer it is
    """The household's key is there but cannot be opened; the text says what to do."""


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key at rest; the fields of bytes are base64."""

    version: int  # 2; 1 had scrypt where there is Argon2id now
    protection: str  # "passphrase" or "secret_file"
    public_key: str  # hex
    salt: bytes
    nonce: bytes
    sealed: bytes


class HouseholdKey:
    """The household's key in use. It never leaves the process unencrypted."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self.signing_key: Final = SigningKey(seed)

    def __repr__(self) -> str:
        return f"HouseholdKey({self.public_key.hex()})"

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes, for signing Solana transactions."""
        return self._seed

    @property
    def public_key(self) -> bytes:
        """The 32 public bytes."""
        return bytes(self.signing_key.verify_key)

    @property
    def wallet(self) -> Pubkey:
        """The household's Solana address: the same key."""
        return Pubkey.from_bytes(self.public_key)

    @property
    def edge_id(self) -> str:
        """Sixteen hex digits that name this edge to Home Assistant for as long as it keeps its key."""
        return hashlib.sha256(b"energy-swap/edge/1\n" + self.public_key).hexdigest()[:16]


def load_or_create_key(data_dir: Path, passphrase: str | None) -> HouseholdKey:
    """Return the household's key from ``data_dir``, making one when there is none.

    Raises `KeyLocked` when the passphrase or the secret file does not open the key that is there. A lost key is
    never replaced silently: a new key is a new household to the hub.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / KEY_FILE
    if path.exists():
        return _load(path, passphrase)
    seed = bytes(SigningKey.generate())
    key = HouseholdKey(seed)
    keep_key(data_dir, key, passphrase)
    return key


def keep_key(data_dir: Path, key: HouseholdKey, passphrase: str | None) -> None:
    """Write the key to ``data_dir``, encrypted; raises `KeyLocked` when a key is there already."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / KEY_FILE
    if path.exists():
        raise KeyLocked(f"{path} is there already and is not replaced; move it away first, with {SECRET_FILE}")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    if passphrase is None:
        write_private(data_dir / SECRET_FILE, base64.b64encode(secrets.token_bytes(_SECRET_BYTES)))
    sealing_key = _sealing_key(path, passphrase, salt, version=2)
    kept = _KeyFile(
        version=2,
        protection="secret_file" if passphrase is None else "passphrase",
        public_key=key.public_key.hex(),
        salt=salt,
        nonce=nonce,
        sealed=AESGCM(sealing_key).encrypt(nonce, key.seed, _BOUND_TEXT + key.public_key),
    )
    write_private(path, msgspec.json.encode(kept))


def kept_passphrase(data_dir: Path) -> str | None:
    """Return the passphrase that `keep_passphrase` put away, None where there is none."""
    try:
        return (data_dir / PASSPHRASE_FILE).read_text()
    except FileNotFoundError:
        return None


def keep_passphrase(data_dir: Path, passphrase: str) -> None:
    """Put the app's passphrase beside the key, in a file that its backups leave out.

    Where it is an option of the app, each backup has it, and so the key with what opens it.
    """
    write_private(data_dir / PASSPHRASE_FILE, passphrase.encode())


def _load(path: Path, passphrase: str | None) -> HouseholdKey:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
    except msgspec.DecodeError as error:
        raise KeyLocked(f"{path} is damaged ({error}); restore it from a backup") from None
    if kept.version > 2:
        raise KeyLocked(f"{path} was written by a newer Energy Swap; install that version or newer")
    if kept.protection == "passphrase" and passphrase is None:
        raise KeyLocked(f"{path} is protected by a passphrase; set the option passphrase")
    if kept.protection == "secret_file":
        passphrase = None
    public_key = bytes.fromhex(kept.public_key)
    try:
        seed = AESGCM(_sealing_key(path, passphrase, kept.salt, version=kept.version)).decrypt(
            kept.nonce, kept.sealed, _BOUND_TEXT + public_key
        )
    except InvalidTag:
        what = "passphrase" if passphrase is not None else f"file {SECRET_FILE}"
        raise KeyLocked(
            f"the {what} does not open {path}; restore the right one. Only if it is lost for good, move {path} "
            "away: the edge then becomes a new household, which must apply again"
        ) from None
    key = HouseholdKey(seed)
    if key.public_key != public_key:
        raise KeyLocked(f"{path} holds another key than it says; restore it from a backup")
    return key


def _sealing_key(path: Path, passphrase: str | None, salt: bytes, *, version: int) -> bytes:
    if passphrase is not None and version > 1:
        argon2 = Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=65_536)
        return argon2.derive(passphrase.encode())
    if passphrase is not None:  # as the first edges did
        return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
    secret_path = path.with_name(SECRET_FILE)
    try:
        secret = base64.b64decode(secret_path.read_bytes(), validate=True)
    except FileNotFoundError, ValueError:
        raise KeyLocked(
            f"{secret_path} is missing or damaged, without it {path} cannot be opened; restore it. Only if it is "
            f"lost for good, move {path} away: the edge then becomes a new household, which must apply again"
        ) from None
    # The secret is already uniform; hashing it with the salt only separates uses.
    return hashlib.sha256(b"energy-swap/sealing-key/1\n" + salt + secret).digest()


def write_private(path: Path, content: bytes) -> None:
    """Write durably, readable by the owner only, and never leave half a file under ``path``."""
    unfinished = path.with_suffix(path.suffix + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
