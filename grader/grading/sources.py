"""Which files of the grader's a verdict can depend on: found by their imports."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import grader
from grader.host.interpreter import WORKER
from grader.services.kind import ServiceKind

_ROOT = Path(grader.__file__).parent
_IMPORT = re.compile(
    r"^\s*(?:from (?P<package>grader[\w.]*) import (?P<names>\([^)]*\)|[^\n#]*)"
    r"|import (?P<module>grader[\w.]*))",
    re.MULTILINE,
)
"""An import of the grader's, also one inside a function."""


def judging_sources(suite: Iterable[Path], kinds: Iterable[ServiceKind]) -> frozenset[Path]:
    """Return the files on which a verdict depends: the suite's, and the grader's that judge.

    Those are the modules that grading imports, directly or not, those that the suite and the kinds
    of services import, and the worker's, which are run by their path.
    """
    roots = {_ROOT / "grading" / "many.py", *WORKER.glob("*.py"), *suite}
    return _with_imports(roots | {Path(inspect.getfile(type(kind))) for kind in kinds})


def _with_imports(new: set[Path]) -> frozenset[Path]:
    found: set[Path] = set()
    while new:
        found |= new
        new = {file for path in new for file in _imported(path)} - found
    return frozenset(found)


@cache
def _imported(path: Path) -> frozenset[Path]:
    return frozenset(_imports_of(path.read_text(encoding="utf-8")))


def _imports_of(source: str) -> Iterator[Path]:
    for match in _IMPORT.finditer(source):
        package, names, module = match.group("package", "names", "module")
        if module:
            yield from _files(module)
            continue
        yield from _files(package)
        for name in re.findall(r"\w+", names or ""):
            yield from _files(f"{package}.{name}")


def _files(module: str) -> Iterator[Path]:
    path = _ROOT.joinpath(*module.split(".")[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            yield file
