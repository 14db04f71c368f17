"""A real, headless Home Assistant: started, onboarded, given our integration, and worked from the outside."""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, cast

import aiohttp

from energy_swap_demo.home_assistant_config import write_configuration
from energy_swap_demo.processes import Child

type Json = dict[str, Any]

PANEL = "energy-swap-household"
INTEGRATION = Path(__file__).parents[2] / "custom_components" / "energy_swap"
START_SECONDS = 180.0
STOP_SECONDS = 120.0
PATIENCE_SECONDS = 240.0  # until something is called stuck; a machine with too much to do is slow
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person types to log in."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Login:
    """What we keep in the directory, so that a second start needs no onboarding."""

    username: str
    password: str
    client_id: str
    refresh_token: str
    token: str


class HomeAssistantFailedError(Exception):
    """Home Assistant did not start, or answered a request with an error."""


class FlowStoppedError(Exception):
    """A config flow ended in something else than an entry; ``step`` is what it showed last."""

    def __init__(self, step: Json) -> None:
        super().__init__(f"the flow stopped at {step.get('step_id') or step.get('reason')}: {step.get('errors')}")
        self.step = step


class CommandFailedError(Exception):
    """A WebSocket command or an action was refused."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = str(error.get("code"))
        self.message = str(error.get("message"))
        self.translation_key = error.get("translation_key")


class HomeAssistant:
    """One Home Assistant process and its directory.

    ``async with HomeAssistant(directory, port) as home:`` starts and stops it; then ``onboard`` once, always.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        name: str = "Amina's house",
        host: str = "127.0.0.1",
        integrations: Sequence[Path] = (INTEGRATION,),
        extra_configuration: str = "",
    ) -> None:
        self.directory = directory.resolve()
        self.url = f"http://{host}:{port}"
        self._name, self._host, self._port = name, host, port
        self._integrations, self._extra = integrations, extra_configuration
        self.process = Child(
            "hass",
            (sys.executable, "-m", "homeassistant", "--skip-pip", "--config", self.directory),
            logs=self.directory,
            folder=self.directory,  # else custom_components/ of the current directory would be found first
            # Its bytecode is worth keeping even where the machine says otherwise: 5 s instead of 16 s.
            environment={"PYTHONDONTWRITEBYTECODE": ""},
            orphan_signal=signal.SIGTERM,  # it then saves its data
        )
        self._session: aiohttp.ClientSession | None = None
        self._login: Login | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # ------------------------------------------------------------------ the process

    async def start(self) -> None:
        """Start the process and wait until it answers. Raises HomeAssistantFailedError."""
        write_configuration(
            self.directory,
            name=self._name,
            host=self._host,
            port=self._port,
            integrations=self._integrations,
            extra=self._extra,
        )
        self.log_path.unlink(missing_ok=True)
        self._session = aiohttp.ClientSession()
        try:
            await self.process.start()
            await self._wait_until_up()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Let Home Assistant save its data and end; kill it if it does not."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self.process.stop(STOP_SECONDS)

    @property
    def log_path(self) -> Path:
        """Where Home Assistant writes its log."""
        return self.directory / "home-assistant.log"

    async def _wait_until_up(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if not self.process.is_running:
                break
            with contextlib.suppress(aiohttp.ClientError):
                async with self._http.get(f"{self.url}/api/onboarding") as response:
                    if response.status in {200, 404}:  # 404: onboarded, and the page is gone
                        return
            await asyncio.sleep(POLL_SECONDS)
        said = self.process.last_lines()
        raise HomeAssistantFailedError(f"Home Assistant did not start in {self.directory}. It said last:\n{said}")

    # ------------------------------------------------------------------ who we are

    async def onboard(
        self, *, person: str = "Amina", username: str = "amina", password: str = "energy-swap"
    ) -> Credentials:
        """Create the owner, or log in again where that was done; return what a person types to log in."""
        stored = self.directory / "login.json"
        if stored.exists():
            self._login = Login(**json.loads(stored.read_text()))
        else:
            self._login = await self._create_owner(person, username, password)
            stored.touch(mode=0o600)
            stored.write_text(json.dumps(asdict(self._login)))
        await self._wait_until_running()
        return Credentials(self._login.username, self._login.password)

    async def _create_owner(self, person: str, username: str, password: str) -> Login:
        client_id = f"{self.url}/"
        owner = {
            "client_id": client_id,
            "name": person,
            "username": username,
            "password": password,
            "language": "en",
        }
        async with self._http.post(f"{self.url}/api/onboarding/users", json=owner) as response:
            body = await _answer(response)
        tokens = await self._tokens(client_id, grant_type="authorization_code", code=str(body["auth_code"]))
        login = Login(username, password, client_id, tokens["refresh_token"], tokens["access_token"])
        self._login = login
        await self._wait_until_running()
        token = await self.command("auth/long_lived_access_token", client_name="Energy Swap demo", lifespan=365)
        return Login(username, password, client_id, tokens["refresh_token"], cast("str", token))

    async def browser_storage(self) -> dict[str, str]:
        """Return the local storage with which a browser is logged in at ``url``."""
        login = self._known_login
        tokens = await self._tokens(login.client_id, grant_type="refresh_token", refresh_token=login.refresh_token)
        expires = int(time.time() * 1000) + tokens["expires_in"] * 1000
        session = {
            **tokens,
            "hassUrl": self.url,
            "clientId": login.client_id,
            "refresh_token": login.refresh_token,
            "expires": expires,
        }
        return {"hassTokens": json.dumps(session), "selectedLanguage": '"en-GB"'}

    async def _tokens(self, client_id: str, **grant: str) -> Json:
        async with self._http.post(f"{self.url}/auth/token", data={"client_id": client_id, **grant}) as response:
            return cast("Json", await _answer(response))

    async def _wait_until_running(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            # After onboarding the port may close once more while the rest starts.
            with contextlib.suppress(aiohttp.ClientError, CommandFailedError):
                if (await self.command("get_config"))["state"] == "RUNNING":
                    return
            await asyncio.sleep(POLL_SECONDS)
        raise HomeAssistantFailedError(f"Home Assistant in {self.directory} does not finish its start")

    # ------------------------------------------------------------------ our integration

    async def add_energy_swap(self, host: str, port: int, code: str) -> str:
        """Walk our config flow; return the id of the entry. Raises FlowStoppedError."""
        step = await self.start_flow("energy_swap")
        for answer in ({"host": host, "port": port}, {"code": code}):
            step = await self.answer_flow(step["flow_id"], answer)
            if step["type"] == "create_entry":
                return str(step["result"]["entry_id"])
            if step["type"] != "form" or step["errors"]:
                break
        if step["type"] == "form":
            await self.request("DELETE", f"config/config_entries/flow/{step['flow_id']}")
        raise FlowStoppedError(step)

    async def start_flow(self, handler: str, **context: str) -> Json:
        """Begin a config flow and return its first step."""
        return cast(
            "Json", await self.request("POST", "config/config_entries/flow", {"handler": handler, **context})
        )

    async def answer_flow(self, flow_id: str, data: Mapping[str, Any]) -> Json:
        """Fill in the form of a flow's step and return the next step."""
        return cast("Json", await self.request("POST", f"config/config_entries/flow/{flow_id}", data))

    async def entities(self, entry_id: str, *, also_disabled: bool = False) -> dict[str, str]:
        """Return the entity ids of an entry by our own key, as in ``{"surplus_power": "sensor.…"}``."""
        registry = await self.command("config/entity_registry/list")
        return {
            entity["translation_key"]: entity["entity_id"]
            for entity in registry
            if entity["config_entry_id"] == entry_id and (also_disabled or entity["disabled_by"] is None)
        }

    @property
    def page(self) -> str:
        """Where the integration's own page is."""
        return f"{self.url}/{PANEL}"

    async def begin_with_page(self) -> None:
        """Make the integration's page the one that Home Assistant begins with."""
        await self.command("frontend/set_system_data", key="core", value={"default_panel": PANEL})

    async def edge_id(self) -> str:
        """Return what the household's edge is called in the device registry."""
        devices = await self.command("config/device_registry/list")
        return next(str(i[1]) for device in devices for i in device["identifiers"] if i[0] == "energy_swap")

    # ------------------------------------------------------------------ working it

    async def state(self, entity_id: str) -> Json | None:
        """Return an entity's state object, or None if there is no such entity."""
        async with self._http.get(f"{self.url}/api/states/{entity_id}", headers=self._headers) as response:
            return None if response.status == 404 else cast("Json", await _answer(response))

    async def wait_for(
        self, entity_id: str, is_reached: Callable[[str], bool], *, seconds: float = PATIENCE_SECONDS
    ) -> Json:
        """Return the entity's state object once its state is as wished. Raises TimeoutError, saying the last."""
        end = time.monotonic() + seconds
        while True:
            state = await self.state(entity_id)
            if state is not None and is_reached(state["state"]):
                return state
            if time.monotonic() > end:
                raise TimeoutError(f"{entity_id} is still {state and state['state']!r} after {seconds} s")
            await asyncio.sleep(0.05)

    async def call(
        self, domain: str, service: str, data: Mapping[str, Any], *, with_response: bool = True
    ) -> Json | None:
        """Perform an action and return its response. Raises CommandFailedError."""
        result = await self.command(
            "call_service",
            domain=domain,
            service=service,
            service_data=dict(data),
            return_response=with_response,
        )
        return cast("Json", result["response"]) if with_response else None

    async def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a REST request below ``/api/`` and return the JSON answer. Raises HomeAssistantFailedError."""
        url = f"{self.url}/api/{path}"
        async with self._http.request(method, url, json=body, headers=self._headers) as response:
            return await _answer(response)

    async def command(self, command: str, **fields: Any) -> Any:
        """Send one WebSocket command and return its result. Raises CommandFailedError."""
        async with self._websocket() as socket:
            await socket.send_json({"id": 1, "type": command, **fields})
            while True:
                answer = await socket.receive_json(timeout=PATIENCE_SECONDS)
                if answer.get("id") == 1 and answer["type"] == "result":
                    if not answer["success"]:
                        raise CommandFailedError(answer["error"])
                    return answer["result"]

    @contextlib.asynccontextmanager
    async def _websocket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self._http.ws_connect(f"{self.url}/api/websocket", max_msg_size=0) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self._known_login.token})
            answer = await socket.receive_json()
            if answer["type"] != "auth_ok":
                raise HomeAssistantFailedError(f"Home Assistant does not take our token: {answer.get('message')}")
            yield socket

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._known_login.token}"}

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise HomeAssistantFailedError("Home Assistant is not started")
        return self._session

    @property
    def _known_login(self) -> Login:
        if self._login is None:
            raise HomeAssistantFailedError("nobody is logged in: onboard first")
        return self._login


async def _answer(response: aiohttp.ClientResponse) -> Any:
    if response.status >= 400:
        raise HomeAssistantFailedError(f"{response.url.path}: {response.status} {await response.text()}")
    return await response.json()
