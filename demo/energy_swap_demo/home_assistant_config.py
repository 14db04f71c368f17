"""The files of a Home Assistant that needs no internet: what is written before its first start."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# What default_config brings, without what needs radios, raw sockets, ffmpeg or the cloud.
CONFIGURATION = """\
homeassistant:
  name: {name}
  latitude: -1.2864
  longitude: 36.8172
  elevation: 1795
  country: KE
  currency: KES
  unit_system: metric
  time_zone: Africa/Nairobi
frontend:
config:
history:
logbook:
energy:
my:
person:
mobile_app:
automation: !include automations.yaml
script: !include scripts.yaml
scene: !include scenes.yaml
logger:
  default: warning
  logs:
    custom_components.energy_swap: info
"""

EMPTY_INCLUDES = {"automations.yaml": "[]\n", "scripts.yaml": "{}\n", "scenes.yaml": "[]\n"}


def write_configuration(
    directory: Path, *, name: str, host: str, port: int, integrations: Sequence[Path], extra: str = ""
) -> None:
    """Make ``directory`` a configuration of Home Assistant that listens on ``host:port`` and has our integration.

    What a person changed since the last time (automations, users, dashboards) is left alone; the port is not.
    """
    storage = directory / ".storage"
    storage.mkdir(parents=True, exist_ok=True)
    (directory / "configuration.yaml").write_text(CONFIGURATION.format(name=json.dumps(name)) + extra)
    for file, text in EMPTY_INCLUDES.items():
        if not (directory / file).exists():
            (directory / file).write_text(text)
    # As YAML, a port is only a five-minute trial until an admin confirms it; as the confirmed setting it stays.
    _store(storage, "http", 2, 2, {"stable": _listener(host, port), "pending": None, "yaml_migration_done": True})
    # Only the first user is left to onboard: the other steps set up weather and radio, which want the internet.
    if not (storage / "onboarding").exists():
        _store(storage, "onboarding", 4, 1, {"done": ["core_config", "analytics", "integration"]})
    (directory / "custom_components").mkdir(exist_ok=True)
    for integration in integrations:
        link = directory / "custom_components" / integration.name
        link.unlink(missing_ok=True)
        link.symlink_to(integration.resolve())


def _listener(host: str, port: int) -> dict[str, Any]:
    return {
        "server_port": port,
        "server_host": [host],
        "cors_allowed_origins": [],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": False,
        "ssl_profile": "modern",
        "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00",
        "error": None,
        "error_message": None,
    }


def _store(storage: Path, key: str, version: int, minor: int, data: Mapping[str, Any]) -> None:
    document = {"version": version, "minor_version": minor, "key": key, "data": data}
    (storage / key).write_text(json.dumps(document, indent=2))
