"""The command ``energy-swap-edge``: one household's edge, from the environment or an app's options."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from . import key_command
from .config import ConfigError, EdgeConfig, config_from, options_of_environment
from .edge import Edge
from .forecast.threads import keep_to_one_thread
from .keys import KeyLocked, keep_passphrase, kept_passphrase
from .supervisor import announce, mqtt_service, set_options

_LOGGER = logging.getLogger(__name__)
APP_OPTIONS: Final = Path("/data/options.json")
_INGRESS: Final = ("172.30.32.2",)  # who speaks for Home Assistant's users within the Supervisor's network
_INGRESS_PORT: Final = 8099
_TRIES: Final = 20
_TRY_AGAIN_SECONDS: Final = 15.0
_SYSTEM_DATA_DIR: Final = Path("/var/lib/energy-swap-edge")


async def configuration(environment: Mapping[str, str], app_options: Path) -> EdgeConfig:
    """Return the configuration: variables go before the app's options. Raises `ConfigError`."""
    options = await asyncio.to_thread(_read_options, app_options)
    given = _given(options, environment, app_options.parent)
    mqtt = None
    token = environment.get("SUPERVISOR_TOKEN")
    if not given.get("mqtt_host") and token:
        mqtt = await mqtt_service(token)
    config = config_from(given, data_dir=_SYSTEM_DATA_DIR if options is None else app_options.parent, mqtt=mqtt)
    if token:
        return replace(config, status_host="0.0.0.0", status_port=_INGRESS_PORT, status_peers=_INGRESS)
    return config


async def put_passphrase_away(
    token: str, app_options: Path, tell: Callable[[str, Mapping[str, Any]], Awaitable[bool]] = set_options
) -> None:
    """Take the passphrase, which has opened the key, out of the app's options: the Supervisor backs those up."""
    options = await asyncio.to_thread(_read_options, app_options) or {}
    if not (passphrase := options.pop("passphrase", None)):
        return
    await asyncio.to_thread(keep_passphrase, app_options.parent, str(passphrase))
    if await tell(token, options):
        _LOGGER.info("the passphrase is kept by the app and no longer among its options, so no backup has it")
    else:
        _LOGGER.warning("the passphrase is still among the app's options and in its backups: delete it there")


def _given(options: Mapping[str, Any] | None, environment: Mapping[str, str], app_data: Path) -> dict[str, Any]:
    """Return all that was given: the app's options, the passphrase that it keeps, and variables before both."""
    given = {**(options or {}), **options_of_environment(environment)}
    if options is not None and not given.get("passphrase"):
        given["passphrase"] = kept_passphrase(app_data)
    return given


def _read_options(path: Path) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is not understood: {error}") from None


async def _serve(config: EdgeConfig) -> None:
    edge = Edge(config, lambda: datetime.now(UTC))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with edge:
        token = os.environ.get("SUPERVISOR_TOKEN")
        if token:
            await put_passphrase_away(token, APP_OPTIONS)
        introducing = asyncio.create_task(_introduce(edge, token)) if token else None
        ends = [asyncio.ensure_future(edge.wait()), asyncio.ensure_future(stopped.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in (*ends, introducing):
            if end is not None:
                end.cancel()


async def _introduce(edge: Edge, token: str) -> None:
    """Tell Home Assistant of this edge, until the Supervisor takes it: it may still be starting."""
    for _ in range(_TRIES):
        if await edge.introduce(lambda config: announce(token, config), socket.gethostname()):
            _LOGGER.info("Home Assistant has been told where this edge is")
            return
        await asyncio.sleep(_TRY_AGAIN_SECONDS)
    _LOGGER.warning("Home Assistant could not be told of this edge; add the integration by hand")


def _key_command(arguments: Sequence[str]) -> int:
    app_options = _read_options(APP_OPTIONS)
    options = _given(app_options, os.environ, APP_OPTIONS.parent)
    data_dir = _SYSTEM_DATA_DIR if app_options is None else APP_OPTIONS.parent
    return key_command.run(arguments, options=options, data_dir=data_dir)


def main() -> None:
    """Run until SIGTERM or SIGINT; with ``key`` as the first argument, the command of `key_command`."""
    if sys.argv[1:2] == ["key"]:
        sys.exit(_key_command(sys.argv[2:]))
    keep_to_one_thread(os.environ)
    logging.basicConfig(
        level=os.environ.get("ENERGY_SWAP_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stdout,
    )
    try:
        config = asyncio.run(configuration(os.environ, APP_OPTIONS))
        asyncio.run(_serve(config))
    except (ConfigError, KeyLocked) as error:
        _LOGGER.critical("%s", error)
        sys.exit(2)
    except Exception:
        _LOGGER.exception("the edge failed")
        sys.exit(1)


if __name__ == "__main__":
    main()
