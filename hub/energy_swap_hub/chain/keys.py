"""The chain keys on the hub's disk, and who co-signs with the hub.

Pilot custody: the first form keeps the two verifier keys beside the hub's, in files of the same folder, so that a
village can start on one machine. That is one machine to steal, not two: the 2-of-3 protects only once a verifier
runs elsewhere. `CoSigner` is where that verifier process will stand; nothing else in the hub knows a verifier's
secret. The community's approver keys are never on the hub; it is told their public halves only.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from energy_swap_hub.data_folder import write_secret

from .payload import Payload

_HUB: Final = "hub.json"
_VERIFIERS: Final = ("verifier-a.json", "verifier-b.json")


class KeyFileError(RuntimeError):
    """A key file cannot be used as it is; the text says which and what to do."""


class CoSignRefusedError(Exception):
    """A verifier does not sign this; the text says why."""


class CoSignerUnavailableError(Exception):
    """A verifier cannot be asked now; the other one may be."""


@dataclass(frozen=True, slots=True)
class CoSignRequest:
    """What a verifier is asked to sign, with the intent it stands for so that it can check it itself."""

    community: str
    intent: str
    payload: Payload
    message: bytes


class CoSigner(Protocol):
    """One of the two verifiers of the 2-of-3 {hub, A, B}."""

    @property
    def key(self) -> Pubkey:
        """The verifier's public key."""
        ...

    async def co_sign(self, request: CoSignRequest) -> Signature:
        """Return the signature, or raise `CoSignRefusedError` or `CoSignerUnavailableError`."""
        ...


class LocalCoSigner:
    """A verifier whose key is on this machine: pilot custody, it signs whatever the hub asks."""

    def __init__(self, keypair: Keypair) -> None:
        self._keypair = keypair

    @property
    def key(self) -> Pubkey:
        """The verifier's public key."""
        return self._keypair.pubkey()

    async def co_sign(self, request: CoSignRequest) -> Signature:
        """Sign without a check."""
        return self._keypair.sign_message(request.message)


@dataclass(frozen=True, slots=True)
class HubKeys:
    """The hub's own key and the two that co-sign with it."""

    hub: Keypair
    co_signers: Sequence[CoSigner]


def load_keys(folder: Path) -> HubKeys:
    """Return the keys kept in ``folder``, making those that are not there yet (readable by the owner only).

    Raises `KeyFileError` for a file that others may read or that is no Solana key file.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    verifiers = [LocalCoSigner(_load_or_make(folder / name)) for name in _VERIFIERS]
    return HubKeys(_load_or_make(folder / _HUB), verifiers)


def _load_or_make(path: Path) -> Keypair:
    if not path.exists():
        # A whole file appears or none: a hub killed here must not come back with half a key.
        write_secret(path, json.dumps(list(bytes(Keypair()))).encode())
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path} can be read by others; run: chmod 600 {path}")
    try:
        return Keypair.from_json(path.read_text())
    except ValueError as error:
        raise KeyFileError(f"{path} is not a Solana key file ({error}); restore it from the backup") from None
