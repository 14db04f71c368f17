"""Pictures of web pages, taken by Debian's Chromium without a screen, and what the pages complained about."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from playwright.async_api import Browser as Chromium
from playwright.async_api import ConsoleMessage, Page, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError
from yarl import URL

# As root, and on a machine that must not call out.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
DESKTOP = (1400, 1000)
PHONE = (412, 915)
TIME_ZONE = "Africa/Nairobi"

# The text a person sees, through every shadow root.
TEXT_SCRIPT = """() => {
  const seen = [];
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.textContent.trim();
      if (text) seen.push(text);
      return;
    }
    if (node.nodeType === Node.ELEMENT_NODE && ["STYLE", "SCRIPT", "TEMPLATE"].includes(node.tagName)) return;
    if (node.shadowRoot) node.shadowRoot.childNodes.forEach(walk);
    node.childNodes.forEach(walk);
  };
  walk(document.body);
  return seen.join("\\n");
}"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A saved picture, the text that was on the page, and the errors that its console showed."""

    path: Path
    text: str
    errors: tuple[str, ...]


class NoBrowserError(Exception):
    """There is no Chromium on this machine."""


class Browser:
    """One Chromium for many pictures: ``async with Browser() as browser``."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None

    async def __aenter__(self) -> Self:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise NoBrowserError("no chromium: install it (Debian: apt-get install chromium)")
        self._playwright = await async_playwright().start()
        self._chromium = await self._playwright.chromium.launch(
            executable_path=program, headless=True, args=list(FLAGS)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._chromium is not None:
            await self._chromium.close()
        if self._playwright is not None:
            await self._playwright.stop()

    async def picture(
        self,
        url: str,
        path: Path,
        *,
        local_storage: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        size: tuple[int, int] = DESKTOP,
        is_dark: bool = False,
        locale: str = "en-GB",
        wait_for: str | None = None,
        clicks: Sequence[str] = (),
        settle_seconds: float = 1.0,
        is_full_page: bool = False,
    ) -> Picture:
        """Open ``url`` and save what a person sees as a PNG.

        ``wait_for`` and ``clicks`` are selectors (they look through shadow roots); ``settle_seconds`` is the
        pause after the last of them, for pages that draw after loading. Raises playwright's Error if a selector
        never shows.
        """
        async with self.page(
            url,
            local_storage or {},
            cookies=cookies or {},
            size=size,
            is_dark=is_dark,
            locale=locale,
        ) as page:
            errors = listen_for_errors(page)
            await page.goto(url)
            if wait_for is not None:
                await page.wait_for_selector(wait_for)
            for selector in clicks:
                await page.click(selector)
            with contextlib.suppress(PlaywrightError):  # pages with an open stream are never idle
                await page.wait_for_load_state("networkidle", timeout=1000)
            await asyncio.sleep(settle_seconds)
            path.parent.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=path, full_page=is_full_page)
            text = await page.evaluate(TEXT_SCRIPT)
            return Picture(path, str(text), tuple(errors))

    @contextlib.asynccontextmanager
    async def page(
        self,
        url: str,
        local_storage: Mapping[str, str],
        *,
        cookies: Mapping[str, str] | None = None,
        size: tuple[int, int] = DESKTOP,
        is_dark: bool = False,
        locale: str = "en-GB",
    ) -> AsyncIterator[Page]:
        """Have a page for as long as the context lasts, in a browser session of its own; it is not opened yet."""
        if self._chromium is None:
            raise NoBrowserError("the browser is not started")
        context = await self._chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            is_mobile=size[0] < 600,
            has_touch=size[0] < 600,
            color_scheme="dark" if is_dark else "light",
            timezone_id=TIME_ZONE,
            locale=locale,
        )
        try:
            for key, value in local_storage.items():
                await context.add_init_script(f"localStorage.setItem({json.dumps(key)}, {json.dumps(value)})")
            if cookies:
                # For the whole site: a cookie's path is else where its address lies.
                site = str(URL(url).origin())
                await context.add_cookies([{"name": k, "value": v, "url": site} for k, v in cookies.items()])
            yield await context.new_page()
        finally:
            await context.close()


def listen_for_errors(page: Page) -> list[str]:
    """Return a list that grows with what the page's console reports as errors, and with what its scripts throw."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location["url"] if message.location else ""
            errors.append(f"{message.text} ({where})" if where else message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors
