"""What can go wrong between Home Assistant and the edge."""

from collections.abc import Mapping
from typing import Any


class EdgeError(Exception):
    """Something between us and the edge went wrong."""


class CannotConnectError(EdgeError):
    """Nothing answers at the address, or the connection broke."""


class NotAnEdgeError(EdgeError):
    """Something answers at the address, but it is no Energy Swap edge."""


class UnsupportedVersionError(EdgeError):
    """The edge speaks another version of the local API."""

    def __init__(self, api_version: int, supported: int) -> None:
        super().__init__(f"the edge speaks version {api_version} of the local API, this integration {supported}")
        self.api_version = api_version


class WrongCodeError(EdgeError):
    """The edge does not know this pairing code."""


class TooManyAttemptsError(EdgeError):
    """The edge takes no more pairing codes for a few minutes."""


class TokenRefusedError(EdgeError):
    """The edge no longer knows our token; it has to be paired again."""


class NotKeptError(EdgeError):
    """The edge, probably an older one, keeps no such record."""


class CommandRefusedError(EdgeError):
    """The edge or the hub said no to a command or a question, and why.

    ``message`` says it in English; ``key`` and ``numbers``, where there are any, more exactly than ``code``.
    """

    def __init__(self, code: str, message: str, key: str = "", numbers: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.key = key
        self.numbers = numbers or {}


class AnswerLostError(EdgeError):
    """No answer to a command came: it may or may not have been carried out."""
