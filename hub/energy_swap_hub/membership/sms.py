"""Sending an SMS: what a gateway is, and one that speaks HTTP as most of them do."""

import json
import re
from typing import Any, Final, Protocol

import aiohttp

from energy_swap_hub.config import SmsConfig

_PATIENCE: Final = aiohttp.ClientTimeout(total=20)


class SmsGateway(Protocol):
    """Sends text to a phone number like 254712345678."""

    async def send(self, phone: str, text: str) -> None:
        """Hand the message to whoever delivers it; raises `SmsNotSent`."""


class SmsNotSent(Exception):  # noqa: N818 - reads as what happened
    """The gateway did not take the message; the text holds no phone number."""


class HttpSms:
    """Posts each message to the operator's gateway, as a form or as JSON; the configuration says how."""

    def __init__(self, session: aiohttp.ClientSession, config: SmsConfig) -> None:
        self._session = session
        self._config = config

    async def send(self, phone: str, text: str) -> None:
        """Post ``text``; any answer below 300 means that it was taken."""
        config = self._config
        fields = {name: _filled(value, phone, text) for name, value in config.fields.items()}
        body: dict[str, Any] = {"data": fields}
        headers = dict(config.headers)
        if config.encoding == "json":
            body = {"data": json.dumps(fields).encode()}
            headers.setdefault("Content-Type", "application/json")
        try:
            async with self._session.post(
                config.url, headers=headers, timeout=_PATIENCE, allow_redirects=False, **body
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SmsNotSent(f"the SMS gateway cannot be reached: {type(error).__name__}") from None
        if status >= 300:
            raise SmsNotSent(f"the SMS gateway answered {status}")


class NoSms:
    """Stands in while no gateway is configured: nothing is sent, and the log says so."""

    async def send(self, phone: str, text: str) -> None:  # noqa: ARG002 - a gateway's
        """Send nothing."""
        raise SmsNotSent("no SMS gateway is configured (hub.json: phones.sms), so no phone can be paired")


def _filled(value: str, phone: str, text: str) -> str:
    # In one pass: a text that holds {phone} stays as it is.
    return re.sub("{phone}|{text}", lambda mark: phone if mark[0] == "{phone}" else text, value)
