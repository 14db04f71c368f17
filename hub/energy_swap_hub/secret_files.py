"""Secrets that the hub makes for itself: 32 random bytes in a file that only its owner may read."""

import os
import secrets
from pathlib import Path


def load_secret(path: Path) -> bytes:
    """Return the secret in ``path``, making it at first; raises `PermissionError` when others may read it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_suffix(".part")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path} can be read by others; run: chmod 600 {path}")
    return path.read_bytes()
