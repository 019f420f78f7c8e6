"""Text files and what programs say are UTF-8, whatever the locale is: nothing leaves it open."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
FOLDERS = ("grader", "resources", "scripts", "exercises")
SOURCES = sorted(path for folder in FOLDERS for path in (REPO / folder).rglob("*.py"))
NO_TEXT = {"os", "tarfile", "Image", "archive", "_archive", "tree", "webbrowser"}
"""Whose `open` gives no text file."""


def left_to_the_locale(source: str) -> Iterator[int]:
    """The lines that read or write text without saying its encoding."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        named = {word.arg for word in call.keywords}
        if "encoding" in named:
            continue
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if (name in ("read_text", "write_text") and isinstance(function, ast.Attribute)) or (
            {"text", "universal_newlines"} & named and name in ("run", "Popen", "check_output")
        ):
            yield call.lineno
        elif name in ("open", "fdopen"):
            owner = getattr(function, "value", None)
            whose = getattr(owner, "id", getattr(owner, "attr", ""))
            if name == "open" and whose in NO_TEXT:
                continue
            after = 1 if name == "fdopen" or isinstance(function, ast.Name) else 0
            mode = next((word.value for word in call.keywords if word.arg == "mode"), None)
            mode = mode or (call.args[after] if len(call.args) > after else None)
            if not (isinstance(mode, ast.Constant) and "b" in str(mode.value)):
                yield call.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPO)))
def test_every_text_says_its_encoding(path: Path) -> None:
    """A locale's own would be another one than that of who reads it."""
    lines = list(left_to_the_locale(path.read_text(encoding="utf-8")))
    assert not lines, f"{path.relative_to(REPO)}, lines {lines}: the encoding depends on the locale"


def test_the_look_finds_what_it_is_for() -> None:
    """Each way to leave the encoding open, and none of those that do not."""
    open_ones = (
        "p.read_text()\np.open('w')\nopen(p)\nsubprocess.run(c, text=True)\nos.fdopen(1, 'w')\n"
    )
    assert list(left_to_the_locale(open_ones)) == [1, 2, 3, 4, 5]
    said = "p.read_text(encoding='utf-8')\np.open('rb')\nos.open(p, 0)\nos.fdopen(1, 'rb')\n"
    assert not list(left_to_the_locale(said))
