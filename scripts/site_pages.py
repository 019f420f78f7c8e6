"""MkDocs' hooks: the site's pages are the repository's own files, each at its own path.

So a link that works in the repository works on the site, and `mkdocs build --strict` finds the
ones that do not. https://www.mkdocs.org/user-guide/configuration/#hooks
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
from diagrams import BLOCK, ROOT, picture, title

_FILES = (
    "*.md",
    "LICENSE",
    "course.toml",
    "docker-compose.yml",
    "docs/*.md",
    "docs/*.cast",
    "docs/decisions/*.md",
    "docs/pictures/**/*.*",
    "exercises/*/*.md",
    "exercises/*/*.py",
    "exercises/*/*.svg",
    "resources/*.md",
    "resources/comparison/*.html",
    "resources/comparison/*.png",
)
"""What the site holds: the pages, and what they show or link to."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the files that are there into the navigation, in place of patterns."""
    assert config.nav is not None
    named = {entry for entry in _entries(config.nav) if "*" not in entry}
    config.nav = _without_patterns(config.nav, named)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the repository's files to the theme's."""
    for path in sorted({path for pattern in _FILES for path in ROOT.glob(pattern)}):
        source = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, source, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put pictures in place of the text's diagrams."""
    del config, files
    folder = posixpath.dirname(page.file.src_uri)

    def image(block: re.Match[str]) -> str:
        drawn = picture(block["source"])
        if not (ROOT / drawn).exists():
            raise PluginError(f"{page.file.src_uri}: a diagram is new; run `make pictures`.")
        shown = title(block["source"])
        if shown is None:
            raise PluginError(f"{page.file.src_uri}: a diagram has no `accTitle:`.")
        return f"![{shown}]({posixpath.relpath(drawn.as_posix(), folder)})"

    return BLOCK.sub(image, markdown)


def _entries(nav: Any) -> Iterator[str]:
    for item in nav:
        if isinstance(item, str):
            yield item
        else:
            for value in item.values():
                yield from [value] if isinstance(value, str) else _entries(value)


def _without_patterns(nav: Any, named: set[str]) -> list[Any]:
    filled: list[Any] = []
    for item in nav:
        if isinstance(item, str) and "*" in item:
            found = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(item))
            filled += [source for source in found if source not in named]
        elif isinstance(item, dict):
            filled.append(
                {
                    key: value if isinstance(value, str) else _without_patterns(value, named)
                    for key, value in item.items()
                }
            )
        else:
            filled.append(item)
    return filled
