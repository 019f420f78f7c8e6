"""The documentation as this folder's tests see it: pages, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PATTERNS = ("*.md", "docs/*.md", "exercises/*/README.md", "resources/README.md")

_BLOCK = re.compile(r"^```console\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`(?P<text>[^`\n]+)`(?!`)")
_COMMENT = re.compile(r"\s+# .*")


@dataclass(frozen=True)
class Command:
    """What stands behind a `$` in a console block, without its comment."""

    page: str
    text: str
    output: tuple[str, ...]
    """The lines below it: what the page says that it prints."""


def pages() -> list[str]:
    """Every page, by its path in the repository."""
    return sorted(
        path.relative_to(ROOT).as_posix() for pattern in PATTERNS for path in ROOT.glob(pattern)
    )


def commands(page: str) -> list[Command]:
    """The commands of a page's console blocks, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [each for block in _BLOCK.finditer(text) for each in _commands(page, block["lines"])]


def _commands(page: str, block: str) -> Iterator[Command]:
    first, *parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not first, f"{page}: a console block begins with a command, not with {first!r}"
    for part in parts:
        line, *output = part.splitlines()
        yield Command(page, _COMMENT.sub("", line).strip(), tuple(output))


def spans(page: str, program: str) -> list[str]:
    """Code within sentences and tables that begins with a program's name."""
    text = _FENCED.sub("", (ROOT / page).read_text(encoding="utf-8"))
    return [s["text"] for s in _SPAN.finditer(text) if s["text"].split()[0] == program]
