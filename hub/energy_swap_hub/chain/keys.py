"""The chain keys on the hub's disk, and who co-signs with the hub.

With verifiers configured the hub holds its own key only and asks them over the network (`verifier.py`). Without,
it keeps two verifier keys beside its own, in files of the same folder ("pilot custody"), so that development needs
one process. That is one machine to steal, not two: the 2-of-3 protects only once a verifier runs elsewhere. The
community's approver keys are never on the hub; it is told their public halves only.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from energy_swap_hub.data_folder import write_secret

from .payload import Payload

_HUB: Final = "hub.json"
_NEXT_HUB: Final = "hub-next.json"
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
    signature: Signature  # the hub's own, which names the transaction
    hub: Keypair  # who asks


@dataclass(frozen=True, slots=True)
class CoSigned:
    """A verifier's signature over ``message``.

    That is the one it was asked for, or an earlier one of the same intent: a verifier signs no second transaction
    while the first may still land, since both could.
    """

    message: bytes
    signature: Signature


class CoSigner(Protocol):
    """One of the two verifiers of the 2-of-3 {hub, A, B}."""

    @property
    def key(self) -> Pubkey:
        """The verifier's public key."""
        ...

    async def co_sign(self, request: CoSignRequest) -> CoSigned:
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

    async def co_sign(self, request: CoSignRequest) -> CoSigned:
        """Sign without a check."""
        return CoSigned(request.message, self._keypair.sign_message(request.message))


class ReserveCoSigner:
    """A verifier key that is kept off line: it is a member of the 2-of-3, and nobody asks it."""

    def __init__(self, key: Pubkey) -> None:
        self._key = key

    @property
    def key(self) -> Pubkey:
        """The verifier's public key."""
        return self._key

    async def co_sign(self, request: CoSignRequest) -> CoSigned:
        """Raise `CoSignerUnavailableError`: signing takes the people who hold the key."""
        raise CoSignerUnavailableError(f"{self._key} is kept in reserve, {request.intent} waits for the other")


@dataclass(frozen=True, slots=True)
class HubKeys:
    """The hub's own key, the two that shall co-sign with it, and those of before while minting goes to them.

    ``next_hub`` is the key that shall take the place of the hub's own. Where that is lost, it is ``hub`` as well.
    """

    hub: Keypair
    co_signers: Sequence[CoSigner]
    retiring: Sequence[CoSigner] = ()
    next_hub: Keypair | None = None

    def keypair(self, key: Pubkey) -> Keypair | None:
        """Return the pair of a hub's public ``key``; None when it is not here."""
        pairs = (self.hub, self.next_hub)
        return next((pair for pair in pairs if pair is not None and pair.pubkey() == key), None)

    @property
    def next_hub_key(self) -> Pubkey | None:
        """The public half of the key that shall take the place of the hub's own."""
        return None if self.next_hub is None else self.next_hub.pubkey()

    @property
    def is_hub_lost(self) -> bool:
        """Whether there is only a next key."""
        return self.next_hub_key == self.hub.pubkey()

    def of(self, verifiers: Collection[Pubkey]) -> list[CoSigner]:
        """Return who can be asked to sign for a 2-of-3 with these ``verifiers``."""
        return [one for one in (*self.co_signers, *self.retiring) if one.key in verifiers]

    def is_pilot_custody(self, verifiers: Collection[Pubkey]) -> bool:
        """Whether a key of these ``verifiers`` lies on this machine, so that whoever takes it can mint."""
        return any(isinstance(co_signer, LocalCoSigner) for co_signer in self.of(verifiers))


def load_keys(folder: Path) -> HubKeys:
    """Return the keys of pilot custody kept in ``folder``, making those that are not there yet.

    Files are readable by the owner only. Raises `KeyFileError` for one that others may read or that is no Solana
    key file.
    """
    verifiers = [LocalCoSigner(_load_or_make(folder / name)) for name in _VERIFIERS]
    return HubKeys(load_hub_key(folder), verifiers, next_hub=next_hub_key(folder))


def pilot_co_signers(folder: Path) -> list[CoSigner]:
    """Return the verifiers of a pilot's custody whose keys still lie in ``folder``."""
    paths = [folder / name for name in _VERIFIERS]
    return [LocalCoSigner(_load_or_make(path)) for path in paths if path.exists()]


def load_hub_key(folder: Path, verifiers: Sequence[Pubkey] = ()) -> Keypair:
    """Return the hub's own key in ``folder``, making it if it is not there yet; the next one when that is all.

    Raises `KeyFileError` also when the key of one of ``verifiers`` lies in the same folder: then a thief of this
    machine could mint, and the configuration says that he cannot.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (folder / name for name in _VERIFIERS):
        if verifiers and path.exists() and _load_or_make(path).pubkey() in verifiers:
            raise KeyFileError(f"{path} is the key of a configured verifier; move it to the verifier's machine")
    following = next_hub_key(folder)
    if following is not None and not (folder / _HUB).exists():
        return following
    return _load_or_make(folder / _HUB)


def next_hub_key(folder: Path) -> Keypair | None:
    """Return the key that shall take the place of the hub's own, None when there is none in ``folder``."""
    path = folder / _NEXT_HUB
    return _load_or_make(path) if path.exists() else None


def make_next_hub_key(folder: Path) -> Pubkey:
    """Make the key that shall take the place of the hub's own, or find it; return its public half."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _load_or_make(folder / _NEXT_HUB).pubkey()


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
