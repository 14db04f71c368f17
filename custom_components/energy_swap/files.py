"""Write what an action answers to a file, where Home Assistant may."""

from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .const import DOMAIN


def allowed_path(hass: HomeAssistant, file: str) -> Path:
    """Return where ``file`` is, below the configuration folder; raises ServiceValidationError if not allowed."""
    path = Path(hass.config.path(file))
    if not hass.config.is_allowed_path(str(path)):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="path_not_allowed", translation_placeholders={"file": file}
        )
    return path


async def async_write(hass: HomeAssistant, path: Path, content: bytes) -> None:
    """Write a file; raises HomeAssistantError."""
    try:
        await hass.async_add_executor_job(path.write_bytes, content)
    except OSError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="not_written",
            translation_placeholders={"file": path.name, "reason": err.strerror or str(err)},
        ) from err
