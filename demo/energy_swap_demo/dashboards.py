"""Dashboards that a person would make in Home Assistant by hand."""

from typing import Any

from .home_assistant import HomeAssistant


async def make_dashboard(home: HomeAssistant) -> str:
    """Add a dashboard that the integration's strategy makes, once; return its URL."""
    return await _make(home, "energy-swap-cards", "Households", {"strategy": {"type": "custom:energy-swap"}})


async def make_card_dashboard(home: HomeAssistant, card: str) -> str:
    """Add a dashboard with one of our cards, once; return its URL."""
    view = {"title": "Home", "cards": [{"type": f"custom:energy-swap-{card}-card"}]}
    return await _make(home, f"my-{card}", "My cards", {"views": [view]})


async def _make(home: HomeAssistant, url_path: str, title: str, config: dict[str, Any]) -> str:
    dashboards = await home.command("lovelace/dashboards/list")
    if not any(dashboard["url_path"] == url_path for dashboard in dashboards):
        await home.command(
            "lovelace/dashboards/create", url_path=url_path, title=title, icon="mdi:cards", mode="storage"
        )
        await home.command("lovelace/config/save", url_path=url_path, config=config)
    return f"{home.url}/{url_path}"


async def make_energy_dashboard(home: HomeAssistant, entry_id: str) -> str:
    """Have the Energy dashboard tell neighbours from the utility, as the documentation says; return its URL."""
    edge_id = await home.edge_id()
    grids = [
        {
            "type": "grid",
            "name": name,
            "stat_energy_from": f"energy_swap:{edge_id}_{came}",
            "stat_cost": f"energy_swap:{edge_id}_{cost}",
            "entity_energy_price": None,
            "number_energy_price": None,
            "stat_energy_to": f"energy_swap:{edge_id}_{went}",
            "stat_compensation": f"energy_swap:{edge_id}_{compensation}",
            "entity_energy_price_export": None,
            "number_energy_price_export": None,
            "cost_adjustment_day": 0,
        }
        for name, came, cost, went, compensation in (
            ("Neighbours", "neighbour_import", "bought_cost", "neighbour_export", "sold_compensation"),
            ("Utility", "utility_import", "utility_cost", "utility_export", "utility_compensation"),
        )
    ]
    solar = {
        "type": "solar",
        "name": "Panels",
        "stat_energy_from": f"energy_swap:{edge_id}_generation",
        "config_entry_solar_forecast": [entry_id],
    }
    await home.command("energy/save_prefs", energy_sources=[*grids, solar], device_consumption=[])
    return f"{home.url}/energy"
