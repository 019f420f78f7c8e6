"""The public tests of an exercise, tried on its stub and on its solution."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from grader.course import EXERCISES, Course, Exercise
from grader.learn.marked import marked_checks


def public_faults(course: Course, exercises: Sequence[Exercise]) -> Iterator[str]:
    """Yield a sentence where public tests fail on the solution, pass on the stub, or prove nothing.

    Several run at a time: most of them wait.
    """
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        on_stub = [pool.submit(_pass, course, each, solved=False) for each in exercises]
        on_solution = [pool.submit(_pass, course, each, solved=True) for each in exercises]
        for each, stub, solution in zip(exercises, on_stub, on_solution, strict=True):
            for name in sorted(marked_checks(course, each)):
                if each.check(name) is None:
                    yield f"{each.id}: a public test proves {name!r}, no check of course.toml"
            if stub.result():
                yield f"{each.id}: the public tests pass on the stub"
            if not solution.result():
                yield f"{each.id}: the public tests do not all pass on the solution"


def _pass(course: Course, exercise: Exercise, *, solved: bool) -> bool:
    """Tell whether all public tests pass, in a copy of the exercise's folder."""
    source = course.folder(exercise)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / EXERCISES / exercise.id
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
        if (shared := source.parent / "conftest.py").is_file():
            shutil.copy(shared, folder.parent)
        shutil.copytree(course.root / "resources", Path(root) / "resources")
        for name in exercise.files if solved else ():
            shutil.copy(course.solution(exercise) / name, folder / name)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-c", str(course.root / "pyproject.toml"), "--rootdir", root, str(folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603
