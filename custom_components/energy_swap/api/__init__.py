"""A small client of the edge's local API: who it is, pairing, a WebSocket, and its records."""

from .connection import EdgeConnection, EdgeEvent, connect
from .edge import API_VERSION, EdgeAddress, EdgeInfo, pair, read_info
from .errors import (
    AnswerLostError,
    CannotConnectError,
    CommandRefusedError,
    EdgeError,
    NotAnEdgeError,
    NotKeptError,
    TokenRefusedError,
    TooManyAttemptsError,
    UnsupportedVersionError,
    WrongCodeError,
)
from .records import EdgeRecords

__all__ = [
    "API_VERSION",
    "AnswerLostError",
    "CannotConnectError",
    "CommandRefusedError",
    "EdgeAddress",
    "EdgeConnection",
    "EdgeError",
    "EdgeEvent",
    "EdgeInfo",
    "EdgeRecords",
    "NotAnEdgeError",
    "NotKeptError",
    "TokenRefusedError",
    "TooManyAttemptsError",
    "UnsupportedVersionError",
    "WrongCodeError",
    "connect",
    "pair",
    "read_info",
]
