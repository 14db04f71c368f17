"""The frame of the simulator's pages; every text that comes from outside is escaped."""

from html import escape

from .books import kes_text


def text(value: object) -> str:
    """Return a value as safe page text; control and direction signs are shown as a mark."""
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in str(value))
    return escape(shown)


def money(cents: int) -> str:
    """Return an amount as the pages show it."""
    return f'<span class="number">Ksh {kes_text(cents)}</span>'


def page(title: str, body: str, *, is_phone: bool) -> str:
    """Return a whole page."""
    kind = ' class="on-phone"' if is_phone else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{text(title)}</title><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/_simulator/page.css"></head>'
        f'<body{kind}>{body}<script src="/_simulator/page.js"></script></body></html>'
    )


def hidden(name: str, value: object) -> str:
    """Return a hidden form field."""
    return f'<input type="hidden" name="{text(name)}" value="{text(value)}">'
