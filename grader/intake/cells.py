"""Which cells of a notebook are the files of a submission: one rule for Jupyter and the grader.

Lies beside the notebook too, as cells.py, and imports nothing but Python's own modules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAMES_FILE = re.compile(r"#+[ \t]*(?:[\w.-]+/)*([A-Za-z_]\w*\.py)[ \t]*:?[ \t]*$")
_WRITES_FILE = re.compile(r"%%(?:writefile|file)[ \t]+(?:[\w.~-]+/)*([A-Za-z_]\w*\.py)[ \t]*$")
_SOLUTION_ID = re.compile(r"[0-9]{2}-([A-Za-z_]\w*)$")
_AROUND = re.compile(r"%%(?:capture|prun|python3?|time|timeit)\b")
"""Cell magics that run the cell itself."""
_MAGIC = re.compile(
    r"!|%(?:autoreload|cd|conda|config|env|load_ext|matplotlib|mkdir|pdb|pip|precision|pylab"
    r"|reload_ext|run|time|timeit|uv|who|whos|xmode)\b"
)
"""Lines that are Jupyter's, not Python's."""
_UNFINISHED = re.compile(r"^[ \t]*raise NotImplementedError\b", re.MULTILINE)
"""What the course's stubs hold; a copy of one is what a student keeps aside."""
_DECLARES = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)([-_.a-zA-Z0-9]+)")


@dataclass(frozen=True)
class Cell:
    """A code cell of a notebook."""

    number: int
    """Its place among all cells, from 1 on."""
    source: str
    grade_id: str = ""
    """nbgrader's; JupyterLab copies it together with the cell."""


@dataclass(frozen=True)
class Taken:
    """The cell that is a file, and what else might have been."""

    cell: Cell
    text: str
    """The cell's source as a file."""
    others: tuple[Cell, ...]
    """Cells that claim the same file with another text."""


def files_of(cells: Iterable[Cell]) -> dict[str, Taken]:
    """Choose the cell of each file.

    A cell whose first line is the file's name, as in `# polling.py`, is that file; so is one with
    the file's grade id, such as `01-polling`, whose first line names no file. Where several claim
    one file: those in which nothing is left to fill in go first, then those that name it in their
    first line, then the one furthest down.
    """
    every = list(cells)
    claims: dict[str, list[tuple[bool, bool, int, Cell]]] = {}
    for cell in every:
        named, by_id = file_named(cell.source), _file_of_id(cell.grade_id)
        if name := named or by_id:
            finished = is_finished(cell.source)
            claims.setdefault(name, []).append((finished, bool(named), cell.number, cell))
    for cell in every:  # its first line names a file that nobody asked for
        if (name := _file_of_id(cell.grade_id)) and name not in claims:
            claims[name] = [(True, False, cell.number, cell)]
    ranked = {name: sorted(of, key=_rank) for name, of in claims.items()}
    return {name: _taken([claim[-1] for claim in of]) for name, of in ranked.items()}


def is_finished(source: str) -> bool:
    """Tell whether no function of a stub is left in it to fill in."""
    return not _UNFINISHED.search(source)


def file_named(source: str) -> str:
    """Return the file that the cell's first line names; empty where it names none."""
    for line in source.splitlines():
        if found := _NAMES_FILE.match(line) or _WRITES_FILE.match(line):
            return found[1]
        if line.strip() and not _AROUND.match(line):
            return ""
    return ""


def as_file(source: str) -> str:
    """Return a cell's source as a Python file: Jupyter's own lines become comments.

    The file is UTF-8, whatever encoding the cell declares: to Jupyter that means nothing.
    """
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if _MAGIC.match(line) or _WRITES_FILE.match(line.rstrip("\r")) or _AROUND.match(line):
            lines[number] = f"# {line}"
    for number, line in enumerate(lines[:2]):
        lines[number] = _DECLARES.sub(r"\1utf-8", line)
        if line.strip() and not line.lstrip().startswith("#"):
            break
    return "\n".join(lines)


def told(name: str, taken: Taken, notebook: str = "the notebook") -> str:
    """Say which of several cells counts; empty where there is one."""
    if not taken.others:
        return ""
    numbers = [str(cell.number) for cell in taken.others]
    return (
        f"several cells of {notebook} are {name} and differ: "
        f"cell {taken.cell.number} counts, not {' or '.join(numbers)}"
    )


def _rank(claim: tuple[bool, bool, int, Cell]) -> tuple[bool, bool, int]:
    return claim[:3]


def _taken(claims: list[Cell]) -> Taken:
    chosen = claims[-1]
    text = as_file(chosen.source)
    others = tuple(cell for cell in claims[:-1] if as_file(cell.source).strip() != text.strip())
    return Taken(chosen, text, tuple(sorted(others, key=lambda cell: cell.number)))


def _file_of_id(grade_id: str) -> str:
    found = _SOLUTION_ID.match(grade_id)
    return f"{found[1]}.py" if found else ""
