"""The operators of mutants: what each makes of a line, and that it leaves nothing of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from grader.authoring.mutants.operators import FIELD
from grader.authoring.mutants.operators.mutmuts import library_mutants

REPO = Path(__file__).resolve().parents[2]
SOURCES = sorted([*REPO.glob("solutions/*/*.py"), *REPO.glob("tests/submissions/wheat/*/*/*.py")])


def made(operator: str, code: str) -> list[str]:
    """Each program that an operator makes of the body of a function."""
    body = "\n".join(f"    {line}" for line in code.strip().splitlines())
    tree = ast.parse(f"def f(handle, ack, path):\n{body}\n")
    found = []
    for _ in FIELD[operator](tree):
        lines = ast.unparse(ast.fix_missing_locations(tree)).splitlines()[1:]
        found.append("\n".join(line.removeprefix("    ") for line in lines))
    return found


@pytest.mark.parametrize("operator", FIELD)
def test_an_edit_is_undone_and_its_line_is_in_the_file(operator: str) -> None:
    """After the last edit each solution and wheat is as it was; every operator finds a place."""
    places = 0
    for path in SOURCES:
        code = path.read_text(encoding="utf-8")
        tree = ast.parse(code)
        before = ast.dump(tree)
        for line in FIELD[operator](tree):
            assert 1 <= line <= code.count("\n") + 1
            places += 1
        assert ast.dump(tree) == before, f"{operator} left its edit in {path}"
    assert places


@pytest.mark.parametrize(
    ("operator", "code", "wanted"),
    [
        ("swap", "handle(1)\nack(1)", "ack(1)\nhandle(1)"),
        ("drop-action", "handle(1)\nack(1)", "handle(1)"),
        ("repeat-action", "handle(1)", "handle(1)\nhandle(1)"),
        ("move-out", "for x in path:\n    ack(x)", "for x in path:\n    pass\nack(x)"),
        ("finally-next", "handle(1)\nack(1)", "try:\n    handle(1)\nfinally:\n    ack(1)"),
        ("swallow", "handle(1)", "try:\n    handle(1)\nexcept Exception:\n    pass"),
        ("drop-with", "with open(path) as f:\n    handle(f)", "f = open(path)\nhandle(f)"),
        ("drop-finally", "try:\n    handle(1)\nfinally:\n    ack(1)", "handle(1)"),
        ("add-keyword", "handle.consume(path)", "handle.consume(path, auto_ack=True)"),
        ("change-keyword", "ack(timeout=2)", "ack(timeout=None)"),
        ("splitlines", "path = path.split(b'\\n')", "path = path.splitlines()"),
        ("truth", "if path is not None:\n    handle(path)", "if path:\n    handle(path)"),
        ("slice", "path = path[1:]", "path = path[1 + 1:]"),
        ("loop-once", "while path:\n    handle(1)", "while path:\n    handle(1)\n    break"),
        (
            "into-try",
            "try:\n    x = ack()\nexcept ValueError:\n    pass\nhandle(x)",
            "try:\n    x = ack()\n    handle(x)\nexcept ValueError:\n    pass",
        ),
        (
            "keep-state",
            "x = 0\nhandle(x)",
            "global x\ntry:\n    x\nexcept NameError:\n    x = 0\nhandle(x)",
        ),
    ],
)
def test_an_operator_makes_its_mistake(operator: str, code: str, wanted: str) -> None:
    """The mistake that it is named for is among what it makes."""
    assert wanted in made(operator, code)


@pytest.mark.parametrize(
    ("operator", "code"),
    [
        ("repeat-action", "path.close()"),
        ("swallow", "path.flush()"),
        ("swap", "a = 1\nb = 2"),
        ("swap", "a = 0\nb = handle()"),
        ("widen-except", "try:\n    json.loads(path)\nexcept ValueError:\n    pass"),
    ],
)
def test_what_nobody_can_tell_apart_is_not_made(operator: str, code: str) -> None:
    """A file closed twice, two constants in the other order."""
    assert made(operator, code) == []


def test_the_librarys_operators_leave_annotations_and_imports_alone() -> None:
    """Numbers and comparisons are changed, with their line; types are not."""
    code = "import os\n\n\ndef f(x: 'int | None' = 1) -> bool:\n    return x < 2\n"
    found = list(library_mutants(code))
    assert ("number", 5, code.replace("x < 2", "x < 3")) in found
    assert ("swap-op", 5, code.replace("x < 2", "x <= 2")) in found
    assert all("import os" in changed and "'int | None'" in changed for _, _, changed in found)
