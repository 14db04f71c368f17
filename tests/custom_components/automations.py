"""Automations from our blueprints in a running Home Assistant, with a phone and a switch that need no hardware."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from energy_swap_demo.home_assistant import PATIENCE_SECONDS, HomeAssistant

FOLDER = Path(__file__).parents[2] / "blueprints" / "automation" / "energy_swap"
NO_TIME = {"seconds": 0}
PHONE = "script.phone"


@asynccontextmanager
async def by_blueprint(home: HomeAssistant, blueprint: str, **inputs: Any) -> AsyncIterator[str]:
    """Use a blueprint, as somebody does who imported it, and give the automation's id."""
    path = f"energy_swap/{blueprint}.yaml"
    await home.command(
        "blueprint/save",
        domain="automation",
        path=path,
        yaml=(FOLDER / f"{blueprint}.yaml").read_text(),
        allow_override=True,
    )
    config = {"alias": blueprint, "use_blueprint": {"path": path, "input": inputs}}
    await home.request("POST", f"config/automation/config/{blueprint}", config)
    try:
        await home.wait_for(f"automation.{blueprint}", lambda state: state == "on")
        yield f"automation.{blueprint}"
    finally:
        await home.request("DELETE", f"config/automation/config/{blueprint}")


async def until_idle(home: HomeAssistant, automation: str) -> None:
    """Wait until an automation does nothing (any more)."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (state := await home.state(automation)) is None or state["attributes"]["current"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@asynccontextmanager
async def phone(home: HomeAssistant) -> AsyncIterator[None]:
    """A phone that shows what it is sent as a notification, whose text ends with its buttons' tags."""
    show = {
        "action": "persistent_notification.create",
        "data": {
            "title": "{{ title }}",
            "message": "{{ message }} {{ data.actions | map(attribute='action') | join(' ') }}",
        },
    }
    await home.request("POST", "config/script/config/phone", {"alias": "Phone", "sequence": [show]})
    try:
        await home.wait_for(PHONE, lambda state: state == "off")
        yield
    finally:
        await home.request("DELETE", "config/script/config/phone")


@asynccontextmanager
async def a_switch(home: HomeAssistant, name: str = "Load", *, is_on: bool = False) -> AsyncIterator[str]:
    """A switch without hardware."""
    created = await home.command("input_boolean/create", name=name)
    entity_id = f"input_boolean.{created['id']}"
    await home.wait_for(entity_id, lambda state: state in {"on", "off"})
    # One of that name that was there before is remembered as it was.
    action, wanted = ("turn_on", "on") if is_on else ("turn_off", "off")
    await home.call("input_boolean", action, {"entity_id": entity_id}, with_response=False)
    await home.wait_for(entity_id, lambda state: state == wanted)
    yield entity_id
    await home.command("input_boolean/delete", input_boolean_id=created["id"])


async def notification(home: HomeAssistant, seconds: float = PATIENCE_SECONDS) -> dict[str, str]:
    """Return what the phone shows, once it does, and take it away."""
    async with asyncio.timeout(seconds):
        while not (shown := await home.command("persistent_notification/get")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    fields = {"notification_id": shown[0]["notification_id"]}
    await home.call("persistent_notification", "dismiss", fields, with_response=False)
    return dict(shown[0])


async def tap(home: HomeAssistant, button: str) -> None:
    """Tap a button of a notification."""
    await home.request("POST", "events/mobile_app_notification_action", {"action": button})
