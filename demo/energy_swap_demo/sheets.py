"""Pictures of one page as different people see it, put side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageChops
from playwright.async_api import Locator, Page

GAP: Final = 16
GROUND: Final = (128, 134, 140)
NARROW: Final = 600  # CSS pixels
MOST_HIGH: Final = 2_016  # two desks, one above the other


@dataclass(frozen=True, slots=True)
class Screen:
    """What a person looks at: a width and height in CSS pixels, by day or by night."""

    name: str
    size: tuple[int, int]
    is_dark: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page on several screens, the text that was on them, and the errors that its console showed."""

    name: str
    pictures: tuple[Image.Image, ...]
    text: str
    errors: tuple[str, ...]


async def seen(what: Page | Locator) -> Image.Image:
    """Return what a person sees, at rest."""
    return Image.open(BytesIO(await what.screenshot(animations="disabled"))).convert("RGB")


async def seen_at(page: Page, screen: Screen) -> Image.Image:
    """Return what a person sees on ``screen``; a telephone is made as long as the page, up to `MOST_HIGH`."""
    width, height = screen.size
    if width < NARROW:
        longest = await page.evaluate("document.documentElement.scrollHeight")
        height = max(height, min(longest, MOST_HIGH))
        await page.set_viewport_size({"width": width, "height": height})
        await page.wait_for_timeout(300)  # what follows the screen's size is drawn again
    return await seen(page)


def trimmed(picture: Image.Image) -> Image.Image:
    """Return the picture without the rows at its end in which nothing stands."""
    ground = Image.new("RGB", picture.size, picture.getpixel((picture.width - 3, picture.height - 3)))
    box = ImageChops.difference(picture, ground).getbbox()
    return picture if box is None else picture.crop((0, 0, picture.width, min(picture.height, box[3] + GAP)))


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return the pictures in one row, their upper edges in line."""
    width = sum(picture.width + GAP for picture in pictures) + GAP
    sheet = Image.new("RGB", (width, max(picture.height for picture in pictures) + 2 * GAP), GROUND)
    x = GAP
    for picture in pictures:
        sheet.paste(picture, (x, GAP))
        x += picture.width + GAP
    return sheet


def arranged(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return the wide ones above each other, and the narrow ones beside them."""
    wide = [picture for picture in pictures if picture.width >= NARROW]
    column = Image.new("RGB", (wide[0].width, sum(picture.height + GAP for picture in wide) - GAP), GROUND)
    y = 0
    for picture in wide:
        column.paste(picture, (0, y))
        y += picture.height + GAP
    return side_by_side([column, *(picture for picture in pictures if picture.width < NARROW)])
