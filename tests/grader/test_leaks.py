"""What students get holds nothing private: not copied, and not with other comments or names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.authoring.leaks import find_leak

PRIVATE = '''\
def store(path, text):
    """Write aside, then replace."""
    with open(path + ".new", "w") as file:  # aside
        file.write(text)
    os.replace(path + ".new", path)
'''
TRICKY = '''\
def each(lines, handle):
    def one(line):
        """Handle a line."""
        nonlocal count
        count += handle(line, end="")

    count = 0
    ordered = sorted(lines, key=lambda text: len(text))
    try:
        for entry in ordered:
            one(entry)
    except ValueError as error:
        print(error, end="")
    return count
'''
DISGUISES = {
    "byte for byte": PRIVATE,
    "another comment": PRIVATE.replace("# aside", "# beside it"),
    "no docstring": PRIVATE.replace('    """Write aside, then replace."""\n', ""),
    "another layout": PRIVATE.replace('path + ".new", "w"', 'path +\n        ".new",\n        "w"'),
    "another name of the function": PRIVATE.replace("store", "keep"),
    "other names of variables": PRIVATE.replace("file", "f").replace("text", "data"),
    "inside a class": "class Store:\n" + "".join(f"    {line}\n" for line in PRIVATE.splitlines()),
}


OF_WHAT_IS_INSIDE = {
    "a function": ("one", "single"),
    "its parameter and its docstring": ("line", "row"),
    "a lambda's parameter": ("text", "each_text"),
    "an exception": ("error", "problem"),
    "what nonlocal names": ("count", "total"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with one secret, and room for a file of the students'."""
    for folder in ("solutions/01", "exercises/01"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "solutions/01/files.py").write_text(PRIVATE)
    return tmp_path


def leak_of(root: Path, name: str, text: str) -> str:
    """What is said about a file for students with that text."""
    (root / name).write_text(text)
    return find_leak(root, [Path(name)])


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_solution_is_found_in_every_disguise(root: Path, disguise: str) -> None:
    """The sentence names both files."""
    said = leak_of(root, "exercises/01/files.py", DISGUISES[disguise])
    assert "exercises/01/files.py" in said
    assert "private" in said


@pytest.mark.parametrize("name", OF_WHAT_IS_INSIDE)
def test_what_is_inside_may_have_other_names_too(root: Path, name: str) -> None:
    """All that a function names itself; a parameter of what it calls keeps its name."""
    (root / "solutions/01/files.py").write_text(TRICKY)
    old, new = OF_WHAT_IS_INSIDE[name]
    text = re.sub(rf"\b{old}\b", new, TRICKY)
    assert text != TRICKY
    said = leak_of(root, "exercises/01/files.py", text)
    assert "each() in solutions/01/files.py" in said
    assert not leak_of(root, "exercises/01/files.py", TRICKY.replace("end=", "sep="))


def test_a_solution_in_the_place_of_a_stub_is_found(root: Path) -> None:
    """Where `grader reset` takes it from, a stub is Python whose name ends with .txt."""
    (root / "resources/stubs/01").mkdir(parents=True)
    stub = "resources/stubs/01/files.txt"
    assert "store() in solutions/01/files.py" in leak_of(root, stub, f"# mine\n{PRIVATE}")
    assert not leak_of(root, stub, "This is text.\n")


def test_a_solution_in_a_lesson_is_found(root: Path) -> None:
    """In a block of Python, also an indented one."""
    block = "".join(f"  {line}\n" for line in f"```python\n{PRIVATE}```".splitlines())
    assert "store() in solutions/01/files.py" in leak_of(root, "exercises/01/README.md", block)


@pytest.mark.parametrize(
    "text",
    [
        PRIVATE.replace('    with open(path + ".new", "w") as file:  # aside\n        file.write(text)\n    os.replace(path + ".new", path)\n', "    raise NotImplementedError\n"),
        "def store(path, text):\n    return len(text)\n",
        PRIVATE.replace('"w"', '"x"'),
        "def broken(:\n",
    ],
)  # fmt: skip
def test_a_stub_and_other_code_are_no_leak(root: Path, text: str) -> None:
    """The signature and the docstring are the stub's; other code is nobody's secret."""
    assert leak_of(root, "exercises/01/files.py", text) == ""
