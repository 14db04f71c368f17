"""Keys of the demo's devices: made once, kept in the demo's folder, readable by nobody else."""

import os
from collections.abc import Callable
from pathlib import Path

from nacl.signing import SigningKey


def keep_key(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> SigningKey:
    """Return the Ed25519 key whose 32-byte seed is in ``path`` as hex; the first call makes it, with mode 0600.

    Raises `ValueError` when the file holds no seed.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".new")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(random_bytes(32).hex())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)  # whole or not at all: a device must never wake up with half a key
    seed = bytes.fromhex(path.read_text().strip())
    if len(seed) != 32:
        raise ValueError(f"{path} does not hold a 32-byte seed")
    return SigningKey(seed)
