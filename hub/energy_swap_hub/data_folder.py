"""The hub's data folder: one hub at a time, its owner's only, with the secrets the hub makes for itself."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DataFolderError(RuntimeError):
    """The data folder cannot be used as it is; the text says what to do."""


@contextmanager
def locked_data_folder(path: Path) -> Iterator[None]:
    """Make the folder if it is missing and keep other hubs out of it; raises `DataFolderError`."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataFolderError(f"another hub runs on {path}; stop it first") from None
        yield
    finally:
        os.close(descriptor)


def load_secret(path: Path, *, may_make: bool) -> bytes:
    """Return the 32 bytes in ``path``; where it is missing and ``may_make``, make it.

    Raises `DataFolderError` when others may read it, or when it is missing although there is data that needs it.
    """
    if not path.exists():
        if not may_make:
            raise DataFolderError(f"{path} is missing, and stored data needs it; restore it from the backup")
        write_secret(path, secrets.token_bytes(32))
    if path.stat().st_mode & 0o077:
        raise DataFolderError(f"{path} can be read by others; run: chmod 600 {path}")
    return path.read_bytes()


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read: durable, and whole or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".part")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    # The name is on disk only once the folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
