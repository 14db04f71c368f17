"""Serves the cards, page and dashboard strategy that are built into the integration, so that nobody installs them.

Whatever lies in ``frontend/`` is served; the script ``energy-swap.js`` there, once built, is loaded by every page.
"""

import asyncio
from pathlib import Path
from typing import Final

from homeassistant.components.frontend import add_extra_js_url
from homeassistant.components.http.server import StaticPathConfig
from homeassistant.components.panel_custom import async_register_panel
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "frontend"
SCRIPT: Final = "energy-swap.js"
URL: Final = f"/{DOMAIN}_frontend"
PANEL: Final = "energy-swap-household"  # not that of a dashboard which somebody may have made


async def async_register_frontend(hass: HomeAssistant, folder: Path = FOLDER) -> None:
    """Serve what was built. The version in the script's address makes browsers take a new one after an update."""
    if not await asyncio.to_thread((folder / SCRIPT).is_file):
        return
    version = (await async_get_integration(hass, DOMAIN)).version
    await hass.http.async_register_static_paths([StaticPathConfig(URL, str(folder), cache_headers=True)])
    script = f"{URL}/{SCRIPT}?v={version}"
    add_extra_js_url(hass, script)
    await async_register_panel(
        hass,
        frontend_url_path=PANEL,
        webcomponent_name="energy-swap-panel",
        sidebar_title="Energy Swap",
        sidebar_icon="mdi:home-lightning-bolt",
        module_url=script,
    )
