"""Where the demo keeps its things, on which ports it listens, and its throw-away secrets: made once, kept."""

import os
import secrets
from pathlib import Path
from typing import Final, Self

import msgspec

from .broker import free_ports

COMMUNITY: Final = "jua-mtaani"


class Ports(msgspec.Struct, frozen=True):
    """One port per server, all on 127.0.0.1."""

    hub: int
    localnet: int
    daraja: int
    broker: int
    home_assistant: int
    verifier: int
    edges: tuple[int, ...]

    @classmethod
    def fixed(cls, edges: int) -> Self:
        """The ports of the living demo: the same every time, so that addresses can be remembered."""
        return cls(8420, 8421, 8422, 8423, 8424, 8425, tuple(8481 + n for n in range(edges)))

    @classmethod
    def free(cls, edges: int) -> Self:
        """Ports that nobody uses now."""
        hub, localnet, daraja, broker, home_assistant, verifier, *rest = free_ports(6 + edges)
        return cls(hub, localnet, daraja, broker, home_assistant, verifier, tuple(rest))


class Secrets(msgspec.Struct, frozen=True):
    """Passwords of the console's two users; worth nothing outside this demo."""

    admin: str
    auditor: str


class Settings(msgspec.Struct, frozen=True):
    """What a demo folder was made with."""

    ports: Ports
    secrets: Secrets


class Folder:
    """A demo's folder: everything it has, so that deleting it is forgetting it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "logs"
        self.clock = self.path / "clock"
        self.hub_config = self.path / "hub.json"
        self.hub = self.path / "hub"
        self.localnet = self.path / "localnet.sqlite"
        self.verifier = self.path / "verifier"
        self.verifier_config = self.path / "verifier.json"
        self.reserve = self.path / "verifier-in-reserve"
        self.daraja = self.path / "daraja.sqlite"
        self.certificate = self.path / "daraja.pem"
        self.meters = self.path / "meters"
        self.approvers = self.path / "approvers"
        self.edges = self.path / "edges"
        self.edges_config = self.path / "edges.json"
        self.pairing = self.path / "pairing.json"
        self.clients = self.path / "clients.json"
        self.diary = self.path / "diary.json"
        self.home_assistant = self.path / "home-assistant"
        self._settings = self.path / "settings.json"

    @property
    def is_new(self) -> bool:
        """Whether no demo ran here before."""
        return not self._settings.exists()

    def settings(self, *, edges: int, is_fixed: bool) -> Settings:
        """Return the folder's settings, making them for a new one."""
        if self.is_new:
            ports = Ports.fixed(edges) if is_fixed else Ports.free(edges)
            passwords = Secrets(secrets.token_urlsafe(9), secrets.token_urlsafe(9))
            self.path.mkdir(parents=True, exist_ok=True)
            write_private(self._settings, to_json(Settings(ports, passwords)))
        return from_json(self._settings.read_bytes(), Settings)


def to_json(value: object) -> bytes:
    """Return ``value`` as JSON; paths become text."""
    return msgspec.json.encode(value, enc_hook=str)


def from_json[T](data: bytes, kind: type[T]) -> T:
    """Return what `to_json` wrote."""
    return msgspec.json.decode(data, type=kind, dec_hook=lambda wanted, text: wanted(text))


def write_private(path: Path, data: bytes) -> None:
    """Write ``data`` whole or not at all, readable by the owner only."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(data)
    partial.replace(path)
