"""Mutants: each is one right submission with one small mistake, under an id that lasts."""

from __future__ import annotations

import ast
import difflib
import hashlib
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.authoring.mutants.edits import functions, nodes
from grader.authoring.mutants.operators import FIELD
from grader.authoring.mutants.operators.mutmuts import library_mutants
from grader.authoring.specimens import Specimen, find_specimens
from grader.course import Course, Exercise
from grader.errors import CourseError, did_you_mean
from grader.submission import Submission

_HASH = 6


@dataclass(frozen=True)
class Mutant:
    """A right submission with one mistake."""

    id: str
    """EXERCISE/SOURCE/FILE/FUNCTION/OPERATOR/HASH, the hash over what was changed in the function.

    An edit elsewhere in the file leaves it as it is. Where a function holds the same change
    several times, `.2` and so on tell them apart.
    """
    submission: Submission
    file: str
    line: int
    operator: str
    diff: str
    """The lines that went and came, without the file's layout and comments."""


def find_sources(course: Course, exercise: Exercise, wanted: str | None = None) -> list[Specimen]:
    """Return the right submissions of an exercise: its solution and its wheats.

    With `wanted`, `solution`, `wheat` for all wheats, or the wheat of that name.

    Raises:
        CourseError: there is none of that name.
    """
    found = [each for each in find_specimens(course, exercise) if not each.fails]
    if wanted is None:
        return found
    chosen = [
        each
        for each in found
        if wanted in (each.name, each.name.partition("/")[2])
        or (wanted in ("wheat", "wheats") and each.name != "solution")
    ]
    if not chosen:
        names = [each.name for each in found]
        raise CourseError(
            f"exercise {exercise.id} has no right submission {wanted!r}",
            did_you_mean(wanted, names) or f"It has {', '.join(names)}.",
        )
    return chosen


def find_mutants(exercise: Exercise, source: Specimen) -> Iterator[Mutant]:
    """Yield every mutant of a right submission, no two of them the same program."""
    for file, data in source.submission.files.items():
        code = data.decode("utf-8-sig")
        original = _program(code)
        if original is None:
            continue
        known = {original}
        counts: Counter[str] = Counter()
        for operator, line, changed in _mutate(code):
            text = _program(changed)
            if text is None or text in known:
                continue
            known.add(text)
            diff = short_diff(original, text)
            scope = _scope(code, line)
            digest = hashlib.sha256(f"{scope}\n{diff}".encode()).hexdigest()[:_HASH]
            name = f"{exercise.id}/{source.name}/{file}/{scope}/{operator}/{digest}"
            counts[name] += 1
            if counts[name] > 1:
                name += f".{counts[name]}"
            files = {**source.submission.files, file: text.encode() + b"\n"}
            submission = Submission(name, exercise, files, {})
            yield Mutant(name, submission, file, line, operator, diff)


def short_diff(before: str, after: str) -> str:
    """Return the removed lines, each after a `-`, the new ones, after a `+`, and neighbours."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm=""))
    return "\n".join(line for line in lines[2:] if not line.startswith("@@"))


def _mutate(code: str) -> Iterator[tuple[str, int, str]]:
    for name, operator in FIELD.items():
        tree = ast.parse(code)
        for line in operator(tree):
            yield name, line, _unparse(tree)
    yield from library_mutants(code)


def _unparse(tree: ast.Module) -> str:
    try:
        return ast.unparse(ast.fix_missing_locations(tree))
    except (ValueError, AttributeError, IndexError):
        return "("  # no program, as where a `return` has lost what stands before it


def _program(code: str) -> str | None:
    """`code` in one layout, without what only a reader sees; None where it is no program."""
    try:
        with warnings.catch_warnings(action="ignore"):  # `"x" is y`: a mutant may be odd
            tree = ast.parse(code)
            compile(tree, "<mutant>", "exec")
    except (SyntaxError, ValueError):
        return None
    _drop_annotations(tree)
    return ast.unparse(tree)


def _drop_annotations(tree: ast.Module) -> None:
    """Remove the annotations of functions, and the aliases that only they use."""
    for function in functions(tree):
        function.returns = None
        for argument in nodes(function.args, ast.arg):
            argument.annotation = None
    used = {name.id for name in nodes(tree, ast.Name) if isinstance(name.ctx, ast.Load)}
    tree.body[:] = [statement for statement in tree.body if not _is_alias(statement, used)]


def _is_alias(statement: ast.stmt, used: set[str]) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name not in used and not nodes(value, ast.Call)
    return False


def _scope(code: str, line: int) -> str:
    """Return the names of the functions around a line, `poll` or `serve.answer`; `-` for none."""
    around = [
        function
        for function in functions(ast.parse(code))
        if function.lineno <= line <= (function.end_lineno or function.lineno)
    ]
    around.sort(key=lambda function: function.lineno)
    return ".".join(function.name for function in around) or "-"


def by_file(mutants: Sequence[Mutant]) -> dict[tuple[str, str], list[Mutant]]:
    """Return the mutants of each exercise and file."""
    found: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in mutants:
        found.setdefault((mutant.submission.exercise.id, mutant.file), []).append(mutant)
    return found
