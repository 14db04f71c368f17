"""The documents hang together: whatever they link to or show is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
CODE = re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL)
PICTURES = ROOT / "docs" / "pictures"


def documents() -> list[Path]:
    found: list[Path] = []
    for folder, inner, files in ROOT.walk():
        inner[:] = [name for name in inner if not name.startswith(".") and name not in {"node_modules", "dist"}]
        found += (folder / name for name in files if name.endswith(".md"))
    return sorted(found)


def text_of(document: Path) -> str:
    return CODE.sub("", document.read_text())


def anchors(document: Path) -> set[str]:
    """The names under which GitHub lets one link to the document's headings."""
    bare = (re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading) for heading in HEADING.findall(text_of(document)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in bare}


def targets(document: Path) -> list[tuple[Path, str]]:
    found = []
    for link in LINK.findall(text_of(document)):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            found.append(((document.parent / path).resolve() if path else document, anchor))
    return found


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target, anchor in targets(document):
        assert target.exists(), f"{document.name} links to {target}, which is not there"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name} links to #{anchor}, no heading of {target.name}"


def test_every_picture_is_shown_somewhere() -> None:
    shown = {target for document in documents() for target, _ in targets(document)}
    assert {path for path in PICTURES.rglob("*.*") if path.is_file()} <= shown
