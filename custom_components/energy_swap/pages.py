"""Serves the cards, page and dashboard strategy that are built into the integration, so that nobody installs them.

Whatever lies in ``frontend/`` is served; the script ``energy-swap.js`` there, once built, is loaded by every page.
"""

import asyncio
from pathlib import Path
from typing import Final

from homeassistant.components.frontend import add_extra_js_url, async_panel_exists, async_remove_panel
from homeassistant.components.http.server import StaticPathConfig
from homeassistant.components.panel_custom import async_register_panel
from homeassistant.core import HomeAssistant, callback
from homeassistant.loader import async_get_integration

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "frontend"
SCRIPT: Final = "energy-swap.js"
URL: Final = f"/{DOMAIN}_frontend"
PANEL: Final = "energy-swap-household"  # not that of a dashboard which somebody may have made


async def async_register_frontend(hass: HomeAssistant, folder: Path = FOLDER) -> None:
    """Serve what was built, and have every page load the cards."""
    if not await asyncio.to_thread((folder / SCRIPT).is_file):
        return
    await hass.http.async_register_static_paths([StaticPathConfig(URL, str(folder), cache_headers=True)])
    add_extra_js_url(hass, await _script_url(hass))


async def async_show_page(hass: HomeAssistant, folder: Path = FOLDER) -> None:
    """Put the page into the sidebar, unless it is there already."""
    if async_panel_exists(hass, PANEL) or not await asyncio.to_thread((folder / SCRIPT).is_file):
        return
    await async_register_panel(
        hass,
        frontend_url_path=PANEL,
        webcomponent_name="energy-swap-panel",
        sidebar_title="Energy Swap",
        sidebar_icon="mdi:home-lightning-bolt",
        module_url=await _script_url(hass),
    )


@callback
def async_hide_page(hass: HomeAssistant) -> None:
    """Take the page away: there is no household any more."""
    async_remove_panel(hass, PANEL, warn_if_unknown=False)


async def _script_url(hass: HomeAssistant) -> str:
    """Return the script's address; the version in it makes browsers take a new one after an update."""
    return f"{URL}/{SCRIPT}?v={(await async_get_integration(hass, DOMAIN)).version}"
