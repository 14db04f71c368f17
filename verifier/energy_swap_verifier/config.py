"""What the holder of a verifier's or an approver's key sets: one JSON file, read once at start."""

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from solders.keypair import Keypair
from solders.pubkey import Pubkey


class ConfigError(RuntimeError):
    """The verifier cannot start like this; the text says what to do."""


class VerifierConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the verifier believes about what: agreed among people, not told by the hub.

    ``hub`` is the hub's public key (base58), ``approvers`` those whose thaws admit, ``chain_url`` a node of the
    verifier's own choice. Where the community sells its surplus to the utility, not all net export is minted:
    ``sells_to_utility`` says so, and then a mint may be smaller than its evidence. ``hubs_before`` are the hub's
    earlier keys, the founding one first: the token's address follows from it. ``trust_program`` (base58) belongs
    to a community that was founded with the trust mode.
    """

    data: Path
    community: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{2,32}$")]
    hub: str
    approvers: tuple[str, ...]
    approvals_needed: Annotated[int, msgspec.Meta(ge=1, le=11)]
    chain_url: str
    period_minutes: Literal[15, 30, 60] = 30
    sells_to_utility: bool = False
    hubs_before: tuple[str, ...] = ()
    trust_program: str | None = None
    host: str = "127.0.0.1"
    port: int = 8425

    def __post_init__(self) -> None:
        keys = {"hub": (self.hub,), "hubs_before": self.hubs_before, "approvers": self.approvers}
        keys |= {"trust_program": (self.trust_program,)} if self.trust_program is not None else {}
        for name, key in ((name, key) for name, some in keys.items() for key in some):
            try:
                Pubkey.from_string(key)
            except ValueError:
                raise ValueError(f"{name}: {key!r} is not a base58 public key of 32 bytes") from None

    @property
    def hubs(self) -> tuple[Pubkey, ...]:
        """All keys of the hub, the founding one first and that of now last."""
        return tuple(map(Pubkey.from_string, (*self.hubs_before, self.hub)))

    @property
    def program(self) -> Pubkey | None:
        """The program of the trust mode, where the community was founded with it."""
        return None if self.trust_program is None else Pubkey.from_string(self.trust_program)


class ApproverConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an approver's device knows, agreed among people at the founding: whose hub, and which token.

    ``hub`` is the hub's public key and ``mint`` the token (base58). ``chain_url`` is a node of the approver's own
    choice; without one only admissions can be signed, since only the chain says whose an account is.
    ``trust_program`` (base58) belongs to a community that was founded with the trust mode.
    """

    data: Path
    community: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{2,32}$")]
    hub_url: str
    hub: str
    mint: str
    chain_url: str | None = None
    trust_program: str | None = None

    def __post_init__(self) -> None:
        for name, key in (("hub", self.hub), ("mint", self.mint), ("trust_program", self.trust_program)):
            if key is None:
                continue
            try:
                Pubkey.from_string(key)
            except ValueError:
                raise ValueError(f"{name}: {key!r} is not a base58 public key of 32 bytes") from None


def load_config[T: (VerifierConfig, ApproverConfig)](path: Path, kind: type[T]) -> T:
    """Read the file at ``path``; raises `ConfigError` naming what is wrong."""

    def hook(wanted: type, value: object) -> Path:
        if wanted is Path and isinstance(value, str):
            return Path(value)
        raise ValueError(f"expected a path, got {value!r}")

    try:
        return msgspec.json.decode(path.read_bytes(), type=kind, dec_hook=hook)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None


def load_key(folder: Path, name: str = "verifier.json") -> Keypair:
    """Return the key in the file ``name`` of ``folder``, made there the first time, readable by its owner only."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_suffix(".part")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(json.dumps(list(bytes(Keypair()))))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path} can be read by others; run: chmod 600 {path}")
    try:
        return Keypair.from_json(path.read_text())
    except ValueError as error:
        raise ConfigError(f"{path} is not a Solana key file ({error}); restore it from the backup") from None
