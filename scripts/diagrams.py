"""The diagrams of the documentation: Mermaid in the text, a picture by its content's name.

GitHub draws them itself. The site shows pictures that scripts/draw_diagrams.py made, so that it
needs neither a script of three megabytes nor another server.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path("docs/pictures/diagrams")
"""Where they lie, from the root."""

BLOCK = re.compile(r"^```mermaid\n(?P<source>.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^\s*(?:%% *)?accTitle: *(?P<title>.+)$", re.MULTILINE)


def picture(source: str) -> Path:
    """The picture of a diagram, from the root; another text has another."""
    return PICTURES / f"{hashlib.sha256(source.encode()).hexdigest()[:12]}.svg"


def title(source: str) -> str | None:
    """What the diagram shows, for who does not see it; None where it does not say."""
    found = _TITLE.search(source)
    return found["title"].strip() if found else None
