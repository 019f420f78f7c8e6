"""The site of the documentation: it builds, its links lead somewhere, it asks no other server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from pages import ROOT, pages

BASE = "https://site.example/"

# What a browser loads by itself, as opposed to what somebody may click on.
LOADED = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}


@dataclass
class Page(HTMLParser):
    """What matters of a page."""

    path: Path
    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    pictures: list[dict[str, str | None]] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def __hash__(self) -> int:
        return hash(self.path)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {given[name] or "" for name in ("id", "name") if name in given}
        self.classes |= set((given.get("class") or "").split())
        targets = {given[name] or "" for name in ("href", "src", "data") if given.get(name)}
        (self.loaded if tag in LOADED else self.links).update(targets)
        if tag == "img":
            self.pictures.append(given)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as by `make docs`: a link that leads nowhere ends it."""
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def built(site: Path) -> dict[str, Page]:
    """Its pages, by address."""
    addresses = {}
    for path in site.rglob("*.html"):
        address = urljoin(BASE, path.relative_to(site).as_posix().removesuffix("index.html"))
        addresses[address] = Page(path)
    return addresses


def test_every_page_of_the_documentation_is_there(site: Path, built: dict[str, Page]) -> None:
    """Lessons, guides, decisions, security, changelog: each at its own path, in the navigation."""
    decisions = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/decisions/*.md")]
    linked = {urldefrag(urljoin(BASE, link)).url for link in built[BASE].links}
    for source in [*pages(), *decisions]:
        place = re.sub(r"(README)?\.md$", "", source).rstrip("/")
        address = urljoin(BASE, f"{place}/" if place else "")
        assert address in built, source
        assert address in linked, f"{source} is not in the navigation"


def test_links_lead_to_a_page_and_a_place_in_it(site: Path, built: dict[str, Page]) -> None:
    """Every link within the site, also those of the theme; every anchor is an id."""
    for address, page in built.items():
        if page.path.name == "404.html":  # its links begin at the root of a server
            continue
        for link in page.links | page.loaded:
            target, anchor = urldefrag(urljoin(address, link))
            if not target.startswith(BASE):
                continue
            if target in built:
                assert not anchor or unquote(anchor) in built[target].ids, f"{address}: {link}"
            else:
                file = site / unquote(urlsplit(target).path).lstrip("/")
                assert file.is_file(), f"{address}: {link}"


def test_nothing_is_loaded_from_elsewhere(site: Path, built: dict[str, Page]) -> None:
    """No font, script or picture of another server: neither by a page, nor by a style sheet.

    The theme's script would load Mermaid for a diagram of that class; there is none.
    """
    for address, page in built.items():
        foreign = {link for link in page.loaded if re.match(r"(https?:)?//", link)}
        assert not foreign, f"{address}: {foreign}"
        assert "mermaid" not in page.classes, address
    for path in [*site.rglob("*.css"), *site.rglob("*.svg"), *site.rglob("*.html")]:
        text = path.read_text(encoding="utf-8")
        foreign = set(re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)"']*""", text))
        assert not foreign, f"{path.name}: {foreign}"


def test_every_picture_says_what_it_shows(built: dict[str, Page]) -> None:
    """For who does not see it; diagrams too, and each of the lessons' diagrams is a picture."""
    for address, page in built.items():
        for picture in page.pictures:
            assert picture.get("alt"), f"{address}: {picture.get('src')}"
    for source in pages():
        drawn = (ROOT / source).read_text(encoding="utf-8").count("```mermaid")
        address = urljoin(BASE, re.sub(r"(README)?\.md$", "", source).rstrip("/") + "/")
        if drawn:
            shown = [p for p in built[address].pictures if "/diagrams/" in (p.get("src") or "")]
            assert len(shown) == drawn, source
