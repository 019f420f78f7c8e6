"""The picture of the packages is what the imports say."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import draw_architecture  # noqa: E402 - found by the path above


def test_the_picture_is_of_todays_imports() -> None:
    """`python scripts/draw_architecture.py` would change nothing."""
    assert draw_architecture.diagram() in draw_architecture.PAGE.read_text(encoding="utf-8")


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    """Of a -> b -> c and a -> c the last says nothing."""
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}
    assert draw_architecture.reduced(graph) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_what_the_page_points_to_is_there() -> None:
    """Each path of the table, and each module that the text names."""
    text = draw_architecture.PAGE.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    paths = re.findall(r"`([a-z]+/(?:[a-z_]+\.py|[a-z]+/)?)`", prose)
    modules = [name.replace(".", "/") + ".py" for name in re.findall(r"`([a-z]+\.[a-z_]+)`", prose)]
    missing = [
        path
        for path in {*paths, *modules} - {"course/toml.py", "pyproject/toml.py", "grader/"}
        if not (ROOT / "grader" / path).exists() and not (ROOT / path).exists()
    ]
    assert len(paths) > 12
    assert not missing
